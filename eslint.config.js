import path from 'node:path';
import tseslint from 'typescript-eslint';

// .dependency-cruiser.mjs says which folder may import which.
export default tseslint.config(
  {
    ignores: [
      'dist/',
      'build/',
      'node_modules/',
      'coverage/',
      'tools/run.mjs',
      'tools/node/',
      'tools/programs/',
      'eslint.config.js',
      '.dependency-cruiser.mjs',
      'docs/',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: path.dirname(new URL(import.meta.url).pathname) },
    },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/unbound-method': ['error', { ignoreStatic: true }],
      // client-node declares the API's plain JSON objects as classes; nobody here makes instances of them.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      eqeqeq: 'error',
      'no-restricted-syntax': [
        'error',
        { selector: 'TSEnumDeclaration', message: 'String unions with the wire spelling, not enums.' },
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: 'Only src/app/config.ts reads the environment.',
        },
      ],
    },
  },
  { files: ['test/**', 'tools/**', 'bench/**', 'examples/**', 'src/app/config.ts'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['test/**'],
    rules: { '@typescript-eslint/no-unused-expressions': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
