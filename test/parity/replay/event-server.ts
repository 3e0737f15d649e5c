// EventServer: as much of an API server as a sink of events can see: it stores JSON, merges patches, knows names and expiry.
import { ApiError } from '../../../src/kube/api-error.ts';

interface StoredEvent {
  readonly text: string;
  readonly writtenMs: number;
}

interface Named {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
}

export class EventServer {
  readonly #stored = new Map<string, StoredEvent>();
  readonly #ttlMs: number;
  readonly #isEcho: boolean;
  #resourceVersion = 0;

  constructor(options: { kind?: 'roundtrip' | 'echo'; ttlMs?: number } = {}) {
    this.#isEcho = options.kind === 'echo';
    this.#ttlMs = options.ttlMs ?? 0;
  }

  /** Forgets every event, as the expiry of all of them does. */
  deleteAll(): void {
    this.#stored.clear();
  }

  create<T extends Named>(event: T): T {
    if (this.#isEcho) return event;
    const key = keyOf(event);
    if (this.#get(key) !== undefined) throw refusal(409, 'AlreadyExists');
    return this.#put(key, JSON.parse(this.#toWire(event)) as object) as T;
  }

  patch<T extends Named>(event: T, patch: object): T {
    if (this.#isEcho) return event;
    const key = keyOf(event);
    const old = this.#get(key);
    if (old === undefined) throw refusal(404, 'NotFound');
    return this.#put(key, merged(JSON.parse(old) as object, JSON.parse(JSON.stringify(patch)) as object)) as T;
  }

  #get(key: string): string | undefined {
    const entry = this.#stored.get(key);
    if (entry === undefined || (this.#ttlMs > 0 && Date.now() - entry.writtenMs >= this.#ttlMs)) return undefined;
    return entry.text;
  }

  #put(key: string, object: object): object {
    this.#resourceVersion += 1;
    const { metadata } = object as { metadata: object };
    const text = JSON.stringify({ ...object, metadata: { ...metadata, resourceVersion: String(this.#resourceVersion) } });
    this.#stored.set(key, { text, writtenMs: Date.now() });
    return JSON.parse(text) as object;
  }

  /** core/v1 times have whole seconds on the wire; events.k8s.io/v1 times have six digits and stay as they are. */
  #toWire(event: object): string {
    return JSON.stringify(event, (key, value: unknown) =>
      key.endsWith('Timestamp') && typeof value === 'string' ? value.replace(/\.\d+Z$/, 'Z') : value,
    );
  }
}

/** RFC 7386; for an event's fields a strategic merge says the same. */
function merged(target: object, patch: object): object {
  const result = new Map<string, unknown>(Object.entries(target));
  for (const [key, value] of Object.entries(patch) as [string, unknown][]) {
    const old = result.get(key);
    if (value === null) result.delete(key);
    else result.set(key, isObject(value) ? merged(isObject(old) ? old : {}, value) : value);
  }
  return Object.fromEntries(result);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function keyOf({ metadata }: Named): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}

function refusal(code: number, reason: string): ApiError {
  return new ApiError('write event', code, { kind: 'Status', code, reason, message: reason });
}
