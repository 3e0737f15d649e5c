// npm test and npm run test:RUNG: runs each rung of the tests in a mocha process and ends with "N passed, N failed, N skipped". A skipped
// test, or a rung without tests, fails the run.
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestCounts } from './counting-reporter.ts';
import { clusterState, takeClusterDown } from './kubernetes/one-node-cluster.ts';
import { formatElapsed, say } from './progress.ts';

const root = path.resolve(import.meta.dirname, '..');
/** From the least to the most powerful, each with the default time limit of a test. */
const rungs = {
  unit: { timeoutMs: 5_000, mochaArgs: [] },
  parity: { timeoutMs: 60_000, mochaArgs: [] },
  integration: { timeoutMs: 120_000, mochaArgs: [] },
  e2e: { timeoutMs: 180_000, mochaArgs: ['--require', path.join(root, 'test', 'support', 'cluster', 'cluster-hooks.ts')] },
} as const satisfies Record<string, { timeoutMs: number; mochaArgs: readonly string[] }>;
type Rung = keyof typeof rungs;

const usage = `npm test, or npm run test:RUNG [-- MOCHA-ARGUMENT…]; RUNG is one of ${Object.keys(rungs).join(', ')}

Files named *.test.ts among the arguments are run instead of the whole rung; --grep TEXT selects tests by their titles.
`;

/** Runs a Node.js program and resolves with whether it exited with 0. A Ctrl-C reaches the program by itself; this process waits for it. */
async function succeeds(args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => resolve(code === 0));
  });
}

async function runRung(rung: Rung, args: readonly string[]): Promise<TestCounts> {
  const chosen = args.filter(arg => arg.endsWith('.test.ts'));
  const files = chosen.length > 0 ? chosen : globSync(`test/${rung}/**/*.test.ts`, { cwd: root }).sort();
  say(`\n${rung}: ${files.length} files`);
  if (files.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  const wasDown = rung === 'e2e' && (await clusterState()) === 'down';
  const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-counts-'));
  try {
    const output = path.join(folder, 'counts.json');
    const mocha = [
      path.join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
      '--reporter',
      path.join(root, 'tools', 'counting-reporter.ts'),
      '--reporter-option',
      `output=${output}`,
    ];
    const { timeoutMs, mochaArgs } = rungs[rung];
    const isGreen = await succeeds([
      ...mocha,
      '--timeout',
      String(timeoutMs),
      '--forbid-only',
      process.stdout.isTTY ? '--color' : '--no-color',
      ...mochaArgs,
      ...args.filter(arg => !chosen.includes(arg)),
      ...files,
    ]);
    const counts = JSON.parse(await readFile(output, 'utf8').catch(() => '{"passed":0,"failed":0,"skipped":0}')) as TestCounts;
    // The last hook, which takes the cluster down, has not run. A cluster that was up before the tests is kept.
    if (wasDown && !existsSync(output)) await takeClusterDown();
    // mocha failed without a failed test: in a hook, in a file that does not load, or by a crash.
    return isGreen || counts.failed > 0 ? counts : { ...counts, failed: 1 };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs rungs one after the other. With `withCheck` the check of the sources runs first and counts as one test. */
async function runAll(chosen: readonly Rung[], withCheck: boolean, args: readonly string[]): Promise<void> {
  const total: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  let isComplete = true;
  if (withCheck) {
    if (await succeeds([path.join(root, 'tools', 'check.ts')])) total.passed += 1;
    else total.failed += 1;
  }
  for (const rung of chosen) {
    const startedAt = performance.now();
    const counts = await runRung(rung, args);
    say(
      `${rung}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped in ${formatElapsed(performance.now() - startedAt)}`,
    );
    for (const name of ['passed', 'failed', 'skipped'] as const) total[name] += counts[name];
    if (counts.passed + counts.failed > 0) continue;
    isComplete = false;
    say(`${rung}: no tests ran`);
  }
  if (total.skipped > 0) say('Skipped tests fail the run');
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  process.exitCode = isComplete && total.failed === 0 && total.skipped === 0 ? 0 : 1;
}

async function main(name: string | undefined, args: readonly string[]): Promise<void> {
  const all = Object.keys(rungs) as Rung[];
  const chosen = name === 'all' ? all : all.filter(rung => rung === name);
  if (chosen.length === 0) {
    process.stdout.write(usage);
    process.exitCode = name === '--help' ? 0 : 2;
    return;
  }
  // A child gets a Ctrl-C too, ends its tests and cleans up; this process continues after it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (process.exitCode = 1));
  await runAll(chosen, name === 'all', args);
}

const [name, ...args] = process.argv.slice(2);
await main(name, args);
