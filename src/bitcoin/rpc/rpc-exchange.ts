// Exchange: one HTTP request to a bitcoind and its answer. What arrives is limited before it is read.
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Deadline } from '../../time/deadline.ts';
import { type AnswerBudget, type HeldBytes, OneATurn } from './answer-budget.ts';
import { PacedSocket } from './paced-socket.ts';
import { BitcoinTransportError } from './rpc-errors.ts';

/** Of the head of an answer. Interim responses come before it, and may never end. */
const maxHeadBytes = 32 << 10;
/** What has arrived and is not read yet. */
const maxUnreadBytes = 256 << 10;
const readTurns = new OneATurn();

/** Where a request goes. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** One request and its answer, over a connection of its own: most nodes are asked once in two minutes. */
export class Exchange {
  /** Why it was cut off. */
  failure: BitcoinTransportError | undefined;
  readonly #budget: AnswerBudget;
  readonly #deadline: Pick<Deadline, 'signal' | 'remainingMs'>;
  #connection: Duplex | undefined;
  #response: IncomingMessage | undefined;
  #held: HeldBytes | undefined;
  #unreadBytes = 0;

  constructor(budget: AnswerBudget, deadline: Pick<Deadline, 'signal' | 'remainingMs'>) {
    this.#budget = budget;
    this.#deadline = deadline;
  }

  async send(endpoint: Endpoint, body: string, authorization: string): Promise<void> {
    const { statusCode, headers } = await this.#answerTo(endpoint, body, authorization);
    if (statusCode === 401) throw new BitcoinTransportError('unauthorized', 'the credentials are refused (HTTP 401)');
    if (statusCode === 403) throw new BitcoinTransportError('unauthorized', 'the client or the method is not allowed (HTTP 403)');
    if (statusCode === 503) throw new BitcoinTransportError('busy', 'busy or shutting down (HTTP 503)');
    if (statusCode !== undefined && statusCode >= 300 && statusCode < 400)
      throw new BitcoinTransportError('unreachable', `the answer is a redirect (HTTP ${statusCode})`);
    // An answer in chunks may have one for each byte, and each takes some 200 bytes of memory. bitcoind always states the length.
    if (headers['content-length'] === undefined)
      throw new BitcoinTransportError('unusable', 'the answer does not state its length');
  }

  /** Resolves when the head of the answer is there. */
  async #answerTo(endpoint: Endpoint, body: string, authorization: string): Promise<IncomingMessage> {
    const { signal } = this.#deadline;
    signal.throwIfAborted();
    return await new Promise((resolve, reject) => {
      const headers = { authorization, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const sent = request({ ...endpoint, method: 'POST', headers, createConnection: () => this.#connect(endpoint) });
      sent.once('response', response => resolve((this.#response = response)));
      // Also while the answer arrives: an error without a listener ends the process.
      sent.on('error', reject);
      // A switch of protocols (HTTP 101) ends a request without an error.
      sent.once('close', () => reject(new BitcoinTransportError('unusable', 'the answer is no answer to a call')));
      const onAbort = () => {
        reject(signal.reason as Error);
        sent.destroy();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      sent.end(body);
    });
  }

  /** As the head says. */
  get announcedBytes(): number {
    return Number(this.#response?.headers['content-length'] ?? 0);
  }

  /** Reads the body whatever the status: bitcoind before 28 answers a failed call with 404 or 500 and a JSON body. */
  async read<T>(maxBytes: number, use: (stream: AsyncIterable<Buffer | string>) => Promise<T>): Promise<T> {
    const response = this.#response;
    if (response === undefined) throw new BitcoinTransportError('unusable', 'the answer is empty');
    const cutOff = () => this.#cutOff(new BitcoinTransportError('timeout', 'the answer was not complete in time'));
    this.#held = await this.#budget.hold(Math.min(this.announcedBytes, maxBytes), cutOff, this.#deadline.signal);
    if (this.#held === undefined) throw new BitcoinTransportError('busy', 'too many long answers at a time');
    return await use(this.#counted(response as AsyncIterable<Buffer | string>));
  }

  async *#counted(stream: AsyncIterable<Buffer | string>): AsyncIterable<Buffer | string> {
    for await (const piece of stream) {
      this.#unreadBytes -= piece.length;
      yield piece;
    }
  }

  /** Nothing of it is left then. */
  end(): void {
    this.#held?.release();
    this.#connection?.destroy();
  }

  #connect({ host, port }: Endpoint): Duplex {
    this.#connection = new PacedSocket(connect({ host, port }), {
      turns: readTurns,
      onPass: bytes => this.#count(bytes),
      isLate: () => this.#deadline.remainingMs <= 0,
    });
    return this.#connection;
  }

  #count(bytes: number): void {
    this.#unreadBytes += bytes;
    const limit = this.#response === undefined ? maxHeadBytes : maxUnreadBytes;
    if (this.#unreadBytes > limit)
      this.#cutOff(new BitcoinTransportError('unusable', `the answer has more than ${limit} bytes beside its body`));
  }

  #cutOff(failure: BitcoinTransportError): void {
    this.failure ??= failure;
    this.#connection?.destroy();
  }
}
