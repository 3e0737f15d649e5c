// The long-running programs of a local Kubernetes: started with their output in a file, and found and ended by process id.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const tailLines = 12;
const pollIntervalMs = 20;

/** A process id and the start of the process (clock ticks since boot). Together they are unique, also if the id is reused. */
export interface ProcessIdentity {
  name: string;
  pid: number;
  startTicks: number;
}

export interface ProgramOptions {
  /** Name in messages, and of the log file. */
  name: string;
  file: string;
  args: readonly string[];
  logFile: string;
  environment?: Record<string, string>;
  /** Path of setpriv: the kernel then kills the program as soon as this process ends, however it ends. Without it the program outlives this process. */
  setpriv?: string;
}

/** A program that this process has started. It is in a session of its own: a Ctrl-C in the terminal does not reach it. */
export class RunningProgram {
  readonly name: string;
  readonly identity: ProcessIdentity;
  readonly logFile: string;
  readonly #child: ChildProcess;

  private constructor(name: string, logFile: string, child: ChildProcess, pid: number) {
    this.name = name;
    this.logFile = logFile;
    this.#child = child;
    this.identity = { name, pid, startTicks: startTicksOf(pid) ?? 0 };
  }

  /** @throws Error if the program cannot be started. */
  static async start(options: ProgramOptions): Promise<RunningProgram> {
    const log = openSync(options.logFile, 'a', 0o600);
    const { file, args, setpriv } = options;
    const [command, commandArgs] = setpriv === undefined ? [file, args] : [setpriv, ['--pdeathsig', 'KILL', file, ...args]];
    const child = spawn(command, commandArgs, {
      stdio: ['ignore', log, log],
      detached: true,
      env: { ...process.env, ...options.environment },
    });
    closeSync(log);
    await new Promise((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    if (child.pid === undefined) throw new Error(`${options.name} has no process id`);
    return new RunningProgram(options.name, options.logFile, child, child.pid);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Throws with the end of its log if the program has ended. For loops that wait for it to be ready. */
  assertRuns(): void {
    if (this.ending !== undefined) throw new Error(this.ending);
  }

  /** How the program ended, and the end of its log; undefined while it runs. */
  get ending(): string | undefined {
    if (!this.hasEnded) return undefined;
    const how = this.#child.signalCode ?? `exit code ${this.#child.exitCode ?? ''}`;
    return `${this.name} ended (${how}); the end of ${this.logFile}:\n${logTail(this.logFile)}`;
  }

  /** Ends the program with SIGTERM, and with SIGKILL after `graceMs`; 0 kills at once. Resolves when it has ended. */
  async stop(graceMs: number): Promise<void> {
    if (this.hasEnded) return;
    // Keeps this process alive until the other one has ended.
    this.#child.ref();
    const gone = new Promise(resolve => this.#child.once('exit', resolve));
    this.#child.kill(graceMs === 0 ? 'SIGKILL' : 'SIGTERM');
    if (graceMs > 0) {
      const killed = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
      await gone;
      clearTimeout(killed);
    }
    await gone;
  }
}

/** The last lines of a log file, for an error message. */
export function logTail(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-tailLines).join('\n');
  } catch {
    return '(no log)';
  }
}

/** The identity of a running process, or undefined if no process has that id. */
export function identify(name: string, pid: number): ProcessIdentity | undefined {
  const startTicks = startTicksOf(pid);
  return startTicks === undefined ? undefined : { name, pid, startTicks };
}

/** Whether exactly this process still runs (a zombie does not). */
export function isRunning(identity: ProcessIdentity): boolean {
  return startTicksOf(identity.pid) === identity.startTicks;
}

/** Ends a process of an earlier run by its identity; does nothing if it has ended. */
export async function stopByIdentity(identity: ProcessIdentity, graceMs: number): Promise<void> {
  const deadline = performance.now() + graceMs;
  let signal: NodeJS.Signals = graceMs === 0 ? 'SIGKILL' : 'SIGTERM';
  send(identity, signal);
  while (isRunning(identity)) {
    if (signal === 'SIGTERM' && performance.now() > deadline) {
      signal = 'SIGKILL';
      send(identity, signal);
    }
    await delay(pollIntervalMs);
  }
}

function send(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (isRunning(identity)) kill(identity.pid, signal);
}

/**
 * Sends a signal to one process; does nothing if it has ended.
 * @throws Error for anything but the id of one process: kill(2) takes 0 and negative numbers for whole groups, 0 for the caller's own.
 */
export function kill(pid: number, signal: NodeJS.Signals): void {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`${pid} is not the id of a process that may be ended`);
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function startTicksOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may hold anything; the third is the state, the 22nd the start.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : Number(fields[19]);
  } catch {
    return undefined;
  }
}
