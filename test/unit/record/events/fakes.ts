// What the tests of record/events/ put in the places of the API server and the clock.
import FakeTimers from '@sinonjs/fake-timers';
import { EventsV1Broadcaster, type EventsV1BroadcasterOptions } from '../../../../src/record/events/broadcaster.ts';
import type { EventsV1Event, SeriesPatch } from '../../../../src/record/events/event.ts';
import type { EventsV1Recorder } from '../../../../src/record/events/recorder.ts';
import type { EventsV1Sink } from '../../../../src/record/events/sink.ts';
import { MemoryLogger, settle, status } from '../core/fakes.ts';

export interface SeriesCall {
  readonly verb: 'create' | 'patch';
  readonly event: EventsV1Event;
  /** In the patch, or in what is to be created. */
  readonly count: number;
  readonly atMs: number;
}

/** Stores events as an API server does: patches merge, unknown ones are 404, known names 409. Fails first with what `failures` says. */
export class FakeEventsServer implements EventsV1Sink {
  readonly calls: SeriesCall[] = [];
  readonly stored = new Map<string, EventsV1Event>();
  /** What the next calls fail with; `undefined` lets one through. */
  failures: (Error | undefined)[] = [];
  /** Fails each call while it is there. */
  outage: Error | undefined;
  /** How long a call takes: a timer of that length. */
  latencyMs: number | undefined;
  #version = 0;

  async create(event: EventsV1Event): Promise<EventsV1Event> {
    await this.#called({ verb: 'create', event, count: countOf(event), atMs: Date.now() });
    if (this.stored.has(event.metadata.name)) throw status(409, 'AlreadyExists');
    return this.#store(event);
  }

  async patch(event: EventsV1Event, patch: SeriesPatch): Promise<EventsV1Event> {
    await this.#called({ verb: 'patch', event, count: patch.series.count, atMs: Date.now() });
    const known = this.stored.get(event.metadata.name);
    if (known === undefined) throw status(404, 'NotFound');
    return this.#store({ ...known, series: patch.series });
  }

  /** How often what is stored has happened, of those with `note` only if given. */
  counts(note?: string): number[] {
    return [...this.stored.values()].filter(event => note === undefined || event.note === note).map(countOf);
  }

  summary(): string[] {
    return this.calls.map(({ verb, event, count }) => `${verb} ${event.note} ${count}`);
  }

  #store(event: EventsV1Event): EventsV1Event {
    this.#version += 1;
    const stored = { ...event, metadata: { ...event.metadata, resourceVersion: String(this.#version) } };
    this.stored.set(event.metadata.name, stored);
    return structuredClone(stored);
  }

  async #called(call: SeriesCall): Promise<void> {
    this.calls.push(call);
    const failure = this.failures.shift() ?? this.outage;
    if (this.latencyMs !== undefined) await new Promise(resolve => setTimeout(resolve, this.latencyMs));
    if (failure !== undefined) throw failure;
  }
}

export function countOf({ series }: EventsV1Event): number {
  return series?.count ?? 1;
}

export const reporter = { reportingController: 'example.com/ctl', reportingInstance: 'ctl-1' };

export interface SeriesWorld {
  readonly clock: FakeTimers.Clock;
  readonly server: FakeEventsServer;
  readonly logger: MemoryLogger;
  readonly events: EventsV1Broadcaster;
  readonly recorder: EventsV1Recorder;
  /** Moves the clock, with all that happens meanwhile. */
  readonly pass: (ms: number) => Promise<void>;
  /** Records an event about an object of that name. */
  readonly record: (note: string, name?: string) => void;
}

export const minutes = 60_000;
export const startMs = Date.UTC(2000, 0, 1);

export function podNamed(name: string): { apiVersion: string; kind: string; metadata: Record<string, string> } {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'ns', name, uid: `uid of ${name}`, resourceVersion: '1' } };
}

/** Runs `play` on a fake clock with a broadcaster that writes to a fake server; nothing of it is left afterwards. */
export async function withSeriesWorld(
  options: EventsV1BroadcasterOptions,
  play: (world: SeriesWorld) => Promise<void>,
): Promise<void> {
  const clock = FakeTimers.install({ now: startMs, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const [server, logger] = [new FakeEventsServer(), new MemoryLogger()];
  const events = new EventsV1Broadcaster({ logger, random: () => 0, now: () => Date.now(), ...options });
  const recorder = events.newRecorder(reporter);
  const pass = async (ms: number) => {
    await clock.tickAsync(ms);
    await settle();
  };
  const record = (note: string, name = 'pod') => {
    recorder.eventf(podNamed(name), undefined, 'Normal', 'Reason', 'Acting', note);
  };
  try {
    events.startRecordingToSink(server);
    await play({ clock, server, logger, events, recorder, pass, record });
  } finally {
    await events.shutdown({ drainTimeoutMs: 0 });
    clock.uninstall();
  }
}
