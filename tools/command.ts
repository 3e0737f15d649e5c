// Runs another program until it ends and returns its output.
import { execFile } from 'node:child_process';

const maxOutputBytes = 64 * 1024 * 1024;
/** How many lines of a failed program's output its error message quotes. */
const tailLines = 15;

/** A program that could not be started or did not exit with 0. The message ends with the last lines that it printed. */
export class CommandFailedError extends Error {
  override readonly name = 'CommandFailedError';
  readonly output: string;

  constructor(commandLine: string, outcome: string, output: string, options: ErrorOptions) {
    const tail = output.trim().split('\n').slice(-tailLines).join('\n');
    super(`${commandLine}: ${outcome}${tail === '' ? '' : `\n${tail}`}`, options);
    this.output = output;
  }
}

export interface CommandOptions {
  cwd?: string;
  /** Added to this process's environment. */
  environment?: Record<string, string>;
  /** Written to the program's standard input, which is then closed. */
  input?: string;
  signal?: AbortSignal;
}

/**
 * Runs a program and returns its standard output.
 * @throws CommandFailedError if it cannot be started, exits with another code than 0 or is ended by a signal.
 */
export function run(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      {
        cwd: options.cwd,
        env: { ...process.env, ...options.environment },
        maxBuffer: maxOutputBytes,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new CommandFailedError([file, ...args].join(' '), outcomeOf(error), `${stdout}${stderr}`, { cause: error }));
      },
    );
    // A program that ends before it has read its input breaks the pipe; its exit code has the reason.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(options.input ?? '');
  });
}

function outcomeOf(error: {
  code?: string | number | null | undefined;
  signal?: NodeJS.Signals | undefined | null;
  message: string;
}): string {
  if (typeof error.code === 'number') return `exit code ${error.code}`;
  if (error.code === 'ENOENT') return 'no such program';
  if (typeof error.signal === 'string') return `ended by ${error.signal}`;
  return error.message;
}
