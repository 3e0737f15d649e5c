// Runs the files of a rung two at a time, each in a mocha process of its own. Most of them wait for other processes most of the time.
// Each has its own network namespace, so that fixed addresses and ports do not collide.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { allPrograms, providePrograms } from './programs.ts';
import { say } from './progress.ts';

const root = path.resolve(import.meta.dirname, '..');
const lanes = 2;
/** The longest file takes a third of this. */
const defaultLimitMs = 30 * 60_000;
/** A command that runs the one after it in a new network namespace, with loopback. */
const isolation = ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"'];

/** The order in which the files of a rung are run. */
export interface FileOrder {
  /** They take longest, so they start first: otherwise the last one runs alone. */
  readonly first: readonly string[];
  /** They use what a machine has once: its packages, the registries, the network's rules, dist/. One runs at a time, without isolation. */
  readonly exclusive: readonly string[];
}

/** The files that have yet to run. */
export class FileQueue {
  readonly #waiting: string[];
  readonly #exclusive: ReadonlySet<string>;
  #isExclusiveRunning = false;

  /** @throws RangeError if the order names a file that is not among the files, as after a file was renamed */
  constructor(files: readonly string[], { first, exclusive }: FileOrder) {
    const unknown = [...first, ...exclusive].find(file => !files.includes(file));
    if (unknown !== undefined) throw new RangeError(`the order names ${unknown}, which does not exist`);
    this.#waiting = [...new Set([...first, ...files])];
    this.#exclusive = new Set(exclusive);
  }

  isExclusive(file: string): boolean {
    return this.#exclusive.has(file);
  }

  /** The next file that may run now; undefined if there is none. Call `done` when it has ended. */
  take(): string | undefined {
    const index = this.#waiting.findIndex(file => !this.#isExclusiveRunning || !this.isExclusive(file));
    if (index < 0) return undefined;
    const [file = ''] = this.#waiting.splice(index, 1);
    if (this.isExclusive(file)) this.#isExclusiveRunning = true;
    return file;
  }

  done(file: string): void {
    if (this.isExclusive(file)) this.#isExclusiveRunning = false;
  }
}

/**
 * Whether files can be isolated on this machine. Programs that are missing are fetched for this, since a new namespace reaches no registry.
 */
export async function canIsolate(): Promise<boolean> {
  try {
    await providePrograms(allPrograms);
  } catch (error) {
    say(`The files run one after another: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
  const [unshare = '', ...args] = isolation;
  if (spawnSync(unshare, [...args, process.execPath, '--version'], { stdio: 'ignore' }).status === 0) return true;
  say('The files run one after another: they need a network namespace each, which needs root, unshare and ip');
  return false;
}

export interface RunFilesOptions {
  /** Whether to run them side by side, each in a network namespace of its own. */
  readonly isIsolated: boolean;
  /** The arguments of Node.js that run a file. */
  readonly argsOf: (file: string) => readonly string[];
  /** Where a file's output goes. */
  readonly logOf: (file: string) => string;
  /** Called when a file has ended, with whether its process exited with 0. */
  readonly onEnd: (file: string, isGreen: boolean, elapsedMs: number) => Promise<void>;
  /** A process that still runs after so many milliseconds is killed, so that one that waits without end does not keep the others. Default: 30 minutes. */
  readonly limitMs?: number;
  /** No file starts after it has aborted. */
  readonly signal: AbortSignal;
}

/** Runs the files of the queue until none is left. */
export async function runFiles(queue: FileQueue, options: RunFilesOptions): Promise<void> {
  const { isIsolated, argsOf, logOf, onEnd, signal, limitMs = defaultLimitMs } = options;
  const lane = async (): Promise<void> => {
    for (;;) {
      const file = signal.aborted ? undefined : queue.take();
      if (file === undefined) return;
      const wrapper = isIsolated && !queue.isExclusive(file) ? isolation : [];
      const startedMs = performance.now();
      const isGreen = await succeedsInto(logOf(file), [...wrapper, process.execPath, ...argsOf(file)], limitMs);
      queue.done(file);
      await onEnd(file, isGreen, performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: isIsolated ? lanes : 1 }, lane));
}

/** Into a file and not a pipe, which a process that is left behind would keep open. */
async function succeedsInto(log: string, [program = '', ...args]: readonly string[], limitMs: number): Promise<boolean> {
  const output = openSync(log, 'w');
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', output, output], timeout: limitMs, killSignal: 'SIGKILL' });
  closeSync(output);
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => resolve(code === 0));
  });
}
