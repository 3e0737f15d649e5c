import path from 'node:path';
import tseslint from 'typescript-eslint';

/** Which folders a file may not import from, with the reason that the message gives. */
const folderRule = (files, patterns) => ({
  files,
  rules: {
    '@typescript-eslint/no-restricted-imports': ['error', { patterns }],
  },
});
const never = (group, message, options = {}) => ({ group, message, ...options });

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
  folderRule(
    ['src/broadcaster/**'],
    [
      {
        regex: '^\\.\\./(?!collections/)',
        message: 'broadcaster/ is generic: rxjs and plain collections, so that it runs in a browser too.',
      },
      never(['winston*', '@kubernetes/*', 'prom-client', 'node:*'], 'broadcaster/ runs in a browser too.'),
    ],
  ),
  folderRule(
    ['src/record/**'],
    [
      never(
        [
          '**/app/**',
          '**/bitcoin/**',
          '**/controller/**',
          '**/kube/**',
          '!**/kube/api-error.ts',
          '**/metrics/**',
          '**/runtime/**',
          '**/winston-logger*',
          'winston*',
          'prom-client',
          'node-fetch',
          'zod',
        ],
        'record/ is for any controller: nothing of bitcoin, of this controller, of winston or of metrics.',
      ),
      never(['@kubernetes/client-node'], "record/ takes client-node's types only: the consumer brings its own version.", {
        allowTypeImports: true,
      }),
    ],
  ),
  folderRule(
    ['src/bitcoin/**'],
    [
      never(
        ['rxjs', '**/app/**', '**/broadcaster/**', '**/controller/**', '**/kube/**', '**/record/**', '**/runtime/**'],
        'bitcoin/ says what should be and talks to bitcoind; it makes no Kubernetes call.',
      ),
    ],
  ),
  folderRule(
    ['src/controller/**'],
    [
      never(
        ['**/broadcaster/**', 'winston*', 'prom-client'],
        'The controller records events; it does not know how they are distributed.',
      ),
      never(['**/app/**'], 'app/ assembles the process; nothing below it may depend on that.'),
      never(['**/record/**'], 'The controller sees the EventRecorder type and nothing else of record/.', {
        allowTypeImports: true,
      }),
    ],
  ),
);
