// ClientGoDelivery: client-go's way to a sink: one event after another, each until it is written or dropped. The watcher's queue fills
//   in the meantime. Port of client-go v0.37.2 tools/record/event.go (recordToSink).
import type { Watcher } from '../../broadcaster/watcher.ts';
import type { Logger } from '../../logging/logger.ts';
import { sleep } from '../../time/sleep.ts';
import { coreV1Shape, type CoreV1Event, type EventPatch } from '../core/core-event.ts';
import type { EventSink } from '../core/core-v1-sink.ts';
import type { EventCorrelateResult, EventCorrelator } from '../core/event-correlator.ts';
import type { EventTally } from '../pipeline/event-counts.ts';
import type { EventDelivery } from '../pipeline/event-pipeline.ts';
import { EventWriter, maxTriesPerEvent, retryDelayMs } from '../pipeline/event-writer.ts';
import { eventFields } from '../pipeline/recording.ts';

export interface ClientGoDeliveryOptions {
  readonly sink: EventSink;
  readonly correlator: EventCorrelator;
  readonly logger: Logger;
  readonly counts: EventTally<CoreV1Event>;
  readonly sleepDurationMs: number;
  readonly random: () => number;
}

export class ClientGoDelivery implements EventDelivery {
  readonly #options: ClientGoDeliveryOptions;
  readonly #watcher: Watcher<CoreV1Event>;
  readonly #writer: EventWriter<CoreV1Event, EventPatch>;
  readonly #cancellation = new AbortController();
  #isBusy = false;
  #latest: CoreV1Event | undefined;
  #handled = 0;
  /** Each is resolved when this number of events has been handled. */
  #waiters: { readonly handled: number; readonly resolve: () => void }[] = [];

  constructor(watcher: Watcher<CoreV1Event>, options: ClientGoDeliveryOptions) {
    this.#options = options;
    this.#watcher = watcher;
    this.#writer = new EventWriter({ ...options, shape: coreV1Shape, isStrict: true });
    // It never rejects: #recordToSink catches the errors of a consumer's functions.
    void watcher.forEach(({ object }) => this.#handle(object), { signal: this.#cancellation.signal });
  }

  get pending(): number {
    return this.#watcher.size + (this.#isBusy ? 1 : 0);
  }

  flush(): Promise<void> {
    const handled = this.#handled + this.pending;
    if (handled === this.#handled) return Promise.resolve();
    return new Promise(resolve => this.#waiters.push({ handled, resolve }));
  }

  drain(): Promise<void> {
    return this.flush();
  }

  /** A running attempt continues, as in client-go; the queued events are lost. */
  abandon(): void {
    const lost = this.#watcher.size;
    this.#cancellation.abort();
    if (lost > 0 && this.#latest !== undefined) this.#options.counts.drop('shutdown', this.#latest, lost);
    this.#resolve(Infinity);
  }

  async #handle(event: CoreV1Event): Promise<void> {
    this.#latest = event;
    this.#isBusy = true;
    // Recording does not wait for the sink to make its request.
    await Promise.resolve();
    await this.#recordToSink(event);
    this.#isBusy = false;
    this.#handled += 1;
    this.#resolve(this.#handled);
  }

  #resolve(handled: number): void {
    const due = this.#waiters.filter(waiter => waiter.handled <= handled);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter(waiter => waiter.handled > handled);
    for (const { resolve } of due) resolve();
  }

  async #recordToSink(event: CoreV1Event): Promise<void> {
    const { correlator, counts, logger } = this.#options;
    let result;
    try {
      result = correlator.eventCorrelate(event);
    } catch (error) {
      logger.error('Event correlation failed', { error });
      counts.drop('rejected', event);
      return;
    }
    if (!result.skip) return this.#writeUntilDone(result);
    counts.filtered += 1;
    counts.drop('spam', event);
  }

  async #writeUntilDone({ event, key }: EventCorrelateResult): Promise<void> {
    const { correlator, counts, logger, sleepDurationMs, random } = this.#options;
    const fields = { event: event.metadata.name, ...eventFields(event.involvedObject, event) };
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.#writer.write(event, event.count > 1, this.#cancellation.signal);
      if (outcome.kind === 'recorded') {
        correlator.updateState(outcome.answer, key);
        counts.delivered += 1;
        return;
      }
      if (outcome.kind !== 'retry') {
        counts.drop('rejected', event);
        return;
      }
      if (tries >= maxTriesPerEvent) {
        logger.error('Unable to write event (retry limit exceeded!)', fields);
        counts.drop('retry_limit', event);
        return;
      }
      await sleep(retryDelayMs(tries, sleepDurationMs, random), this.#cancellation.signal, { ref: false }).catch(() => undefined);
      if (this.#cancellation.signal.aborted) {
        logger.error('Unable to write event (broadcaster is shut down)', fields);
        counts.drop('shutdown', event);
        return;
      }
    }
  }
}
