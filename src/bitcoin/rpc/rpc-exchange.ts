// Exchange: one HTTP request to a bitcoind and its answer. What arrives is limited before it is read.
import { Agent, type ClientRequestArgs } from 'node:http';
import { connect, type TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import fetch, { type Response } from 'node-fetch';
import type { Deadline } from '../../time/deadline.ts';
import { type AnswerBudget, type HeldBytes, OneATurn } from './answer-budget.ts';
import { PacedSocket } from './paced-socket.ts';
import { BitcoinTransportError } from './rpc-errors.ts';

/** Of the head of an answer. Interim responses come before it, and may never end. */
const maxHeadBytes = 32 << 10;
/** What has arrived and is not read yet. */
const maxUnreadBytes = 256 << 10;
const readTurns = new OneATurn();

/** One request and its answer, over a connection of its own: most nodes are asked once in two minutes. */
export class Exchange {
  /** Why it was cut off. */
  failure: BitcoinTransportError | undefined;
  readonly #budget: AnswerBudget;
  readonly #deadline: Pick<Deadline, 'signal' | 'remainingMs'>;
  readonly #agent: Agent;
  #connection: Duplex | undefined;
  #response: Response | undefined;
  #held: HeldBytes | undefined;
  #unreadBytes = 0;

  constructor(budget: AnswerBudget, deadline: Pick<Deadline, 'signal' | 'remainingMs'>) {
    this.#budget = budget;
    this.#deadline = deadline;
    this.#agent = new ConnectAgent(options => this.#connect(options));
  }

  async send(url: string, body: string, authorization: string): Promise<void> {
    this.#response = await fetch(url, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body,
      agent: this.#agent,
      redirect: 'error',
      compress: false,
      signal: this.#deadline.signal,
    });
    const { status } = this.#response;
    if (status === 401) throw new BitcoinTransportError('unauthorized', 'the credentials are refused (HTTP 401)');
    if (status === 403) throw new BitcoinTransportError('unauthorized', 'the client or the method is not allowed (HTTP 403)');
    if (status === 503) throw new BitcoinTransportError('busy', 'busy or shutting down (HTTP 503)');
    // An answer in chunks may have one for each byte, and each takes some 200 bytes of memory. bitcoind always states the length.
    if (!this.#response.headers.has('content-length'))
      throw new BitcoinTransportError('unusable', 'the answer does not state its length');
  }

  /** As the head says. */
  get announcedBytes(): number {
    return Number(this.#response?.headers.get('content-length') ?? 0);
  }

  /** Reads the body whatever the status: bitcoind before 28 answers a failed call with 404 or 500 and a JSON body. */
  async read<T>(maxBytes: number, use: (stream: AsyncIterable<Buffer | string>) => Promise<T>): Promise<T> {
    const response = this.#response;
    if (response?.body === undefined || response.body === null)
      throw new BitcoinTransportError('unusable', 'the answer is empty');
    const cutOff = () => this.#cutOff(new BitcoinTransportError('timeout', 'the answer was not complete in time'));
    this.#held = await this.#budget.hold(Math.min(this.announcedBytes, maxBytes), cutOff, this.#deadline.signal);
    if (this.#held === undefined) throw new BitcoinTransportError('busy', 'too many long answers at a time');
    return await use(this.#counted(response.body as AsyncIterable<Buffer | string>));
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

  #connect(options: ClientRequestArgs): Duplex {
    this.#connection = new PacedSocket(connect(options as TcpNetConnectOpts), {
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

class ConnectAgent extends Agent {
  readonly #connect: (options: ClientRequestArgs) => Duplex;

  constructor(connectTo: (options: ClientRequestArgs) => Duplex) {
    super({ keepAlive: false });
    this.#connect = connectTo;
  }

  override createConnection(options: ClientRequestArgs): Duplex {
    return this.#connect(options);
  }
}
