// `npm test` and its rungs: unit → parity → integration → e2e, each in a mocha of its own, the fastest first. Ends with a line
// `N passed, N failed, N skipped` over all of them; fails if a test failed or was skipped, or if a rung had no test at all.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const rungs = ['unit', 'parity', 'integration', 'e2e'] as const;
type Rung = (typeof rungs)[number];

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

async function run(program: string, args: readonly string[]): Promise<{ readonly code: number; readonly output: string }> {
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  const code = await new Promise<number>((resolve, reject) =>
    child.once('error', reject).once('close', status => resolve(status ?? 1)),
  );
  return { code, output };
}

/** mocha's last lines: "12 passing (3s)", "1 pending", "2 failing". */
function countsOf(output: string): Counts {
  const count = (word: string): number => Number(output.match(new RegExp(`^ {2}(\\d+) ${word}\\b`, 'm'))?.[1] ?? 0);
  return { passed: count('passing'), failed: count('failing'), skipped: count('pending') };
}

async function runRung(rung: Rung, mochaArguments: readonly string[]): Promise<Counts> {
  const files = globSync(`test/${rung}/**/*.test.ts`, { cwd: root }).sort();
  process.stdout.write(`\n=== ${rung}: ${files.length} files\n`);
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const mocha = path.join(root, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const { code, output } = await run(process.execPath, [mocha, ...mochaArguments, ...files]);
  const counts = countsOf(output);
  // A rung that ended badly before it could count is a failure all the same.
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

const [wanted = 'all', ...mochaArguments] = process.argv.slice(2);
if (wanted !== 'all' && !rungs.some(rung => rung === wanted)) {
  process.stderr.write(`usage: npm test, or npm run test:{${rungs.join(',')}} [-- MOCHA ARGUMENTS]\n`);
  process.exit(2);
}
const results: Counts[] = [];
if (wanted === 'all') {
  const { code } = await run(process.execPath, [path.join(root, 'tools', 'check.ts')]);
  results.push(code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 });
}
for (const rung of rungs.filter(one => wanted === 'all' || one === wanted)) {
  const counts = await runRung(rung, mochaArguments);
  if (counts.passed + counts.failed + counts.skipped === 0) process.stdout.write(`${rung}: no test ran\n`);
  results.push(counts.passed + counts.failed + counts.skipped === 0 ? { ...counts, failed: 1 } : counts);
}
const total = (key: keyof Counts): number => results.reduce((sum, counts) => sum + counts[key], 0);
process.stdout.write(`\n${total('passed')} passed, ${total('failed')} failed, ${total('skipped')} skipped\n`);
process.exitCode = total('failed') + total('skipped') === 0 ? 0 : 1;
