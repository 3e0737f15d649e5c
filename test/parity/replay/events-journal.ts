// EventsJournal: as core-journal.ts, for events.k8s.io/v1: what a scenario's sink saw, call by call, and its answers.
import type { EventsV1Event, SeriesPatch } from '../../../src/record/events/event.ts';
import type { EventsV1Sink } from '../../../src/record/events/sink.ts';
import type { EventServer } from './event-server.ts';
import { goString } from '../oracle/go-json.ts';
import type { Origin, Scenario } from '../scenarios/scenario.ts';
import { resultOf, scriptedError } from './sink-errors.ts';

export interface EventsCall extends Origin {
  readonly verb: 'create' | 'patch';
  readonly result: string;
  readonly [field: string]: unknown;
}

interface Attempts {
  readonly origin: Origin;
  number: number;
  lastMs: number;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
/** Fields that Go's encoder writes although they are empty. */
const emptyEvent = { deprecatedSource: {}, deprecatedFirstTimestamp: null, deprecatedLastTimestamp: null };

export class EventsJournal implements EventsV1Sink {
  readonly calls: EventsCall[] = [];
  /** The step that is being played. */
  now: Origin = { step: 0, rep: 0 };
  readonly #scenario: Scenario;
  readonly #server: EventServer;
  readonly #startMs: number;
  readonly #sleepMs: number;
  readonly #attempts = new WeakMap<EventsV1Event, Attempts>();
  /** The last patch of each name: a series is created only if its patch found nothing. */
  readonly #patches = new Map<string, Attempts>();
  readonly #counts = { create: 0, patch: 0, any: 0 };
  #hasSeenRandomDelay = false;

  constructor(scenario: Scenario, server: EventServer, options: { readonly startMs: number; readonly sleepMs: number }) {
    this.#scenario = scenario;
    this.#server = server;
    this.#startMs = options.startMs;
    this.#sleepMs = options.sleepMs;
  }

  // Whatever is thrown in these two is to be the promise's.
  async create(event: EventsV1Event): Promise<EventsV1Event> {
    return Promise.resolve(this.#call('create', event, { body: bodyOf(event) }, () => this.#server.create(event)));
  }

  async patch(event: EventsV1Event, patch: SeriesPatch): Promise<EventsV1Event> {
    return Promise.resolve(this.#call('patch', event, { patch: goString(patch) }, () => this.#server.patch(event, patch)));
  }

  #call(verb: 'create' | 'patch', event: EventsV1Event, content: object, answer: () => EventsV1Event): EventsV1Event {
    const described = { ...this.#place(verb, event), verb, ...this.#describe(event), ...content };
    this.#counts[verb] += 1;
    this.#counts.any += 1;
    const error = this.#scripted(verb);
    if (error !== undefined) {
      const { result, create } = scriptedError(error);
      this.calls.push({ ...described, result });
      if (error === 'appliedThenNetwork') tryTo(answer);
      throw create();
    }
    try {
      const stored = answer();
      this.calls.push({ ...described, result: 'ok' });
      return stored;
    } catch (failure) {
      this.calls.push({ ...described, result: resultOf(failure) });
      throw failure;
    }
  }

  #scripted(verb: 'create' | 'patch'): string | undefined {
    return (this.#scenario.sinkErrors ?? []).find(({ on, from, times = 1 }) => {
      const index = this.#counts[on];
      return (on === verb || on === 'any') && index >= from && index < from + Math.max(times, 1);
    })?.error;
  }

  #place(verb: 'create' | 'patch', event: EventsV1Event): Origin & { readonly [field: string]: unknown } {
    const nowMs = Date.now();
    const isFallback = verb === 'create' && event.series !== undefined;
    const { name } = event.metadata;
    const before = isFallback ? this.#patches.get(name) : this.#attempts.get(event);
    const known = before ?? { origin: this.now, number: 0, lastMs: nowMs };
    this.#attempts.set(event, known);
    if (verb === 'patch') this.#patches.set(name, known);
    let delay: number | string | undefined;
    if (!isFallback) {
      known.number += 1;
      if (known.number > 1) delay = this.#delay(nowMs - known.lastMs);
      known.lastMs = nowMs;
    }
    return {
      ...known.origin,
      ...(isFallback ? { fallback: true } : {}),
      attempt: known.number,
      ...(delay === undefined ? {} : { delay }),
      ...(this.#hasSeenRandomDelay ? {} : { atMs: nowMs - this.#startMs }),
    };
  }

  /** Each pause before a retry is random. */
  #delay(delayMs: number): number | string {
    if (delayMs < this.#sleepMs || delayMs >= this.#sleepMs * 1.25) return delayMs;
    this.#hasSeenRandomDelay = true;
    return 'jitter[1,1.25)';
  }

  #describe({ metadata, type, reason, note, eventTime, series }: EventsV1Event): object {
    const { namespace } = metadata;
    const texts = Object.entries({ namespace, type, reason, message: note }).filter(([, value]) => value !== '');
    return {
      ...this.#name(metadata.name),
      ...Object.fromEntries(texts),
      firstMs: this.#ms(eventTime),
      ...(series === undefined ? {} : { series: { count: series.count, lastMs: this.#ms(series.lastObservedTime) } }),
    };
  }

  #ms(time: string): number {
    return Date.parse(time) - this.#startMs;
  }

  #name(name: string): object {
    if (uuid.test(name)) return { name: '<uuid>' };
    const [, prefix, hex] = /^(.*)\.([0-9a-f]{12,16})$/.exec(name) ?? [];
    if (prefix === undefined || hex === undefined) return { name };
    const microseconds = (BigInt(`0x${hex}`) - BigInt(this.#startMs) * 1_000_000n) / 1000n;
    return { name: prefix, nameMs: Number(microseconds) / 1000 };
  }
}

/** What the server says to it is lost on the way. */
function tryTo(answer: () => unknown): void {
  try {
    answer();
  } catch {
    // Its refusal is lost too.
  }
}

function bodyOf(event: EventsV1Event): object {
  const { metadata } = event;
  const named = uuid.test(metadata.name) ? { ...event, metadata: { ...metadata, name: '<uuid>' } } : event;
  return { regarding: {}, ...(withoutEmpty(JSON.parse(JSON.stringify(named)) as object) as object), ...emptyEvent };
}

function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value)
    .map(([key, inner]: [string, unknown]) => [key, key === 'annotations' ? inner : withoutEmpty(inner)] as const)
    .filter(([, inner]) => inner !== '' && !(typeof inner === 'object' && inner !== null && Object.keys(inner).length === 0));
  return Object.fromEntries(fields);
}
