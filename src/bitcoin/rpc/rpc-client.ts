// RpcClient: bitcoind's JSON-RPC 2.0 over HTTP, one batch a request. The other side is not trusted: every answer is limited in length, form
// and time, and all answers of the process together in memory.
import { printable } from '../../logging/printable.ts';
import { Deadline } from '../../time/deadline.ts';
import { AnswerBudget, OneATurn } from './answer-budget.ts';
import { AnswerError, maxAnswerBytes, readBody, readStart } from './node-answer.ts';
import { BitcoinRpcError, BitcoinTransportError } from './rpc-errors.ts';
import { type Endpoint, Exchange } from './rpc-exchange.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface RpcCall {
  readonly method: string;
  readonly params?: readonly unknown[];
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

export class RpcClient {
  readonly #endpoint: Endpoint;
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
    const { host, port, wallet } = options;
    this.#endpoint = { host, port, path: wallet === undefined ? '/' : `/wallet/${encodeURIComponent(wallet)}` };
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
    options.signal?.throwIfAborted();
    const deadline = new Deadline(options.timeoutMs, options.signal);
    const exchange = new Exchange(this.#budget, deadline);
    try {
      await exchange.send(this.#endpoint, body, this.#authorization);
      return await use(exchange);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (exchange.failure !== undefined) throw exchange.failure;
      if (deadline.signal.aborted || deadline.remainingMs <= 0)
        throw new BitcoinTransportError('timeout', `no answer within ${options.timeoutMs} ms`, error);
      throw transportError(error);
    } finally {
      deadline.clear();
      exchange.end();
    }
  }
}

const tooLong = () => new BitcoinTransportError('oversized', `the answer is larger than ${maxAnswerBytes} bytes`);

function transportError(error: unknown): unknown {
  if (error instanceof BitcoinTransportError) return error;
  if (error instanceof AnswerError) return new BitcoinTransportError(error.failure, error.message);
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code === undefined) return error;
  if (code.startsWith('HPE_')) return new BitcoinTransportError('unusable', `the answer is not HTTP (${code})`);
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
