// RetryingTransport: one call to the API server, retried where that is safe. Port of client-go v0.37.2 rest/with_retry.go.
//   Stricter than that: a request that may have been executed is repeated only if it is idempotent.
import { ApiError, isInvalid, parsedStatus, ResponseTooLargeError } from './api-error.ts';
import type { Deadline } from '../time/deadline.ts';
import type { ApiResponse } from './http-exchange.ts';
import { type KubeTransport, NotSentError } from './transport.ts';
import type { Logger } from '../logging/logger.ts';
import { sleep } from '../time/sleep.ts';
import type { TokenBucket } from '../time/token-bucket.ts';

export interface ApiCall {
  /** For errors and logs, such as "get secrets default/x". */
  readonly attempted: string;
  /** For metrics, GET, LIST, WATCH, POST, REPLACE, APPLY, PATCH or DELETE. */
  readonly verb: string;
  readonly method: string;
  /** Includes the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Executing it twice has the same effect as once. */
  readonly isIdempotent: boolean;
  readonly maxTries: number;
  /** Bypasses the client's rate limit. */
  readonly isUnthrottled: boolean;
  /** Called before each request, immediately before it is sent. If it throws, nothing is sent and the call throws that error. */
  readonly guard: (() => void) | undefined;
  readonly deadline: Deadline;
}

/** The outcome of one request to the API server. */
export interface RequestOutcome {
  readonly verb: string;
  readonly method: string;
  readonly host: string;
  /** The HTTP status, or `<error>` without a response. */
  readonly code: string;
  readonly isRetry: boolean;
  /** Until the head of the response. */
  readonly seconds: number;
}

/** Receives what the client measures. Upstream: client-go tools/metrics. */
export interface RequestMetrics {
  /** A request was answered or failed; each retry is a request of its own. */
  requested(outcome: RequestOutcome): void;
  /** How long a request waited for the client's own rate limit. */
  waited(verb: string, host: string, seconds: number): void;
}

/** A request that failed. */
interface Failure {
  readonly error: Error;
  /** The server's Retry-After. */
  readonly retryAfterMs?: number | undefined;
}

/** Bounds what one response holds in memory. A page of 500 large objects may exceed it: informers then ask for smaller pages. */
const maxResponseBytes = 32 * 1024 * 1024;
/** More of an error, as of a page of some proxy, is not read. */
const maxErrorBytes = 64 * 1024;
const firstDelayMs = 100;
const longestDelayMs = 5_000;
/** Node.js error codes of connections that were never established: nothing was sent. */
const neverConnected = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN']);
const cutOff = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE']);

export class RetryingTransport {
  readonly #transport: KubeTransport;
  readonly #bucket: TokenBucket | undefined;
  readonly #logger: Logger;
  readonly #metrics: RequestMetrics | undefined;

  constructor(options: {
    transport: KubeTransport;
    bucket: TokenBucket | undefined;
    logger: Logger;
    metrics: RequestMetrics | undefined;
  }) {
    this.#transport = options.transport;
    this.#bucket = options.bucket;
    this.#logger = options.logger;
    this.#metrics = options.metrics;
  }

  /**
   * Returns the parsed JSON of the response.
   * @throws ApiError for a status of 400 or more; otherwise an Error that names the call, with its cause; the signal's reason once it aborts
   */
  async call(call: ApiCall): Promise<unknown> {
    let hasRenewedCredentials = false;
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.#try(call, tries);
      if ('answer' in outcome) return outcome.answer;
      const { error } = outcome;
      if (error instanceof ApiError && error.code === 401 && !hasRenewedCredentials) {
        hasRenewedCredentials = true;
        this.#transport.renewCredentials();
        continue;
      }
      const delayMs = tries < call.maxTries ? retryDelayMs(outcome, tries, call.isIdempotent) : undefined;
      if (delayMs === undefined || delayMs >= call.deadline.remainingMs) throw error;
      this.#logger.debug('API request failed, retrying', { attempted: call.attempted, tries, delayMs, error });
      await this.#pause(call, delayMs, error);
    }
  }

  /** Returns the response before its body. Retries only a 401, with new credentials: the callers are watches, which retry themselves. */
  async open(call: ApiCall): Promise<ApiResponse> {
    for (let tries = 1; ; tries += 1) {
      let failure: Failure;
      try {
        const response = await this.#send(call, tries);
        if ((response.statusCode ?? 0) < 400) return response;
        failure = await failureOf(call, response);
      } catch (error) {
        throw thrown(call, error);
      }
      if (!(failure.error instanceof ApiError) || failure.error.code !== 401 || tries > 1) throw failure.error;
      this.#transport.renewCredentials();
    }
  }

  async #try(call: ApiCall, tries: number): Promise<{ answer: unknown } | Failure> {
    try {
      const response = await this.#send(call, tries);
      if ((response.statusCode ?? 0) >= 400) return await failureOf(call, response);
      return { answer: parsedAnswer(response, await bodyOf(response)) };
    } catch (error) {
      if (error instanceof NotSentError) throw error.cause;
      if (call.deadline.signal.aborted) throw thrown(call, error);
      return { error: thrown(call, error) };
    }
  }

  async #send(call: ApiCall, tries: number): Promise<ApiResponse> {
    const { host } = this.#transport;
    const waitedMs = call.isUnthrottled ? 0 : ((await this.#bucket?.take(call.deadline.signal)) ?? 0);
    this.#metrics?.waited(call.verb, host, waitedMs / 1000);
    const startedMs = performance.now();
    let code = '<error>';
    try {
      const response = await this.#transport.send({ ...call, signal: call.deadline.signal, isWatch: call.verb === 'WATCH' });
      code = String(response.statusCode);
      return response;
    } finally {
      this.#metrics?.requested({
        ...call,
        host,
        code,
        isRetry: tries > 1,
        seconds: (performance.now() - startedMs) / 1000,
      });
    }
  }

  async #pause(call: ApiCall, delayMs: number, error: Error): Promise<void> {
    try {
      await sleep(delayMs, call.deadline.signal);
    } catch (reason) {
      // The failure says more than the timeout.
      throw call.deadline.signal.reason instanceof DOMException && call.deadline.signal.reason.name === 'TimeoutError'
        ? error
        : (reason as Error);
    }
  }
}

/** Milliseconds until the next request, or `undefined` if there should be none. Pure except for the jitter. */
export function retryDelayMs(failure: Failure, tries: number, isIdempotent: boolean): number | undefined {
  const { error, retryAfterMs } = failure;
  const backoffMs = Math.min(longestDelayMs, firstDelayMs * 2 ** (tries - 1)) * (0.5 + Math.random() / 2);
  if (error instanceof ApiError) {
    // A 429 means that nothing was executed; with a 5xx, Retry-After is the server's invitation to retry.
    if (error.code === 429) return retryAfterMs ?? backoffMs;
    if (error.code < 500 || isInvalid(error)) return undefined;
    if (retryAfterMs !== undefined) return retryAfterMs;
    return isIdempotent && error.code !== 501 ? backoffMs : undefined;
  }
  const { code } = (error.cause ?? {}) as { code?: unknown };
  if (typeof code !== 'string') return undefined;
  if (neverConnected.has(code)) return backoffMs;
  return isIdempotent && cutOff.has(code) ? backoffMs : undefined;
}

async function failureOf(call: ApiCall, response: ApiResponse): Promise<Failure> {
  const code = response.statusCode ?? 0;
  const header = response.headers['retry-after'];
  const retryAfterSeconds = header !== undefined && /^\d+$/.test(header) ? Number(header) : undefined;
  const status =
    parsedStatus(await startOf(response)) ?? (response.statusMessage === undefined ? {} : { message: response.statusMessage });
  return {
    error: new ApiError(call.attempted, code, status, retryAfterSeconds),
    retryAfterMs: retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000,
  };
}

function parsedAnswer(response: ApiResponse, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The engine's message would quote the text, which may be a Secret.
    throw new Error(`the answer (${response.headers['content-type'] ?? 'no content type'}) is not JSON`);
  }
}

/** The error that a call throws. Once the signal has aborted, it is the cause of everything else, such as a truncated body. */
function thrown({ attempted, deadline: { signal } }: ApiCall, error: unknown): Error {
  const cause: unknown = signal.aborted ? signal.reason : error;
  if (signal.aborted && !(cause instanceof DOMException && cause.name === 'TimeoutError')) return cause as Error;
  return new Error(`${attempted}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
}

/** @throws ResponseTooLargeError */
async function bodyOf(response: ApiResponse): Promise<string> {
  const { text, isComplete } = await readUpTo(response, maxResponseBytes);
  if (!isComplete) throw new ResponseTooLargeError(maxResponseBytes);
  return text;
}

const startOf = async (response: ApiResponse): Promise<string> => (await readUpTo(response, maxErrorBytes)).text;

/** Leaving the loop early destroys the response, and with it the connection. */
async function readUpTo(response: ApiResponse, mostBytes: number): Promise<{ text: string; isComplete: boolean }> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += (chunk as Buffer).length;
    if (bytes > mostBytes) return { text: Buffer.concat(chunks).toString('utf8'), isComplete: false };
    chunks.push(chunk as Buffer);
  }
  return { text: Buffer.concat(chunks).toString('utf8'), isComplete: true };
}
