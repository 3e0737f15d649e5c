// `npm run build`: dist/main.js, the controller as one bundled file, and dist/{broadcaster,record,runtime}, the modules for other controllers.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import * as esbuild from 'esbuild';

const root = path.resolve(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string };

/**
 * The controller uses client-node's KubeConfig and its authentication, and nothing of it that sends requests. The generated API classes
 * and the HTTP client are left out of the bundle: it starts faster, takes less memory, and runs on Node.js 20 as well. Code that would
 * use them fails with a message that explains it.
 */
const kubeConfigOnly: esbuild.Plugin = {
  name: 'kubeconfig-only',
  setup(build) {
    const unused: Readonly<Record<string, string>> = {
      undici: 'export const { Agent, ProxyAgent } = unused;',
      './gen/index.js': 'export const { createConfiguration, ServerConfiguration } = unused;',
    };
    const message = 'client-node sends no requests in this bundle: kube-transport.ts does';
    build.onResolve({ filter: /^@kubernetes\/client-node$/ }, ({ resolveDir, path: id }) =>
      resolveDir.includes('node_modules') ? undefined : { path: path.join(root, 'node_modules', id, 'dist', 'config.js') },
    );
    build.onResolve({ filter: /^(undici|\.\/gen\/index\.js)$/ }, ({ importer, path: id }) =>
      importer.includes(path.join('@kubernetes', 'client-node')) ? { path: id, namespace: 'unused' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'unused' }, ({ path: id }) => ({
      contents: `const unused = new Proxy({}, { get: () => class { constructor() { throw new Error(${JSON.stringify(message)}); } } });\n${unused[id] ?? ''}`,
    }));
  },
};

/**
 * An `import` of node:http evaluates all its exports, and its WebSocket loads the whole of Node's fetch, which nothing here uses: that is an
 * eighth of the time of a start. A `require` evaluates none of them.
 */
const httpByRequire: esbuild.Plugin = {
  name: 'http-by-require',
  setup(build) {
    build.onResolve({ filter: /^(node:)?http$/ }, ({ kind, path: id }) =>
      kind === 'import-statement' ? { path: id, namespace: 'by-require' } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: 'by-require' }, ({ path: id }) => ({
      contents: `module.exports = require(${JSON.stringify(id)});`,
    }));
  },
};

async function bundle(): Promise<void> {
  const outfile = path.join(root, 'dist', 'main.js');
  await esbuild.build({
    entryPoints: [path.join(root, 'src', 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    minifySyntax: true,
    // The source stays in memory: without its comments it is smaller, and has one byte a character.
    minifyWhitespace: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'linked',
    define: { BITCOIN_CONTROLLER_VERSION: JSON.stringify(version) },
    // Some bundled packages are CommonJS and call require for Node's own modules.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'; const require = createRequireOfBundle(import.meta.url);",
    },
    plugins: [kubeConfigOnly, httpByRequire],
    // For Node.js, rxjs exports CommonJS modules, of which none can be left out.
    alias: { rxjs: path.join(root, 'node_modules', 'rxjs', 'dist', 'esm', 'index.js') },
    // node-fetch requires it on a Node.js without web streams. Each that runs the bundle has them.
    external: ['web-streams-polyfill'],
    logLevel: 'warning',
  });
  process.stdout.write(`dist/main.js: ${(statSync(outfile).size / 1e6).toFixed(2)} MB\n`);
}

/** The entries for other controllers: those that must not need the types of Node.js are compiled without them, before the runtime. */
function library(): void {
  for (const project of ['tsconfig.library.json', 'tsconfig.runtime.json']) {
    const { status } = spawnSync(path.join(root, 'node_modules', '.bin', 'tsc'), ['-p', project], {
      cwd: root,
      stdio: 'inherit',
    });
    if (status !== 0) process.exit(1);
  }
  process.stdout.write('dist/broadcaster, dist/record, dist/runtime\n');
}

rmSync(path.join(root, 'dist'), { recursive: true, force: true });
library();
try {
  await bundle();
} catch {
  // esbuild has printed the errors, and its stack would hide them.
  process.exit(1);
}
