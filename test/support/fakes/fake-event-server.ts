// FakeEventServer: the API server as a sink of events of either API sees it, in memory.
import { ApiError } from '../../../src/kube/api-error.ts';
import type { AnyEvent, SinkOf } from '../../../src/record/pipeline/event-policy.ts';

export const status = (code: number, reason: string, more: object = {}): ApiError =>
  new ApiError('write event', code, { kind: 'Status', code, reason, message: reason, ...more });
export const networkError = (): Error => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

/** The call has been done, and its answer got lost. */
export class LostAnswerError extends Error {}

export interface EventCall<E, P> {
  readonly verb: 'create' | 'patch';
  readonly event: E;
  readonly patch?: P;
  /** The count of the patch, or of what is to be created. */
  readonly count: number;
  readonly atMs: number;
}

/** What a test reads from an event of one API. */
export interface EventReader<E> {
  readonly messageOf: (event: E) => string;
  readonly countOf: (event: E) => number;
  /** The event as it is stored. */
  readonly onWire: (event: E) => E;
}

/** Stores events as an API server does: patches merge, unknown ones are 404, known names 409. Fails first with what `failures` says. */
export class FakeEventServer<E extends AnyEvent, P extends object> implements SinkOf<E, P> {
  readonly calls: EventCall<E, P>[] = [];
  readonly stored = new Map<string, E>();
  /** What the next calls fail with; `undefined` lets one through. */
  failures: (Error | undefined)[] = [];
  /** Fails each call while it is there. */
  outage: Error | undefined;
  /** How long a call takes: a timer of that length. */
  latencyMs: number | undefined;
  readonly #reader: EventReader<E>;
  #version = 0;

  constructor(reader: EventReader<E>) {
    this.#reader = reader;
  }

  async create(event: E): Promise<E> {
    const { countOf, onWire } = this.#reader;
    return this.#answer({ verb: 'create', event, count: countOf(event), atMs: Date.now() }, () => {
      if (this.stored.has(event.metadata.name)) throw status(409, 'AlreadyExists');
      return this.#store(event.metadata.name, onWire(event));
    });
  }

  async patch(event: E, patch: P): Promise<E> {
    const count = this.#reader.countOf({ ...event, ...patch });
    return this.#answer({ verb: 'patch', event, patch, count, atMs: Date.now() }, () => {
      const known = this.stored.get(event.metadata.name);
      if (known === undefined) throw status(404, 'NotFound');
      return this.#store(event.metadata.name, { ...known, ...patch });
    });
  }

  /** The counts of what is stored, of those with `message` only if given. */
  counts(message?: string): number[] {
    const { messageOf, countOf } = this.#reader;
    return [...this.stored.values()].filter(event => message === undefined || messageOf(event) === message).map(countOf);
  }

  summary(): string[] {
    return this.calls.map(({ verb, event, count }) => `${verb} ${this.#reader.messageOf(event)} ${count}`);
  }

  #store(name: string, event: E): E {
    this.#version += 1;
    const stored = { ...event, metadata: { ...event.metadata, resourceVersion: String(this.#version) } };
    this.stored.set(name, stored);
    return structuredClone(stored);
  }

  async #answer(call: EventCall<E, P>, write: () => E): Promise<E> {
    this.calls.push(call);
    const failure = this.failures.shift() ?? this.outage;
    if (this.latencyMs !== undefined) await new Promise(resolve => setTimeout(resolve, this.latencyMs));
    if (failure instanceof LostAnswerError) write();
    if (failure !== undefined) throw failure;
    return write();
  }
}
