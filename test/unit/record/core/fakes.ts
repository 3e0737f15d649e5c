// What the tests of record/ put in the places of the API server, the log and the clock.
import FakeTimers from '@sinonjs/fake-timers';
import type { LogFields, Logger } from '../../../../src/logging/logger.ts';
import { wireEvent, type CoreV1Event, type EventPatch } from '../../../../src/record/core/core-event.ts';
import { EventBroadcaster, type EventBroadcasterOptions } from '../../../../src/record/core/event-broadcaster.ts';
import { FakeEventServer } from '../../../support/fakes/fake-event-server.ts';

export { LostAnswerError, networkError, status } from '../../../support/fakes/fake-event-server.ts';

/** The API server for core/v1. */
export class FakeApiServer extends FakeEventServer<CoreV1Event, EventPatch> {
  constructor() {
    super({ messageOf: event => event.message, countOf: event => event.count, onWire: wireEvent });
  }
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps what it receives. */
export class MemoryLogger implements Logger {
  readonly lines: LogLine[] = [];

  debug(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'debug', message, fields });
  }

  info(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'info', message, fields });
  }

  warn(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'warn', message, fields });
  }

  error(message: string, fields: LogFields = {}): void {
    this.lines.push({ level: 'error', message, fields });
  }

  messages(level: string): string[] {
    return this.lines.filter(line => line.level === level).map(({ message }) => message);
  }
}

export const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { namespace: 'baz', name: 'foo', uid: 'bar', resourceVersion: '7' },
};

export function podNamed(name: string): typeof pod {
  return { ...pod, metadata: { ...pod.metadata, name, uid: `uid of ${name}` } };
}

/** Lets all that needs no timer happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
}

export interface FakeWorld {
  readonly clock: FakeTimers.Clock;
  readonly server: FakeApiServer;
  readonly logger: MemoryLogger;
  readonly events: EventBroadcaster;
  /** Moves the clock, with all that happens meanwhile. */
  readonly pass: (ms: number) => Promise<void>;
}

/** Runs `play` on a fake clock with a broadcaster that writes to a fake server; nothing of it is left afterwards. */
export async function withWorld(options: EventBroadcasterOptions, play: (world: FakeWorld) => Promise<void>): Promise<void> {
  const clock = FakeTimers.install({ now: Date.UTC(2000, 0, 1), toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  const [server, logger] = [new FakeApiServer(), new MemoryLogger()];
  const events = new EventBroadcaster({ logger, random: () => 0.5, now: () => Date.now(), ...options });
  const pass = async (ms: number) => {
    await clock.tickAsync(ms);
    await settle();
  };
  try {
    events.startRecordingToSink(server);
    await play({ clock, server, logger, events, pass });
  } finally {
    await events.shutdown({ drainTimeoutMs: 0 });
    clock.uninstall();
  }
}
