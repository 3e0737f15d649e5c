// Runs one of this repository's TypeScript programs: `node tools/run.mjs FILE [ARGUMENT…]`, or with `--bin NAME` a program
// of node_modules/.bin. First it provides what every program needs: installed packages, and a Node.js that is new
// enough (the machine's own, otherwise the pinned one of tools/node). Plain JavaScript, because an old Node.js must read it.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const neededNode = { major: 24, minor: 0 };

/** Installs the packages of a folder's lock file, unless exactly these are installed. */
function install(folder, label, extra = []) {
  const lock = readFileSync(path.join(folder, 'package-lock.json'));
  const digest = createHash('sha256').update(lock).digest('hex');
  const stamp = path.join(folder, 'node_modules', '.installed-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return;
  process.stderr.write(`Installing ${label} …\n`);
  const arguments_ = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...extra];
  const { status, error } = spawnSync('npm', arguments_, { cwd: folder, stdio: ['ignore', 2, 2] });
  if (error !== undefined || status !== 0) {
    process.stderr.write(`npm ci in ${folder} failed${error === undefined ? '' : `: ${error.message}`}\n`);
    process.exit(1);
  }
  writeFileSync(stamp, digest);
}

/** The Node.js executable that the programs run on. */
function nodeExecutable() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > neededNode.major || (major === neededNode.major && minor >= neededNode.minor)) return process.execPath;
  const folder = path.join(root, 'tools', 'node');
  const executable = path.join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  install(folder, `Node.js ${neededNode.major} for this repository's scripts (this is ${process.version})`);
  if (existsSync(executable)) return executable;
  process.stderr.write(
    `These scripts need Node.js ${neededNode.major} or later; this is ${process.version} on ${process.platform}-${process.arch}. ` +
      'Please install a newer Node.js and run the command again.\n',
  );
  process.exit(1);
}

install(root, 'packages');
const node = nodeExecutable();
const [first, second, ...rest] = process.argv.slice(2);
const command =
  first === '--bin'
    ? [path.join(root, 'node_modules', '.bin', second), ...rest]
    : [path.resolve(root, first), ...(second === undefined ? [] : [second, ...rest])];
const child = spawn(node, command, {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` },
});
// The terminal sends Ctrl-C to the whole group; a signal to this process alone is passed on. In both cases the child decides when to end.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => signal !== 'SIGINT' && child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? 128 + (signal === 'SIGINT' ? 2 : 15);
});
