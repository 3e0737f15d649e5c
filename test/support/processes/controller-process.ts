// The controller as its own process, for tests that kill, freeze and restart it. It ends with the test process, however that ends.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { cacheFolder } from '../../../tools/cache-folder.ts';
import { providePrograms } from '../../../tools/programs.ts';

/** Node.js keeps there what it made of the sources: a start takes half the processor time. */
const compileCache = path.join(cacheFolder, 'compile-cache');
const program = path.resolve(import.meta.dirname, '../../../src/main.ts');

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface ControllerProcessOptions {
  /** A file. */
  readonly kubeconfig: string;
  /** Beside --kubeconfig, as on the command line. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** For Node.js, before the program. */
  readonly nodeArgs?: readonly string[];
  /** The program. Default: the sources. */
  readonly file?: string;
  /** A command that runs the one after it, by exec. */
  readonly launcher?: readonly string[];
}

export class ControllerProcess {
  readonly logs: LogLine[] = [];
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    if (child.stderr === null) throw new Error('the controller has no standard error');
    createInterface({ input: child.stderr }).on('line', line => {
      this.logs.push(lineOf(line));
      this.#notify();
    });
    child.once('close', () => this.#notify());
  }

  /** Resolves when it has been started; it is not ready then. */
  static async start(options: ControllerProcessOptions): Promise<ControllerProcess> {
    const { kubeconfig, args = [], environment = {}, nodeArgs = [], file = program, launcher = [] } = options;
    const { setpriv } = await providePrograms(['setpriv']);
    const command = [...launcher, process.execPath, ...nodeArgs, file, '--kubeconfig', kubeconfig, ...args];
    const child = spawn(setpriv, ['--pdeathsig', 'KILL', ...command], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...environment },
    });
    await once(child, 'spawn');
    if (child.pid === undefined) throw new Error('the controller has no process id');
    return new ControllerProcess(child, child.pid);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get exitCode(): number | null {
    return this.#child.exitCode;
  }

  /** Resolves when it has logged such a line. @throws Error with its last lines if it ends before */
  async logged(isMeant: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const line = this.logs.find(isMeant);
      if (line !== undefined) return line;
      if (this.hasEnded)
        throw new Error(
          `the controller ended: ${this.logs
            .slice(-20)
            .map(one => JSON.stringify(one))
            .join('\n')}`,
        );
      await this.#nextTold();
    }
  }

  /** Resolves when its caches have synced. */
  async ready(): Promise<void> {
    await this.logged(({ message }) => message === 'Ready');
  }

  /** As when the reader of a pipe ends: what it logs from now on cannot be written. */
  stopReadingLog(): void {
    this.#child.stderr?.destroy();
  }

  /** Nothing of it runs until it is thawed. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** Sends SIGTERM, as a kubelet does; resolves with the exit code. Every recorded event has been written by then. */
  stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** As a crash: nothing that it had in memory is left. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Resolves when the process has ended, for whatever reason. */
  async ended(): Promise<void> {
    while (!this.hasEnded) await this.#nextTold();
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.hasEnded) {
      this.#child.kill(signal);
      await this.ended();
    }
    return this.exitCode;
  }

  #nextTold(): Promise<void> {
    return new Promise(resolve => {
      const listener = () => {
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

function lineOf(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    // Node.js itself, about an uncaught error.
    return { level: 'error', message: text };
  }
}
