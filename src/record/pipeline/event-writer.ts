// EventWriter: one attempt to write one event, and what its failure means: retry, or never.
//   Port of client-go v0.37.2 tools/record/event.go (recordEvent); by default also for events.k8s.io/v1.
import { errorStatus, type ErrorStatus } from '../../kube/api-error.ts';
import { errorChain } from '../../logging/error-chain.ts';
import type { LogFields } from '../../logging/logger.ts';
import type { DeliveryOptions } from './delivery.ts';
import type { AnyEvent, EventShape } from './event-policy.ts';
import { eventFields } from './recording.ts';

/** A sink throws it if the request cannot be built: the next attempt would fail too. */
export class RequestConstructionError extends Error {
  override readonly name = 'RequestConstructionError';
}

export type WriteOutcome<E> =
  | { readonly kind: 'recorded'; readonly answer: E }
  /** There is another event of that name. */
  | { readonly kind: 'exists' }
  | { readonly kind: 'rejected' }
  | RetryOutcome;

export interface RetryOutcome {
  readonly kind: 'retry';
  /** The server may have done it nevertheless. */
  readonly mayBeDone: boolean;
  readonly retryAfterMs?: number | undefined;
  /** One more attempt may help, a third would not. */
  readonly isLastTry?: boolean;
}

export interface EventWriterOptions<E extends AnyEvent, P> extends Pick<DeliveryOptions<E, P>, 'sink' | 'logger' | 'counts'> {
  readonly shape: EventShape<E, P>;
  /** Takes a failure as it is: a status within another error does not count, and every status is final. Default: false. */
  readonly isStrict?: boolean | undefined;
}

/** The number of attempts before an event is dropped. */
export const maxTriesPerEvent = 12;

/** The server may accept the same request later. */
const transientCodes: readonly number[] = [408, 429, 500, 502, 503, 504];

export class EventWriter<E extends AnyEvent, P> {
  readonly #options: EventWriterOptions<E, P>;

  constructor(options: EventWriterOptions<E, P>) {
    this.#options = options;
  }

  /**
   * Never rejects. A patch of an event that is gone from the server creates it again, in the same attempt.
   * @param tries the failed attempts before: only the first failure is logged at the level `error`
   */
  async write(event: E, isUpdate: boolean, signal: AbortSignal, tries = 0): Promise<WriteOutcome<E>> {
    try {
      const answer: unknown = await (isUpdate
        ? this.#patchOrCreate(event, signal)
        : this.#options.sink.create(withoutResourceVersion(event), signal));
      this.#options.counts.written += 1;
      // A sink in plain JavaScript may answer nothing.
      return { kind: 'recorded', answer: this.#options.shape.isAnswer(answer) ? answer : event };
    } catch (error) {
      return this.#failed(event, error, signal, tries);
    }
  }

  async #patchOrCreate(event: E, signal: AbortSignal): Promise<E> {
    const { sink, shape } = this.#options;
    try {
      return await sink.patch(event, shape.patchOf(event), signal);
    } catch (error) {
      const failure = this.#classify(error);
      if (failure.kind !== 'status' || failure.code !== 404) throw error;
      return sink.create(withoutResourceVersion(event), signal);
    }
  }

  /** Differs from client-go: a status counts also if it is the cause of another error. */
  #classify(error: unknown): SinkFailure {
    try {
      return classifyFailure(error, this.#options.isStrict !== true);
    } catch {
      // The error cannot be read.
      return { kind: 'unreachable' };
    }
  }

  #failed(event: E, error: unknown, signal: AbortSignal, tries: number): WriteOutcome<E> {
    const { logger, shape, isStrict } = this.#options;
    const failure = this.#classify(error);
    const fields = { error, ...writtenFields(shape, event) };
    const logRetry = () => logger[tries === 0 ? 'error' : 'debug']('Unable to write event (may retry after sleeping)', fields);
    if (failure.kind === 'construction') {
      logger.error('Unable to construct event (will not retry!)', fields);
      return { kind: 'rejected' };
    }
    if (failure.kind === 'unreachable') {
      if (!signal.aborted) logRetry();
      return { kind: 'retry', mayBeDone: true };
    }
    const { code, reason, causes, retryAfterSeconds } = failure;
    const isNamespaceTerminating = causes.some(cause => cause.reason === 'NamespaceTerminating');
    if (reason === 'AlreadyExists' || isNamespaceTerminating) {
      logger.debug('Server rejected event (will not retry!)', fields);
      return { kind: reason === 'AlreadyExists' ? 'exists' : 'rejected' };
    }
    // Differs from client-go, whose REST client retries below the sink; users of this port have no such client.
    if (isStrict !== true && (transientCodes.includes(code) || code === 401)) {
      logRetry();
      const retryAfterMs = retryAfterSeconds === undefined ? undefined : retryAfterSeconds * 1000;
      return { kind: 'retry', retryAfterMs, isLastTry: code === 401, mayBeDone: code >= 500 };
    }
    logger.error('Server rejected event (will not retry!)', { ...fields, ...this.#hint(event, code) });
    return { kind: 'rejected' };
  }

  #hint(event: E, code: number): { hint?: string } {
    if (code !== 403 || (this.#options.shape.objectOf(event).namespace ?? '') !== '') return {};
    const { namespace } = event.metadata;
    return { hint: `events about objects without a namespace lie in ${namespace}: allow create and patch of events there` };
  }
}

/** How a write is described in a log. */
export function writtenFields<E extends AnyEvent>(shape: Pick<EventShape<E, unknown>, 'objectOf'>, event: E): LogFields {
  return { event: event.metadata.name, ...eventFields(shape.objectOf(event), event) };
}

/** The delay after attempt number `tries` failed. The first one is random, so that clients do not all come back at once. */
export function retryDelayMs(tries: number, sleepDurationMs: number, random: () => number): number {
  return tries === 1 ? sleepDurationMs * random() : sleepDurationMs;
}

function withoutResourceVersion<E extends AnyEvent>(event: E): E {
  if (event.metadata.resourceVersion === undefined) return event;
  const metadata: { resourceVersion?: string } & AnyEvent['metadata'] = { ...event.metadata };
  delete metadata.resourceVersion;
  return { ...event, metadata };
}

export type SinkFailure =
  | { readonly kind: 'construction' }
  | ({ readonly kind: 'status' } & ErrorStatus)
  /** No usable answer: the network failed, or the answer is no event. */
  | { readonly kind: 'unreachable' };

/** @param looksThrough whether a status within another error counts; for client-go it does not */
export function classifyFailure(error: unknown, looksThrough: boolean): SinkFailure {
  for (const current of errorChain(error)) {
    const status = errorStatus(current);
    if (status !== undefined) {
      const { code, reason, causes, retryAfterSeconds } = status;
      return { kind: 'status', code, reason, causes, retryAfterSeconds };
    }
    if (!looksThrough) break;
  }
  // A TypeError without a cause is JavaScript's for a call that cannot be made; fetch wraps a broken connection in one with a cause.
  const isConstruction = error instanceof RequestConstructionError || (error instanceof TypeError && error.cause === undefined);
  return { kind: isConstruction ? 'construction' : 'unreachable' };
}
