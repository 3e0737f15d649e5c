// A lock among all processes of this machine, held through a socket in Linux's abstract namespace: the kernel lets go of it
// when its holder ends, however that happens, so a lock is never stale and leaves no file behind.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Another process holds the lock; `holder` is what it said about itself. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  /** Undefined if the holder ended before it could say who it is. */
  readonly holder: string | undefined;

  constructor(name: string, holder: string | undefined) {
    super(`${name} is in use by ${holder ?? 'a process that has just ended'}`);
    this.holder = holder;
  }
}

export class MachineLock {
  readonly #server: Server;
  /** Whoever waits: they see the lock let go when their connection ends. */
  readonly #waiting: ReadonlySet<Socket>;

  private constructor(server: Server, waiting: ReadonlySet<Socket>) {
    this.#server = server;
    this.#waiting = waiting;
  }

  /**
   * Takes the lock at once.
   * @param purpose what the holder is doing, told to whoever is kept waiting.
   * @throws LockHeldError if another process has it.
   */
  static async tryAcquire(name: string, purpose: string): Promise<MachineLock> {
    const waiting = new Set<Socket>();
    const server = createServer(socket => {
      waiting.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => waiting.delete(socket));
      socket.unref();
      socket.write(`process ${process.pid} (${purpose})\n`);
    });
    server.listen(socketPath(name));
    try {
      await once(server, 'listening');
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
      throw new LockHeldError(name, await askHolder(name));
    }
    server.unref();
    return new MachineLock(server, waiting);
  }

  /** Takes the lock, waiting for whoever has it; `onWait` is told once by each holder that is waited for. */
  static async acquire(name: string, purpose: string, onWait: (holder: string) => void): Promise<MachineLock> {
    for (;;) {
      try {
        return await MachineLock.tryAcquire(name, purpose);
      } catch (error) {
        if (!(error instanceof LockHeldError)) throw error;
        if (error.holder !== undefined) onWait(error.holder);
        await holderGone(name);
      }
    }
  }

  /** Lets go of the lock; whoever waits for it goes on. */
  async release(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#waiting) socket.destroy();
    await closed;
  }
}

// A digest, since the kernel takes 107 bytes at most.
const socketPath = (name: string): string => `\0bitcoin-controller/${createHash('sha256').update(name).digest('hex')}`;

async function askHolder(name: string): Promise<string | undefined> {
  const socket = connect(socketPath(name));
  try {
    const [greeting] = (await once(socket, 'data')) as [Buffer];
    return greeting.toString('utf8').trim();
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

/** Resolves when the connection to the holder ends: the kernel closes it with the holder. */
async function holderGone(name: string): Promise<void> {
  const socket = connect(socketPath(name));
  socket.resume();
  await once(socket, 'close').catch(() => undefined);
}
