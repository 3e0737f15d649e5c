// `npm run check`: all checks of the sources that do not run them. Every check runs, and the program fails at the end if one of them failed.
import { spawn } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const bin = (name: string): string => path.join(root, 'node_modules', '.bin', name);

/** Name, program and arguments. A check that fails prints the reason and exits with another code than 0. */
const checks: readonly (readonly [string, string, ...string[]])[] = [
  ['types', bin('tsc'), '-p', '.'],
  ['lint', bin('eslint'), '--max-warnings', '0', '.'],
  // `err-long` prints the reason of a rule that was broken.
  ['imports', bin('depcruise'), '--config', '.dependency-cruiser.mjs', '--output-type', 'err-long', 'src'],
  [
    'format',
    bin('prettier'),
    '--check',
    '--log-level',
    'warn',
    'src',
    'test',
    'bench',
    'tools',
    'examples',
    'eslint.config.js',
    '.dependency-cruiser.mjs',
    'package.json',
  ],
  ['documentation', bin('typedoc'), '--emit', 'none'],
  ['generated files', process.execPath, path.join(root, 'tools', 'generate.ts'), '--check'],
];

async function run(name: string, program: string, args: readonly string[]): Promise<boolean> {
  const startedMs = performance.now();
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)\n${code === 0 ? '' : output}`);
  return code === 0;
}

// Two at a time: type checking and linting each use about one core.
const waiting = [...checks];
const results: boolean[] = [];
const worker = async (): Promise<void> => {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const [name, program, ...args] = check;
    results.push(await run(name, program, args));
  }
};
await Promise.all([worker(), worker()]);
process.exitCode = results.every(Boolean) ? 0 : 1;
