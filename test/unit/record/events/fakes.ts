// What the tests of record/events/ put in the places of the API server and the clock.
import FakeTimers from '@sinonjs/fake-timers';
import { EventsV1Broadcaster, type EventsV1BroadcasterOptions } from '../../../../src/record/events/broadcaster.ts';
import type { EventsV1Event, SeriesPatch } from '../../../../src/record/events/event.ts';
import type { EventsV1Recorder } from '../../../../src/record/events/recorder.ts';
import { FakeEventServer } from '../../../support/fakes/fake-event-server.ts';
import { MemoryLogger, settle } from '../core/fakes.ts';

/** The API server for events.k8s.io/v1. */
export class FakeEventsServer extends FakeEventServer<EventsV1Event, SeriesPatch> {
  constructor() {
    super({ messageOf: event => event.note, countOf, onWire: event => event });
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
