// EventWriter: one attempt to write one event, and what its failure means. Before it: keyed-delivery.ts, client-go-delivery.ts. After it: event-sink.ts.
//   Port of client-go v0.37.2 tools/record/event.go (recordEvent); by default also for events.k8s.io/v1.
import type { Logger } from '../../logging/logger.ts';
import type { ObjectReference } from './reference.ts';
import type { EventTally } from './event-counts.ts';
import type { AnyEvent, EventShape, SinkOf } from './event-policy.ts';
import { classifyFailure, type SinkFailure } from './sink-error.ts';

export type WriteOutcome<E> =
  | { readonly kind: 'recorded'; readonly answer: E }
  /** Another event of that name is there already. */
  | { readonly kind: 'exists' }
  | { readonly kind: 'rejected' }
  /** `isLastTry`: one more attempt may help, a third would not. */
  | RetryOutcome;

export interface RetryOutcome {
  readonly kind: 'retry';
  /** The server may have done it all the same. */
  readonly mayBeDone: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly isLastTry?: boolean;
}

export interface EventWriterOptions<E extends AnyEvent, P> {
  readonly sink: SinkOf<E, P>;
  readonly shape: EventShape<E, P>;
  readonly logger: Logger;
  readonly counts: Pick<EventTally<E>, 'written'>;
  /** Takes a failure as it is: a status within another error does not count, and every status is final. Default: false. */
  readonly isStrict?: boolean | undefined;
}

/** How often a write is attempted before the event is given up. */
export const maxTriesPerEvent = 12;

/** The server may well take the same request a little later. */
const transientCodes: readonly number[] = [408, 429, 500, 502, 503, 504];

export class EventWriter<E extends AnyEvent, P> {
  readonly #options: EventWriterOptions<E, P>;

  constructor(options: EventWriterOptions<E, P>) {
    this.#options = options;
  }

  /** Never rejects. An update of an event that is gone from the server creates it again, in the same attempt. */
  async write(event: E, isUpdate: boolean, signal: AbortSignal): Promise<WriteOutcome<E>> {
    try {
      const answer: unknown = await (isUpdate
        ? this.#patchOrCreate(event, signal)
        : this.#options.sink.create(withoutResourceVersion(event), signal));
      this.#options.counts.written += 1;
      // A sink in plain JavaScript may answer nothing.
      return { kind: 'recorded', answer: this.#options.shape.isAnswer(answer) ? answer : event };
    } catch (error) {
      return this.#failed(event, error, signal);
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
      // It cannot even be looked at.
      return { kind: 'unreachable' };
    }
  }

  #failed(event: E, error: unknown, signal: AbortSignal): WriteOutcome<E> {
    const { logger } = this.#options;
    const failure = this.#classify(error);
    switch (failure.kind) {
      case 'construction':
        logger.error('Unable to construct event (will not retry!)', { error, event });
        return { kind: 'rejected' };
      case 'status':
        return this.#refused(event, error, failure);
      case 'unreachable':
        if (!signal.aborted) logger.error('Unable to write event (may retry after sleeping)', { error, event });
        return { kind: 'retry', mayBeDone: true };
    }
  }

  /** Differs from client-go, whose REST client retries below the sink what the server cannot answer now; consumers of this port have no such client. */
  #refused(event: E, error: unknown, failure: SinkFailure & { kind: 'status' }): WriteOutcome<E> {
    const { logger, shape, isStrict } = this.#options;
    const { code, reason, isNamespaceTerminating, retryAfterMs } = failure;
    if (reason === 'AlreadyExists' || isNamespaceTerminating) {
      logger.debug('Server rejected event (will not retry!)', { error, event });
      return reason === 'AlreadyExists' ? { kind: 'exists' } : { kind: 'rejected' };
    }
    if (isStrict !== true && (transientCodes.includes(code) || code === 401)) {
      logger.error('Unable to write event (may retry after sleeping)', { error, event });
      return { kind: 'retry', retryAfterMs, isLastTry: code === 401, mayBeDone: code >= 500 };
    }
    logger.error('Server rejected event (will not retry!)', { error, event, ...hintFor(event, shape.objectOf(event), code) });
    return { kind: 'rejected' };
  }
}

/** How long to sleep after attempt number `tries` failed. The first sleep is random, so that clients do not all come back at once. */
export function retryDelayMs(tries: number, sleepDurationMs: number, random: () => number): number {
  return tries === 1 ? sleepDurationMs * random() : sleepDurationMs;
}

function withoutResourceVersion<E extends AnyEvent>(event: E): E {
  if (event.metadata.resourceVersion === undefined) return event;
  const metadata: { resourceVersion?: string } & AnyEvent['metadata'] = { ...event.metadata };
  delete metadata.resourceVersion;
  return { ...event, metadata };
}

function hintFor({ metadata }: AnyEvent, { namespace = '' }: ObjectReference, code: number): { hint?: string } {
  if (code !== 403 || namespace !== '') return {};
  return {
    hint: `events about objects without a namespace lie in ${metadata.namespace}: allow create and patch of events there`,
  };
}
