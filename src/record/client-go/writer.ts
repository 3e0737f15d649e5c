// ClientGoWriter: writes one event in up to twelve attempts, whatever else there is to write.
//   Port of client-go v0.37.2 tools/record/event.go (recordToSink) and tools/events/event_broadcaster.go (recordEvent).
import { sleep } from '../../time/sleep.ts';
import type { DropCause } from '../pipeline/event-counts.ts';
import type { AnyEvent } from '../pipeline/event-policy.ts';
import {
  EventWriter,
  maxTriesPerEvent,
  writtenFields,
  type EventWriterOptions,
  type WriteOutcome,
} from '../pipeline/event-writer.ts';

export interface ClientGoWriterOptions<E extends AnyEvent, P> extends EventWriterOptions<E, P> {
  /** The delay after attempt number `tries` failed. */
  readonly retryDelayMs: (tries: number) => number;
  /** Whether a repetition is tried again that was not found, and then exists. */
  readonly retriesExisting: boolean;
  readonly signal: AbortSignal;
}

export class ClientGoWriter<E extends AnyEvent, P> {
  readonly #options: ClientGoWriterOptions<E, P>;
  readonly #writer: EventWriter<E, P>;

  constructor(options: ClientGoWriterOptions<E, P>) {
    this.#options = options;
    this.#writer = new EventWriter({ ...options, isStrict: true });
  }

  /** One attempt. A repetition whose event is gone from the server is created again. Never rejects. */
  async attempt(event: E): Promise<WriteOutcome<E>> {
    const { shape, retriesExisting, signal } = this.#options;
    const isRepetition = shape.countOf(event) > 1;
    const outcome = await this.#writer.write(event, isRepetition, signal);
    // The create of the first event may be under way: once it has been answered, the patch finds it.
    return outcome.kind === 'exists' && isRepetition && retriesExisting ? { kind: 'retry', mayBeDone: false } : outcome;
  }

  /** Tries until the event is written, refused or has failed twelve times, and counts it. Never rejects. @returns the server's answer */
  async write(event: E): Promise<E | undefined> {
    const { counts, retryDelayMs, signal } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.attempt(event);
      if (outcome.kind === 'recorded') {
        counts.delivered += 1;
        return outcome.answer;
      }
      if (outcome.kind !== 'retry') return this.#lost('rejected', event);
      if (tries >= maxTriesPerEvent) return this.#lost('retry_limit', event, 'Unable to write event (retry limit exceeded!)');
      await sleep(retryDelayMs(tries), signal, { ref: false }).catch(() => undefined);
      if (signal.aborted) return this.#lost('shutdown', event, 'Unable to write event (broadcaster is shut down)');
    }
  }

  #lost(cause: DropCause, event: E, message?: string): E | undefined {
    const { shape, counts, logger } = this.#options;
    if (message !== undefined) logger.error(message, writtenFields(shape, event));
    counts.drop(cause, event);
    return undefined;
  }
}
