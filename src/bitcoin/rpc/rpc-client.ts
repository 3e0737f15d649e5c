// bitcoind's JSON-RPC 2.0 over HTTP, one batch a call. Before it: peers.ts says what to ask. After it: a bitcoind.
// What a node may answer instead of JSON is in the reference of bitcoind's httprpc.cpp: 401 and 403 with an empty body, 503 with a line of text.
import { Agent } from 'node:http';
import fetch, { FetchError } from 'node-fetch';
import { Deadline } from '../../time/deadline.ts';

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

export interface RpcCall {
  readonly method: string;
  readonly params?: readonly unknown[];
}

/** bitcoind answered a call with an error. `code` is bitcoind's own (CORE rpc/protocol.h), e.g. -28 while it is warming up. */
export class BitcoinRpcError extends Error {
  readonly code: number;
  readonly method: string;
  constructor(method: string, code: number, message: string) {
    super(`${method}: ${message} (${code})`);
    this.name = 'BitcoinRpcError';
    this.code = code;
    this.method = method;
  }
}

/** What made an answer unusable; a stable word that events and conditions are chosen by. */
export type TransportFailure = 'unreachable' | 'timeout' | 'unauthorized' | 'busy' | 'unusable';

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

/** -28: bitcoind is still loading its block index. It will answer soon, so this is no failure of the node, only a reason to ask again. */
export const rpcInWarmup = -28;

/** 4 MiB: getpeerinfo of a node with every connection taken is under 300 KiB. */
const maxAnswerBytes = 4 << 20;

/**
 * A connection a batch: most nodes are asked once in two minutes, and to keep a connection to each of thousands, or to time its end,
 * costs more than to open another one.
 */
const agent = new Agent({ keepAlive: false });

export class RpcClient {
  readonly #url: string;
  readonly #authorization: string;

  constructor(options: { readonly host: string; readonly port: number; readonly credentials: Credentials }) {
    const host = options.host.includes(':') ? `[${options.host}]` : options.host;
    this.#url = `http://${host}:${options.port}/`;
    this.#authorization = `Basic ${Buffer.from(`${options.credentials.user}:${options.credentials.password}`).toString('base64')}`;
  }

  /**
   * Sends the calls as one batch. bitcoind runs them one after another, in this order.
   * @returns one outcome a call, in the order of the calls
   * @throws BitcoinTransportError if there is no usable answer within `timeoutMs`; the reason of `signal` once it has aborted
   */
  async batch(
    calls: readonly RpcCall[],
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RpcOutcome[]> {
    const body = JSON.stringify(calls.map(({ method, params = [] }, id) => ({ jsonrpc: '2.0', id, method, params })));
    // node-fetch ends the process with an unhandled error when it is given a signal that has aborted already.
    options.signal?.throwIfAborted();
    const deadline = new Deadline(options.timeoutMs, options.signal);
    let text: string;
    try {
      text = await this.#post(body, deadline.signal);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (deadline.signal.aborted) throw new BitcoinTransportError('timeout', `no answer within ${options.timeoutMs} ms`, error);
      throw error;
    } finally {
      deadline.clear();
    }
    return outcomes(calls, text);
  }

  async #post(body: string, signal: AbortSignal): Promise<string> {
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { authorization: this.#authorization, 'content-type': 'application/json' },
        body,
        agent,
        redirect: 'error',
        size: maxAnswerBytes,
        // node-fetch's own declaration of AbortSignal lacks what newer lib.dom has; at run time it is the same object.
        signal: signal,
      });
      // A body is read whatever the status: bitcoind before 28 answers a failed call with 404 or 500 and a JSON body.
      const text = await response.text();
      if (response.status === 401) throw new BitcoinTransportError('unauthorized', 'the credentials are refused (HTTP 401)');
      if (response.status === 403)
        throw new BitcoinTransportError('unauthorized', 'the client or the method is not allowed (HTTP 403)');
      if (response.status === 503) throw new BitcoinTransportError('busy', 'busy or shutting down (HTTP 503)');
      return text;
    } catch (error) {
      if (error instanceof BitcoinTransportError) throw error;
      if (error instanceof FetchError && error.type === 'max-size')
        throw new BitcoinTransportError('unusable', `the answer is larger than ${maxAnswerBytes} bytes`, error);
      const code = error instanceof FetchError && error.code !== undefined ? error.code : 'no connection';
      throw new BitcoinTransportError('unreachable', `no connection (${code})`, error);
    }
  }
}

function outcomes(calls: readonly RpcCall[], text: string): RpcOutcome[] {
  const answers = parsed(text);
  // An error of the whole batch is one object: a node that is warming up or does not read JSON-RPC 2.0.
  const whole = Array.isArray(answers) ? undefined : errorOf(answers);
  if (!Array.isArray(answers) && whole === undefined) throw new BitcoinTransportError('unusable', 'the answer is no JSON-RPC');
  const byId = new Map((Array.isArray(answers) ? answers : []).map((answer: { id?: unknown } | null) => [answer?.id, answer]));
  return calls.map(({ method }, id) => {
    if (whole !== undefined) return { error: new BitcoinRpcError(method, whole.code, whole.message) };
    const answer = byId.get(id) as { result?: unknown; error?: unknown } | undefined;
    if (answer === undefined) throw new BitcoinTransportError('unusable', `the answer lacks the result of ${method}`);
    const error = errorOf(answer);
    return error === undefined ? { result: answer.result } : { error: new BitcoinRpcError(method, error.code, error.message) };
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BitcoinTransportError('unusable', 'the answer is not JSON', error);
  }
}

function errorOf(answer: unknown): { readonly code: number; readonly message: string } | undefined {
  const error = (answer as { error?: unknown } | null)?.error;
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, message } = error as { code?: unknown; message?: unknown };
  // bitcoind answers a wrong call with the whole help text as message: its first line says enough.
  const line = typeof message === 'string' ? (message.split('\n', 1)[0] ?? '').slice(0, 200) : 'no message';
  return { code: typeof code === 'number' ? code : 0, message: line };
}
