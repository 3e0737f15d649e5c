// What the tests of record/ put in the places of the API server, the log and the clock.
import FakeTimers from '@sinonjs/fake-timers';
import { ApiError } from '../../../../src/kube/api-error.ts';
import type { LogFields, Logger } from '../../../../src/logging/logger.ts';
import { wireEvent, type CoreV1Event, type EventPatch } from '../../../../src/record/core/core-event.ts';
import { EventBroadcaster, type EventBroadcasterOptions } from '../../../../src/record/core/event-broadcaster.ts';
import type { EventSink } from '../../../../src/record/core/core-v1-sink.ts';

export interface SinkCall {
  readonly verb: 'create' | 'patch';
  readonly event: CoreV1Event;
  readonly patch?: EventPatch;
  readonly atMs: number;
}

export const status = (code: number, reason: string, more: object = {}): ApiError =>
  new ApiError('write event', code, { kind: 'Status', code, reason, message: reason, ...more });
export const networkError = (): Error => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

/** The call has been done, and its answer got lost. */
export class LostAnswerError extends Error {}

/** Stores events as an API server does: patches merge, unknown ones are 404, known names 409. Fails first with what `failures` says. */
export class FakeApiServer implements EventSink {
  readonly calls: SinkCall[] = [];
  readonly stored = new Map<string, CoreV1Event>();
  /** What the next calls fail with; `undefined` lets one through. */
  failures: (Error | undefined)[] = [];
  /** Fails each call while it is there. */
  outage: Error | undefined;
  /** How long a call takes: a timer of that length. */
  latencyMs: number | undefined;
  #version = 0;

  async create(event: CoreV1Event): Promise<CoreV1Event> {
    return this.#answer({ verb: 'create', event, atMs: Date.now() }, () => {
      if (this.stored.has(event.metadata.name)) throw status(409, 'AlreadyExists');
      return this.#store(event.metadata.name, wireEvent(event));
    });
  }

  async patch(event: CoreV1Event, patch: EventPatch): Promise<CoreV1Event> {
    return this.#answer({ verb: 'patch', event, patch, atMs: Date.now() }, () => {
      const known = this.stored.get(event.metadata.name);
      if (known === undefined) throw status(404, 'NotFound');
      return this.#store(event.metadata.name, { ...known, ...patch });
    });
  }

  /** The counts of what is stored, of those with `message` only if given. */
  counts(message?: string): number[] {
    return [...this.stored.values()]
      .filter(event => message === undefined || event.message === message)
      .map(({ count }) => count);
  }

  summary(): string[] {
    return this.calls.map(({ verb, event }) => `${verb} ${event.message} ${event.count}`);
  }

  #store(name: string, event: CoreV1Event): CoreV1Event {
    this.#version += 1;
    const stored = { ...event, metadata: { ...event.metadata, resourceVersion: String(this.#version) } };
    this.stored.set(name, stored);
    return structuredClone(stored);
  }

  async #answer(call: SinkCall, write: () => CoreV1Event): Promise<CoreV1Event> {
    this.calls.push(call);
    const failure = this.failures.shift() ?? this.outage;
    if (this.latencyMs !== undefined) await new Promise(resolve => setTimeout(resolve, this.latencyMs));
    if (failure instanceof LostAnswerError) write();
    if (failure !== undefined) throw failure;
    return write();
  }
}

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** A logger that keeps what it is told. */
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
