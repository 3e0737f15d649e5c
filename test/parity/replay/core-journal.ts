// Journal: what a scenario's sink saw, call by call, in the format of the expected files. It also answers
// the calls: with the error that the scenario scripts for them, else with the server's answer.
import type { EventServer } from './event-server.ts';
import type { CoreV1Event, EventPatch } from '../../../src/record/core/core-event.ts';
import type { EventSink } from '../../../src/record/core/core-v1-sink.ts';
import { goBody, goString } from '../oracle/go-json.ts';
import type { Origin, Scenario } from '../scenarios/scenario.ts';
import { resultOf, scriptedError } from './sink-errors.ts';

export interface ParityCall {
  readonly step: number;
  readonly rep: number;
  readonly verb: 'create' | 'patch' | 'skip' | 'reject';
  readonly result?: string;
  readonly fallback?: true;
  readonly attempt?: number;
  readonly delay?: number | string;
  readonly atMs?: number;
  readonly name?: string;
  readonly nameMs?: number;
  readonly namespace?: string;
  readonly count?: number;
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly firstMs?: number;
  readonly lastMs?: number;
  readonly patch?: string;
  readonly body?: unknown;
}

/** On a reference: the step that handed it in. Spread copies keep it, JSON does not show it. */
export const originKey: unique symbol = Symbol('origin');

interface Attempts {
  readonly origin: Origin;
  number: number;
  lastMs: number;
  hasPatched: boolean;
}

type Place = Pick<ParityCall, 'step' | 'rep' | 'fallback' | 'attempt' | 'delay' | 'atMs'>;

export interface JournalOptions {
  readonly scenario: Scenario;
  readonly server: EventServer;
  readonly startMs: number;
  /** The pause before a retry, which the jitter is a part of. */
  readonly sleepMs: number;
}

export class Journal {
  readonly calls: ParityCall[] = [];
  /** The step that is being played. */
  now: Origin = { step: 0, rep: 0 };
  readonly #options: JournalOptions;
  readonly #counts = { create: 0, patch: 0, any: 0 };
  #hasSeenRandomDelay = false;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** A call that never reaches a sink. */
  note(verb: 'skip' | 'reject'): void {
    this.calls.push({ ...this.now, verb });
  }

  /** A call of the correlator mode, which has no attempts. */
  create(event: CoreV1Event, isFallback = false): CoreV1Event {
    return this.#create({ ...this.now, ...fallbackField(isFallback) }, event);
  }

  patch(event: CoreV1Event, patch: EventPatch): CoreV1Event {
    return this.#patch(this.now, event, patch);
  }

  /** A sink that writes down its calls. Each has an account of its own of who tried what how often. */
  newSink(): EventSink {
    const attempts = new WeakMap<object, Attempts>();
    // Whatever is thrown here is to be the promise's.
    return {
      create: async event => Promise.resolve(this.#create(this.#place(attempts, 'create', event), event)),
      patch: async (event, patch) => Promise.resolve(this.#patch(this.#place(attempts, 'patch', event), event, patch)),
    };
  }

  #create(place: Place, event: CoreV1Event): CoreV1Event {
    return this.#call({ ...place, verb: 'create' }, event, { body: this.#body(event) }, () => this.#options.server.create(event));
  }

  #patch(place: Place, event: CoreV1Event, patch: EventPatch): CoreV1Event {
    return this.#call({ ...place, verb: 'patch' }, event, { patch: goString(patch) }, () =>
      this.#options.server.patch(event, patch),
    );
  }

  #call(
    place: Place & { verb: 'create' | 'patch' },
    event: CoreV1Event,
    content: Pick<ParityCall, 'body' | 'patch'>,
    answer: () => CoreV1Event,
  ): CoreV1Event {
    const { verb } = place;
    const described = { ...place, ...this.#describe(event), ...content };
    this.#counts[verb] += 1;
    this.#counts.any += 1;
    const scripted = this.#scripted(verb);
    if (scripted !== undefined) {
      this.calls.push({ ...described, result: scripted.result });
      if (scripted.isApplied) attempt(answer);
      throw scripted.error;
    }
    try {
      const stored = answer();
      this.calls.push({ ...described, result: 'ok' });
      return stored;
    } catch (error) {
      this.calls.push({ ...described, result: resultOf(error) });
      throw error;
    }
  }

  #scripted(verb: 'create' | 'patch'): { error: Error; result: string; isApplied: boolean } | undefined {
    const rule = (this.#options.scenario.sinkErrors ?? []).find(({ on, from, times = 1 }) => {
      const index = this.#counts[on];
      return (on === verb || on === 'any') && index >= from && index < from + Math.max(times, 1);
    });
    if (rule === undefined) return undefined;
    const { create, result } = scriptedError(rule.error);
    return { error: create(), result, isApplied: rule.error === 'appliedThenNetwork' };
  }

  /** Where a call comes from, which attempt it is, and how long the pause before it was. */
  #place(attempts: WeakMap<object, Attempts>, verb: 'create' | 'patch', event: CoreV1Event): Place {
    const nowMs = Date.now();
    // All attempts at one event share its reference, which no other event has.
    const { involvedObject } = event;
    const known = attempts.get(involvedObject) ?? {
      origin: this.#originOf(involvedObject),
      number: 0,
      lastMs: nowMs,
      hasPatched: false,
    };
    attempts.set(involvedObject, known);
    const isFallback = verb === 'create' && known.hasPatched;
    known.hasPatched = verb === 'patch';
    let delay: number | string | undefined;
    if (!isFallback) {
      known.number += 1;
      if (known.number > 1) delay = this.#delay(known.number, nowMs - known.lastMs);
      known.lastMs = nowMs;
    }
    return {
      ...known.origin,
      ...fallbackField(isFallback),
      attempt: known.number,
      ...(delay === undefined ? {} : { delay }),
      ...(this.#hasSeenRandomDelay ? {} : { atMs: nowMs - this.#options.startMs }),
    };
  }

  #originOf(reference: object): Origin {
    return (reference as { readonly [originKey]?: Origin })[originKey] ?? this.now;
  }

  /** Only the pause before the second attempt is random. */
  #delay(attempt: number, delayMs: number): number | string {
    if (attempt !== 2 || delayMs >= this.#options.sleepMs) return delayMs;
    this.#hasSeenRandomDelay = true;
    return 'jitter[0,1)';
  }

  #describe(event: CoreV1Event): Partial<ParityCall> {
    return {
      ...this.#name(event.metadata.name),
      ...present('namespace', event.metadata.namespace),
      ...present('count', event.count),
      ...present('type', event.type),
      ...present('reason', event.reason),
      ...present('message', event.message),
      firstMs: this.#ms(event.firstTimestamp),
      lastMs: this.#ms(event.lastTimestamp),
    };
  }

  #ms(time: string): number {
    return new Date(time).getTime() - this.#options.startMs;
  }

  /** The name without the instant in its suffix, and that instant; a random name is not shown. */
  #name(name: string): Pick<ParityCall, 'name' | 'nameMs'> {
    if (uuid.test(name)) return { name: '<uuid>' };
    const [, prefix, hex] = /^(.*)\.([0-9a-f]{12,16})$/.exec(name) ?? [];
    if (prefix === undefined || hex === undefined) return present('name', name);
    const microseconds = (BigInt(`0x${hex}`) - BigInt(this.#options.startMs) * 1_000_000n) / 1000n;
    return { ...present('name', prefix), nameMs: Number(microseconds) / 1000 };
  }

  #body(event: CoreV1Event): unknown {
    const { name } = event.metadata;
    return goBody(uuid.test(name) ? { ...event, metadata: { ...event.metadata, name: '<uuid>' } } : event);
  }
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Ignores the answer of the server. */
function attempt(call: () => unknown): void {
  try {
    call();
  } catch (error) {
    resultOf(error);
  }
}

function fallbackField(isFallback: boolean): { fallback?: true } {
  return isFallback ? { fallback: true } : {};
}

/** Go's encoder leaves empty fields out. */
function present<K extends string, V extends string | number>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined || value === '' || value === 0 ? {} : ({ [key]: value } as Partial<Record<K, V>>);
}
