// ClientGoDelivery: client-go's way to a sink: one event after another, each until it is written or dropped. The watcher's queue fills
//   in the meantime. Port of client-go v0.37.2 tools/record/event.go (recordToSink).
import { BehaviorSubject, filter, firstValueFrom } from 'rxjs';
import type { Watcher } from '../../broadcaster/watcher.ts';
import { coreV1Shape, type CoreV1Event, type EventPatch } from '../core/core-event.ts';
import type { EventCorrelator } from '../core/event-correlator.ts';
import type { DeliveryOptions, EventDelivery } from '../pipeline/delivery.ts';
import { retryDelayMs } from '../pipeline/event-writer.ts';
import { ClientGoWriter } from './writer.ts';

export class ClientGoDelivery implements EventDelivery {
  readonly #options: DeliveryOptions<CoreV1Event, EventPatch>;
  readonly #correlator: EventCorrelator;
  readonly #watcher: Watcher<CoreV1Event>;
  readonly #writer: ClientGoWriter<CoreV1Event, EventPatch>;
  readonly #cancellation = new AbortController();
  #isBusy = false;
  #latest: CoreV1Event | undefined;
  /** How many events have been handled. */
  readonly #handled = new BehaviorSubject(0);

  constructor(watcher: Watcher<CoreV1Event>, correlator: EventCorrelator, options: DeliveryOptions<CoreV1Event, EventPatch>) {
    const { sleepDurationMs, random } = options;
    this.#options = options;
    this.#correlator = correlator;
    this.#watcher = watcher;
    this.#writer = new ClientGoWriter({
      ...options,
      shape: coreV1Shape,
      retryDelayMs: tries => retryDelayMs(tries, sleepDurationMs, random),
      retriesExisting: false,
      signal: this.#cancellation.signal,
    });
    // It never rejects: #recordToSink catches the errors of a consumer's functions.
    void watcher.forEach(({ object }) => this.#handle(object), { signal: this.#cancellation.signal });
  }

  get pending(): number {
    return this.#watcher.size + (this.#isBusy ? 1 : 0);
  }

  async flush(): Promise<void> {
    const soFar = this.#handled.value + this.pending;
    await firstValueFrom(this.#handled.pipe(filter(handled => handled >= soFar)));
  }

  /** A running attempt continues, as in client-go; the queued events are lost. */
  abandon(): void {
    const lost = this.#watcher.size;
    this.#cancellation.abort();
    if (lost > 0 && this.#latest !== undefined) this.#options.counts.drop('shutdown', this.#latest, lost);
    this.#handled.next(Infinity);
  }

  async #handle(event: CoreV1Event): Promise<void> {
    this.#latest = event;
    this.#isBusy = true;
    // Recording does not wait for the sink to make its request.
    await Promise.resolve();
    await this.#recordToSink(event);
    this.#isBusy = false;
    this.#handled.next(this.#handled.value + 1);
  }

  async #recordToSink(event: CoreV1Event): Promise<void> {
    const { counts, logger } = this.#options;
    try {
      const result = this.#correlator.eventCorrelate(event);
      if (result.skip) {
        counts.filtered += 1;
        counts.drop('spam', event);
        return;
      }
      const answer = await this.#writer.write(result.event);
      if (answer !== undefined) this.#correlator.updateState(answer);
    } catch (error) {
      logger.error('Event correlation failed', { error });
      counts.drop('rejected', event);
    }
  }
}
