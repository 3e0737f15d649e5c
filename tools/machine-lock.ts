// A lock among all processes of one user on this machine; root's locks are machine-wide for root. It is an flock(2) on a file in a folder
// that only this user can write to, held by a child process: the kernel releases it when the holder ends, however that happens.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { cacheFolder } from './cache-folder.ts';
import { findOnPath } from './system-packages.ts';

/** Of what a holder wrote about itself, this much is shown. */
const maxHolderBytes = 200;
const conflictExitCode = 75;
const lockedMark = 'locked';

/** Another process holds the lock; `holder` is what it wrote about itself. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  /** Undefined if the holder has not written yet who it is, or has just released the lock. */
  readonly holder: string | undefined;

  constructor(name: string, holder: string | undefined) {
    super(`${name} is in use by ${holder ?? 'another process'}`);
    this.holder = holder;
  }
}

export class MachineLock {
  readonly #file: string;
  /** Ends, and so releases the lock, when its standard input is closed: by release() or by the end of this process. */
  readonly #keeper: ChildProcess;

  private constructor(file: string, keeper: ChildProcess) {
    this.#file = file;
    this.#keeper = keeper;
  }

  /**
   * Acquires the lock or fails at once.
   * @param purpose what the holder is doing, for those who wait.
   * @throws LockHeldError if another process has it.
   */
  static async tryAcquire(name: string, purpose: string): Promise<MachineLock> {
    const file = await lockFile(name);
    const keeper = await lock(file, ['--nonblock', '--conflict-exit-code', String(conflictExitCode)]);
    if (keeper === undefined) throw new LockHeldError(name, await readHolder(file));
    return await MachineLock.#held(file, keeper, purpose);
  }

  /** Acquires the lock, waiting as long as another process holds it. `onWait` is called once, with the holder if it is known. */
  static async acquire(name: string, purpose: string, onWait: (holder: string) => void): Promise<MachineLock> {
    try {
      return await MachineLock.tryAcquire(name, purpose);
    } catch (error) {
      if (!(error instanceof LockHeldError)) throw error;
      onWait(error.holder ?? 'another process');
    }
    const file = await lockFile(name);
    const keeper = await lock(file, []);
    if (keeper === undefined) throw new Error(`flock did not wait for ${name}`);
    return await MachineLock.#held(file, keeper, purpose);
  }

  static async #held(file: string, keeper: ChildProcess, purpose: string): Promise<MachineLock> {
    await writeHolder(file, `process ${process.pid} (${purpose})`);
    return new MachineLock(file, keeper);
  }

  /** Releases the lock. A waiter acquires it. */
  async release(): Promise<void> {
    if (this.#keeper.exitCode !== null || this.#keeper.signalCode !== null) return;
    await writeHolder(this.#file, '');
    this.#keeper.ref();
    const ended = once(this.#keeper, 'exit');
    this.#keeper.stdin?.end();
    await ended;
  }
}

/** Starts flock and resolves when it has the lock; undefined if another process has it. */
async function lock(file: string, options: readonly string[]): Promise<ChildProcess | undefined> {
  const flock = await findOnPath('flock');
  if (flock === undefined) throw new Error('flock is needed and not installed: please install the package util-linux');
  const keep = `echo ${lockedMark}; exec cat >/dev/null`;
  // In a session of its own: a Ctrl-C in the terminal must not release the lock before this process has cleaned up.
  const child = spawn(flock, [...options, file, '/bin/sh', '-c', keep], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  const outcome = await new Promise<'locked' | number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
    child.stdout.once('data', () => {
      resolve('locked');
    });
  });
  if (outcome === conflictExitCode) return undefined;
  if (outcome !== 'locked') throw new Error(`flock ${file} failed with exit code ${outcome}`);
  for (const handle of [child, child.stdin, child.stdout]) (handle as { unref?: () => void }).unref?.();
  return child;
}

/** The file of a lock, in a folder of this user. */
async function lockFile(name: string): Promise<string> {
  const folder = process.getuid?.() === 0 ? '/run/bitcoin-controller' : path.join(cacheFolder, 'locks');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const status = await lstat(folder);
  if (!status.isDirectory() || status.uid !== process.getuid?.() || (status.mode & 0o022) !== 0)
    throw new Error(`${folder} must be a folder of this user that no other user can write to`);
  return path.join(folder, createHash('sha256').update(name).digest('hex'));
}

async function writeHolder(file: string, holder: string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    await handle.truncate();
    await handle.write(holder, 0);
  } finally {
    await handle.close();
  }
}

async function readHolder(file: string): Promise<string | undefined> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxHolderBytes), 0, maxHolderBytes, 0);
    const holder = printable(buffer.toString('utf8', 0, bytesRead)).trim();
    return holder === '' ? undefined : holder;
  } finally {
    await handle.close();
  }
}

/** Without control characters, which could change what a terminal shows. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}]/gu, ' ');
