// RpcClient: bitcoind's JSON-RPC 2.0 over HTTP, one batch a request. The other side is not trusted: every answer is limited in length, form
// and time, and all answers of the process together in memory.
import { Agent, type ClientRequestArgs } from 'node:http';
import { connect, type TcpNetConnectOpts } from 'node:net';
import type { Duplex } from 'node:stream';
import fetch, { FetchError, type Response } from 'node-fetch';
import { printable } from '../../logging/printable.ts';
import { Deadline } from '../../time/deadline.ts';
import { AnswerBudget, type HeldBytes, OneATurn } from './answer-budget.ts';
import { PacedSocket } from './paced-socket.ts';
import { AnswerError, maxAnswerBytes, readBody, readStart } from './node-answer.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface RpcCall {
  readonly method: string;
  readonly params?: readonly unknown[];
}

/**
 * bitcoind answered a call with an error. `code` is bitcoind's own (CORE rpc/protocol.h), e.g. -28 while it is warming up. It has no stack:
 * a node may answer 2,000 calls with errors, and a stack says nothing about a node.
 */
export class BitcoinRpcError extends Error {
  readonly code: number;
  readonly method: string;
  constructor(method: string, code: number, message: string) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(`${method}: ${message} (${code})`);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'BitcoinRpcError';
    this.code = code;
    this.method = method;
  }
}

/**
 * Why an answer was not usable; events and conditions depend on it. `oversized`: it is too long, or has too many parts, to be read.
 */
export type TransportFailure = 'unreachable' | 'timeout' | 'unauthorized' | 'busy' | 'unusable' | 'oversized';

/** bitcoind gave no usable answer: refused, silent, 401, 503, not JSON, or too much of it. Always worth another try. */
export class BitcoinTransportError extends Error {
  readonly failure: TransportFailure;
  constructor(failure: TransportFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'BitcoinTransportError';
    this.failure = failure;
  }
}

export type RpcOutcome = { readonly result: unknown } | { readonly error: BitcoinRpcError };

export interface RpcOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** -28: bitcoind is still loading its block index. It will answer soon, so this is no failure of the node, only a reason to ask again. */
export const rpcInWarmup = -28;

/** Two for each other node of a network of 1,000, and two that read the result. */
export const maxBatchCalls = 2_000;

/** Of the head of an answer. Interim responses come before it, and may never end. */
const maxHeadBytes = 32 << 10;
/** What has arrived and is not read yet. */
const maxUnreadBytes = 256 << 10;
/** A message of an error is shown to users. bitcoind answers a wrong call with the whole help text: its first line says enough. */
const maxMessageLength = 200;

/** Such as those of a network of up to 20 nodes, with 1.5 KiB for each peer. */
const shortAnswerBytes = 32 << 10;
/** Of the whole process, since so is its memory. What waits is bounded too: 256 reads of 64 KiB. */
const processBudget = new AnswerBudget({
  shortTotalBytes: 4 << 20,
  shortBytes: shortAnswerBytes,
  longTotalBytes: 6 * maxAnswerBytes,
  maxWaiting: 256,
  holdMs: 1_000,
});
const longParses = new OneATurn();
const readTurns = new OneATurn();

export class RpcClient {
  readonly #url: string;
  readonly #authorization: string;
  readonly #budget: AnswerBudget;

  /** @param options.budget Default: one for all clients of the process */
  constructor(options: {
    readonly host: string;
    readonly port: number;
    readonly credentials: Credentials;
    readonly budget?: AnswerBudget;
    /** The wallet that the calls are about. Default: none. */
    readonly wallet?: string | undefined;
  }) {
    const host = options.host.includes(':') ? `[${options.host}]` : options.host;
    const path = options.wallet === undefined ? '' : `wallet/${encodeURIComponent(options.wallet)}`;
    this.#url = `http://${host}:${options.port}/${path}`;
    this.#authorization = `Basic ${Buffer.from(`${options.credentials.user}:${options.credentials.password}`).toString('base64')}`;
    this.#budget = options.budget ?? processBudget;
  }

  /**
   * Sends the calls, `maxBatchCalls` at most, as one batch. bitcoind runs them one after another, in this order.
   * @returns one outcome a call, in the order of the calls
   * @throws BitcoinTransportError if there is no usable answer within `timeoutMs`; the reason of `signal` once it has aborted
   */
  async batch(calls: readonly RpcCall[], options: RpcOptions): Promise<RpcOutcome[]> {
    if (calls.length > maxBatchCalls) throw new RangeError(`a batch of ${calls.length} calls`);
    return await this.#request(calls, options, async exchange => {
      if (exchange.announcedBytes > maxAnswerBytes) throw tooLong();
      const json = await exchange.read(maxAnswerBytes, stream => readBody(stream, maxAnswerBytes));
      return json.length <= shortAnswerBytes ? outcomes(calls, json) : await longParses.run(() => outcomes(calls, json));
    });
  }

  /**
   * Reads how the answer to one call begins, however long it is.
   * @returns up to `maxBytes` of the answer as it was sent
   * @throws as `batch`
   */
  async beginningOf(call: RpcCall, { maxBytes, ...options }: RpcOptions & { readonly maxBytes: number }): Promise<string> {
    return await this.#request([call], options, async exchange => {
      const { body } = await exchange.read(maxBytes, stream => readStart(stream, maxBytes));
      return body.toString('utf8');
    });
  }

  async #request<T>(calls: readonly RpcCall[], options: RpcOptions, use: (exchange: Exchange) => Promise<T>): Promise<T> {
    const body = JSON.stringify(calls.map(({ method, params = [] }, id) => ({ jsonrpc: '2.0', id, method, params })));
    // node-fetch ends the process with an unhandled error when it is given a signal that has aborted already.
    options.signal?.throwIfAborted();
    const deadline = new Deadline(options.timeoutMs, options.signal);
    const exchange = new Exchange(this.#budget, deadline.signal);
    try {
      await exchange.send(this.#url, body, this.#authorization);
      return await use(exchange);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (exchange.failure !== undefined) throw exchange.failure;
      if (deadline.signal.aborted) throw new BitcoinTransportError('timeout', `no answer within ${options.timeoutMs} ms`, error);
      throw transportError(error);
    } finally {
      deadline.clear();
      exchange.end();
    }
  }
}

/** One request and its answer, over a connection of its own: most nodes are asked once in two minutes. */
class Exchange {
  /** Why it was cut off. */
  failure: BitcoinTransportError | undefined;
  readonly #budget: AnswerBudget;
  readonly #signal: AbortSignal;
  readonly #agent: Agent;
  #connection: Duplex | undefined;
  #response: Response | undefined;
  #held: HeldBytes | undefined;
  #unreadBytes = 0;

  constructor(budget: AnswerBudget, signal: AbortSignal) {
    this.#budget = budget;
    this.#signal = signal;
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
      signal: this.#signal,
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
    this.#held = await this.#budget.hold(Math.min(this.announcedBytes, maxBytes), cutOff, this.#signal);
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
    this.#connection = new PacedSocket(connect(options as TcpNetConnectOpts), readTurns, bytes => this.#count(bytes));
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

const tooLong = () => new BitcoinTransportError('oversized', `the answer is larger than ${maxAnswerBytes} bytes`);

function transportError(error: unknown): unknown {
  if (error instanceof BitcoinTransportError) return error;
  if (error instanceof AnswerError) return new BitcoinTransportError(error.failure, error.message);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no connection';
  if (code.startsWith('HPE_')) return new BitcoinTransportError('unusable', `the answer is not HTTP (${code})`);
  if (!(error instanceof FetchError) && code === 'no connection') return error;
  return new BitcoinTransportError('unreachable', `no connection (${code})`, error);
}

function outcomes(calls: readonly RpcCall[], json: Buffer): RpcOutcome[] {
  const answers = parsed(json);
  if (!Array.isArray(answers)) {
    // An error of the whole batch is one object: a node that is warming up or does not read JSON-RPC 2.0.
    const whole = errorOf(answers, calls[0]?.method ?? 'batch');
    if (whole === undefined) throw new BitcoinTransportError('unusable', 'the answer is no JSON-RPC');
    return calls.map(() => ({ error: whole }));
  }
  const byId = new Array<object | undefined>(calls.length);
  for (const answer of answers.slice(0, calls.length) as unknown[]) {
    const id = typeof answer === 'object' && answer !== null && 'id' in answer ? answer.id : undefined;
    if (typeof id !== 'number' || !(id in calls))
      throw new BitcoinTransportError('unusable', 'the answer has a result of no call');
    byId[id] = answer as object;
  }
  return calls.map(({ method }, id) => {
    const answer: { result?: unknown } | undefined = byId[id];
    if (answer === undefined) throw new BitcoinTransportError('unusable', `the answer lacks the result of ${method}`);
    const error = errorOf(answer, method);
    return error === undefined ? { result: answer.result } : { error };
  });
}

function parsed(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'));
  } catch {
    throw new BitcoinTransportError('unusable', 'the answer is not JSON');
  }
}

function errorOf(answer: unknown, method: string): BitcoinRpcError | undefined {
  const error = typeof answer === 'object' && answer !== null && 'error' in answer ? answer.error : undefined;
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, message } = error as { code?: unknown; message?: unknown };
  const line = typeof message === 'string' ? (message.slice(0, 2 * maxMessageLength).split('\n', 1)[0] ?? '') : 'no message';
  return new BitcoinRpcError(method, typeof code === 'number' ? code : 0, printable(line, maxMessageLength));
}
