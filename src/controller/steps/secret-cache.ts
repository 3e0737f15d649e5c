// SecretCache: Secrets that were read by GET, each shared by all networks that name it. Secrets are never listed or watched: so RBAC can
// name those that the controller may read.
import type { V1Secret } from '@kubernetes/client-node';
import type { KubeClient } from '../../kube/client.ts';
import { secrets } from '../resource-types.ts';

export interface SecretReference {
  readonly namespace: string;
  readonly name: string;
}

export interface SecretCacheOptions<T> {
  readonly client: Pick<KubeClient, 'get'>;
  /** Called once for each Secret that was read, or with the error of the API server. It throws what must not be kept. */
  readonly interpret: (answer: { readonly secret: V1Secret } | { readonly error: unknown }, reference: SecretReference) => T;
  /** How long an interpretation is kept. */
  readonly maxAgeMs: (value: T) => number;
  /** The monotonic time. Default: performance.now. */
  readonly now?: () => number;
}

interface Entry<T> {
  readonly value: Promise<T>;
  readAtMs: number;
  maxAgeMs: number;
}

/** More than the Secrets of any cluster that one controller serves. Beyond it the oldest are read again when they are needed. */
const maxEntries = 10_000;

export class SecretCache<T> {
  readonly #options: SecretCacheOptions<T>;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(options: SecretCacheOptions<T>) {
    this.#options = options;
  }

  /**
   * The interpretation of a Secret. At most one GET of a Secret is in progress, shared by all callers.
   * @throws what `interpret` throws; the reason of `signal` once it has aborted, which ends only this wait
   */
  async read(reference: SecretReference, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    const key = keyOf(reference);
    const known = this.#entries.get(key);
    const entry = known !== undefined && this.#ageMs(known) < known.maxAgeMs ? known : this.#start(key, reference);
    return signal === undefined ? entry.value : untilAborted(entry.value, signal);
  }

  /** Call when there is reason to believe that a Secret has changed: what is older than `minAgeMs` is read again. */
  expire(reference: SecretReference, minAgeMs: number): void {
    const entry = this.#entries.get(keyOf(reference));
    if (entry !== undefined && this.#ageMs(entry) >= minAgeMs) entry.maxAgeMs = 0;
  }

  #start(key: string, reference: SecretReference): Entry<T> {
    // An entry is fresh as long as its GET is in progress.
    const entry: Entry<T> = { value: this.#get(reference), readAtMs: this.#now(), maxAgeMs: Number.POSITIVE_INFINITY };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maxEntries && oldest !== undefined) this.#entries.delete(oldest);
    entry.value.then(
      value => {
        entry.readAtMs = this.#now();
        entry.maxAgeMs = this.#options.maxAgeMs(value);
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return entry;
  }

  async #get(reference: SecretReference): Promise<T> {
    const { client, interpret } = this.#options;
    let answer: Parameters<typeof interpret>[0];
    try {
      answer = { secret: await client.get(secrets, reference) };
    } catch (error) {
      answer = { error };
    }
    return interpret(answer, reference);
  }

  #ageMs({ readAtMs }: Entry<T>): number {
    return this.#now() - readAtMs;
  }

  #now(): number {
    return (this.#options.now ?? (() => performance.now()))();
  }
}

const keyOf = ({ namespace, name }: SecretReference): string => `${namespace}/${name}`;

async function untilAborted<T>(value: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([value, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
