// ClientGoSeriesWriter: writes one event in up to twelve attempts.
//   Port of client-go v0.37.2 tools/events/event_broadcaster.go (recordEvent, attemptRecording).
import type { LogFields, Logger } from '../../logging/logger.ts';
import { sleep } from '../../time/sleep.ts';
import type { EventsV1Event } from '../events/event.ts';
import { seriesRetryDelayMs } from '../events/series.ts';
import type { EventsV1Sink } from '../events/sink.ts';
import { classifyFailure, maxTriesPerEvent } from '../pipeline/event-writer.ts';
import { eventFields } from '../pipeline/recording.ts';

/** An event of the cache: its series is counted in place. */
export interface CountedEvent extends Omit<EventsV1Event, 'metadata' | 'series'> {
  readonly metadata: { -readonly [K in keyof EventsV1Event['metadata']]: EventsV1Event['metadata'][K] };
  series?: { count: number; lastObservedTime: string };
}

export type WriteResult =
  { readonly kind: 'recorded'; readonly answer: EventsV1Event } | { readonly kind: 'rejected' | 'retry_limit' | 'shutdown' };

type Attempt = Extract<WriteResult, { kind: 'recorded' }> | { readonly kind: 'rejected' } | { readonly kind: 'retry' };

export interface ClientGoSeriesWriterOptions {
  readonly sink: EventsV1Sink;
  readonly logger: Logger;
  readonly sleepDurationMs: number;
  readonly random: () => number;
  /** How many attempts are under way at once; an event that sleeps before its next one takes no place. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

export class ClientGoSeriesWriter {
  readonly #options: ClientGoSeriesWriterOptions;
  #active = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(options: ClientGoSeriesWriterOptions) {
    this.#options = options;
  }

  /** Tries until it is written, refused or has failed twelve times. Never rejects. */
  async write(event: CountedEvent): Promise<WriteResult> {
    const { logger, sleepDurationMs, random, signal } = this.#options;
    for (let tries = 1; ; tries += 1) {
      const attempt = await this.attempt(event);
      if (attempt.kind !== 'retry') return attempt;
      if (tries >= maxTriesPerEvent) {
        logger.error('Unable to write event (retry limit exceeded!)', fieldsOf(event));
        return { kind: 'retry_limit' };
      }
      await sleep(seriesRetryDelayMs(sleepDurationMs, random), signal, { ref: false }).catch(() => undefined);
      if (signal.aborted) return { kind: 'shutdown' };
    }
  }

  /** One attempt. A series whose event is gone from the server is created again. */
  async attempt(event: CountedEvent): Promise<Attempt> {
    if (this.#active >= this.#options.concurrency) await new Promise<void>(resolve => this.#waiting.push(resolve));
    else this.#active += 1;
    try {
      return { kind: 'recorded', answer: await this.#patchOrCreate(event) };
    } catch (error) {
      return this.#failed(event, error);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#active -= 1;
      else next();
    }
  }

  async #patchOrCreate(event: CountedEvent): Promise<EventsV1Event> {
    const { sink } = this.#options;
    if (event.series !== undefined) {
      try {
        const { count, lastObservedTime } = event.series;
        return await sink.patch(event, { series: { count, lastObservedTime } });
      } catch (error) {
        const failure = classifyFailure(error, false);
        if (failure.kind !== 'status' || failure.code !== 404) throw error;
      }
    }
    delete event.metadata.resourceVersion;
    return sink.create(event);
  }

  #failed(event: EventsV1Event, error: unknown): Attempt {
    const { logger } = this.#options;
    const fields = { error, ...fieldsOf(event) };
    const failure = classifyFailure(error, false);
    if (failure.kind === 'unreachable') {
      logger.error('Unable to write event (may retry after sleeping)', fields);
      return { kind: 'retry' };
    }
    // The create of the series' first event may be under way: once it has been answered, the patch finds it.
    if (failure.kind === 'status' && failure.reason === 'AlreadyExists' && event.series !== undefined) return { kind: 'retry' };
    logger.error('Server rejected event (will not retry!)', fields);
    return { kind: 'rejected' };
  }
}

function fieldsOf(event: EventsV1Event): LogFields {
  return { event: event.metadata.name, ...eventFields(event.regarding, event) };
}
