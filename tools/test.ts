// npm test and npm run test:RUNG: runs each rung of the tests in a mocha process, or in one for each file, and ends with "N passed, N failed,
// N skipped". A skipped test, or a rung without tests, fails the run.
import { spawn } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestCounts, TestReport } from './counting-reporter.ts';
import { clusterState, takeClusterDown } from './kubernetes/one-node-cluster.ts';
import { formatElapsed, say } from './progress.ts';
import { canIsolate, type FileOrder, FileQueue, runFiles } from './test-files.ts';

const root = path.resolve(import.meta.dirname, '..');
/** From the least to the most powerful, each with the default time limit of a test. */
const rungs = {
  unit: { timeoutMs: 20_000, mochaArgs: [] },
  parity: { timeoutMs: 60_000, mochaArgs: [] },
  integration: { timeoutMs: 120_000, mochaArgs: [] },
  e2e: { timeoutMs: 180_000, mochaArgs: ['--require', path.join(root, 'test', 'support', 'cluster', 'cluster-hooks.ts')] },
} as const satisfies Record<string, { timeoutMs: number; mochaArgs: readonly string[] }>;
type Rung = keyof typeof rungs;

const interrupted = new AbortController();

const integrationOrder: FileOrder = {
  first: [
    ...['soak', 'faults/kills', 'faults/api-server', 'faults/hostile-tenants', 'least-privilege', 'package', 'faults/admission'],
    ...['images', 'faults/definition', 'chart'],
  ].map(integrationFile),
  exclusive: ['faults/hostile-tenants', 'images', 'local-cluster-safety', 'machine-lock', 'package', 'runtime-package'].map(
    integrationFile,
  ),
};

function integrationFile(name: string): string {
  return path.join('test', 'integration', `${name}.test.ts`);
}

const usage = `npm test, or npm run test:RUNG [-- MOCHA-ARGUMENT…]; RUNG is one of ${Object.keys(rungs).join(', ')}

Files named *.test.ts among the arguments are run instead of the whole rung, in one process; --grep TEXT selects tests by their
titles.
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

/** What no mocha has left: it ended in a hook, in a file that does not load, or by a crash. */
const nothing: TestReport = { passed: 0, failed: 0, skipped: 0, failures: [] };

/** @param output the file for the report */
function mochaArgs(rung: Rung, output: string, args: readonly string[]): string[] {
  const { timeoutMs, mochaArgs } = rungs[rung];
  return [
    ...[path.join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'), '--timeout', String(timeoutMs), '--forbid-only'],
    ...['--reporter', path.join(root, 'tools', 'counting-reporter.ts'), '--reporter-option', `output=${output}`],
    ...[process.stdout.isTTY ? '--color' : '--no-color', ...mochaArgs, ...args],
  ];
}

async function reportIn(output: string, isGreen: boolean, subject: string): Promise<TestReport> {
  const report = existsSync(output) ? (JSON.parse(await readFile(output, 'utf8')) as TestReport) : nothing;
  return isGreen || report.failed > 0
    ? report
    : { ...report, failed: 1, failures: [`${subject}: mocha failed outside of a test`] };
}

async function runRung(rung: Rung, args: readonly string[]): Promise<TestReport> {
  const chosen = args.filter(arg => arg.endsWith('.test.ts'));
  const files = chosen.length > 0 ? chosen : globSync(`test/${rung}/**/*.test.ts`, { cwd: root }).sort();
  say(`\n${rung}: ${files.length} files`);
  if (files.length === 0) return nothing;
  const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-counts-'));
  try {
    return rung === 'integration' && chosen.length === 0
      ? await runSideBySide(rung, folder, files, args)
      : await runTogether(rung, folder, [...args.filter(arg => !chosen.includes(arg)), ...files]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** All files in one mocha process, whose output is shown as it comes. */
async function runTogether(rung: Rung, folder: string, args: readonly string[]): Promise<TestReport> {
  const wasDown = rung === 'e2e' && (await clusterState()) === 'down';
  const output = path.join(folder, 'counts.json');
  const isGreen = await succeeds(mochaArgs(rung, output, args));
  // The last hook, which takes the cluster down, has not run. A cluster that was up before the tests is kept.
  if (wasDown && !existsSync(output)) await takeClusterDown();
  return await reportIn(output, isGreen, rung);
}

/** Each file in a mocha process of its own; the output of a file is shown when it has ended. */
async function runSideBySide(rung: Rung, folder: string, files: readonly string[], args: readonly string[]): Promise<TestReport> {
  const total = { ...nothing, failures: [] as string[] };
  const nameOf = (file: string) => path.join(folder, file.replaceAll(path.sep, '-'));
  const onEnd = async (file: string, isGreen: boolean, elapsedMs: number): Promise<void> => {
    const report = await reportIn(`${nameOf(file)}.json`, isGreen, file);
    add(total, report);
    total.failures.push(...report.failures);
    if (report.passed + report.failed + report.skipped === 0) return;
    process.stdout.write(await readFile(`${nameOf(file)}.log`, 'utf8'));
    say(`${file}: ${countsOf(report)} in ${formatElapsed(elapsedMs)}`);
  };
  await runFiles(new FileQueue(files, integrationOrder), {
    ...{ isIsolated: await canIsolate(), signal: interrupted.signal, onEnd },
    argsOf: file => mochaArgs(rung, `${nameOf(file)}.json`, [...args, file]),
    logOf: file => `${nameOf(file)}.log`,
  });
  return total;
}

const countsOf = ({ passed, failed, skipped }: TestCounts): string => `${passed} passed, ${failed} failed, ${skipped} skipped`;

function add(total: TestCounts, counts: TestCounts): void {
  for (const name of ['passed', 'failed', 'skipped'] as const) total[name] += counts[name];
}

/** Runs rungs one after the other. With `withCheck` the check of the sources runs first and counts as one test. */
async function runAll(chosen: readonly Rung[], withCheck: boolean, args: readonly string[]): Promise<void> {
  const total: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  let isComplete = true;
  if (withCheck) {
    if (await succeeds([path.join(root, 'tools', 'check.ts')])) total.passed += 1;
    else total.failed += 1;
  }
  const failures: string[] = [];
  for (const rung of chosen) {
    if (interrupted.signal.aborted) break;
    const startedAt = performance.now();
    const report = await runRung(rung, args);
    say(`${rung}: ${countsOf(report)} in ${formatElapsed(performance.now() - startedAt)}`);
    add(total, report);
    failures.push(...report.failures);
    if (report.passed + report.failed > 0) continue;
    isComplete = false;
    say(`${rung}: no tests ran`);
  }
  if (total.skipped > 0) say('Skipped tests fail the run');
  if (failures.length > 0) say(`\nFailed:\n${failures.map(title => `- ${title}`).join('\n')}`);
  process.stdout.write(`\n${countsOf(total)}\n`);
  process.exitCode = isComplete && !interrupted.signal.aborted && total.failed === 0 && total.skipped === 0 ? 0 : 1;
}

async function main(name: string | undefined, args: readonly string[]): Promise<void> {
  const all = Object.keys(rungs) as Rung[];
  const chosen = name === 'all' ? all : all.filter(rung => rung === name);
  if (chosen.length === 0) {
    process.stdout.write(usage);
    process.exitCode = name === '--help' ? 0 : 2;
    return;
  }
  // A child gets a Ctrl-C too, ends its tests and cleans up; this process reports what has run.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
  await runAll(chosen, name === 'all', args);
}

const [name, ...args] = process.argv.slice(2);
await main(name, args);
