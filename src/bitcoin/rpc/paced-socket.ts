// PacedSocket: a connection whose data reaches its reader a little at a time. One read of a socket brings up to 64 KiB, and reads of many
// sockets come in one turn of the event loop: as chunks of a byte, that keeps an HTTP parser busy for a second.
import { type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { OneATurn } from './answer-budget.ts';

/** Passes at once: the answer of a node of a small network. */
const firstBytes = 4 << 10;
/** Passes in a turn: a few milliseconds, whatever it is. */
const sliceBytes = 16 << 10;

export interface PacedSocketOptions {
  /** Of all connections that share an event loop. */
  readonly turns: OneATurn;
  /** Called with the length of what is about to be passed on; it may destroy the connection. */
  readonly onPass: (bytes: number) => void;
  /** Whether the time limit of the request is over. Nothing is sent then. Default: never. */
  readonly isLate?: () => boolean;
}

export class PacedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #turns: OneATurn;
  readonly #onPass: (bytes: number) => void;
  readonly #isLate: () => boolean;
  #passedBytes = 0;
  /** What the socket brought, in order: each begins when the one before it has been passed on. */
  #passing: Promise<void> = Promise.resolve();
  #isPassing = false;
  #isWanted = false;

  constructor(socket: Socket, { turns, onPass, isLate = () => false }: PacedSocketOptions) {
    super();
    this.#socket = socket;
    this.#turns = turns;
    this.#onPass = onPass;
    this.#isLate = isLate;
    socket.on('data', (data: Buffer) => {
      socket.pause();
      this.#isPassing = true;
      this.#passing = this.#passing.then(() => this.#pass(data));
    });
    socket.once('connect', () => this.emit('connect'));
    socket.once('error', error => this.destroy(error));
    let hasEnded = false;
    socket.once('end', () => {
      hasEnded = true;
      void this.#passing.then(() => this.push(null));
    });
    // Without an end it broke off. What its reader has yet to take stays otherwise.
    socket.once('close', () => void this.#passing.then(() => hasEnded || this.destroy()));
  }

  async #pass(data: Buffer): Promise<void> {
    let rest = data;
    if (this.#passedBytes < firstBytes) {
      const first = firstBytes - this.#passedBytes;
      this.#push(data.subarray(0, first));
      rest = data.subarray(first);
    }
    while (rest.length > 0 && !this.destroyed) {
      const slice = rest.subarray(0, sliceBytes);
      await this.#turns.run(() => this.#push(slice));
      rest = rest.subarray(sliceBytes);
    }
    this.#isPassing = false;
    if (this.#isWanted) this._read();
  }

  #push(slice: Buffer): void {
    if (!this.destroyed) this.#onPass(slice.length);
    if (this.destroyed) return;
    this.#passedBytes += slice.length;
    this.#isWanted = this.push(slice);
  }

  override _read(): void {
    this.#isWanted = true;
    if (!this.#isPassing) this.#socket.resume();
  }

  override _write(data: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this._writev([{ chunk: data, encoding }], done);
  }

  /** In one write, as a socket does: the head and the body of a request arrive together, before the other side answers and closes. */
  override _writev(
    chunks: readonly { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    // An HTTP client writes before it is connected.
    if (this.#socket.connecting) {
      this.#socket.once('connect', () => this._writev(chunks, done));
      return;
    }
    // In a process that was stopped for long, the connection is there before its timers run. A call that makes a block must not be sent then.
    if (this.#isLate()) {
      done(new Error('the time limit is over'));
      return;
    }
    this.#socket.cork();
    for (const [index, { chunk, encoding }] of chunks.entries())
      this.#socket.write(chunk, encoding, index === chunks.length - 1 ? done : undefined);
    this.#socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  /** What an HTTP client calls when the answer is complete. Nothing is sent on this connection any more. */
  destroySoon(): void {
    this.destroy();
  }

  /** What an HTTP client calls on a socket. The time limit is the caller's. */
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    this.#socket.setNoDelay();
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#socket.ref();
    return this;
  }

  unref(): this {
    this.#socket.unref();
    return this;
  }
}
