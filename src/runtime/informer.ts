// Informer: a local copy of all objects of a resource, kept up to date by list and watch. Port of client-go v0.37.2
//   tools/cache/shared_informer.go; the reflector does the listing and watching.
import { Subject, type Observable } from 'rxjs';
import type { KubeObject } from '../kube/resource.ts';
import type { InformerOptions } from './informer-options.ts';
import { ObjectStore, type Change } from './object-store.ts';
import { Reflector, take } from './reflector.ts';

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
}

/**
 * Lists a resource and then watches it. It relists when the watch has expired or etcd was restored to an older state; otherwise it
 * continues where it was. Reads are served from memory and may lag behind the API server.
 */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #name: string;
  readonly #store: ObjectStore<T>;
  readonly #reflector: Reflector<T>;
  readonly #changes = new Subject<Change<T>>();
  readonly #waiters = new Set<Waiter>();
  #hasSynced = false;
  #failure: Error | undefined;

  constructor(options: InformerOptions<T>) {
    const { type, indexers, metrics } = options;
    this.#options = options;
    this.#name = type.group === '' ? type.plural : `${type.plural}.${type.group}`;
    this.#store = new ObjectStore(indexers);
    this.#reflector = new Reflector(this.#name, options, {
      replace: objects => this.#replace(objects),
      change: event => this.#emit(take(this.#store, event)),
      succeeded: () => (this.#failure = undefined),
      failed: error => this.#fail(error),
    });
    metrics?.watch(this.#name, () => ({
      hasSynced: this.#hasSynced,
      objects: this.#store.size,
      lastEventAgeSeconds: this.#reflector.lastEventAgeSeconds,
    }));
  }

  /** Emits every change once the copy contains it. A subscriber that throws affects neither the informer nor other subscribers; RxJS reports its error. */
  get changes(): Observable<Change<T>> {
    return this.#changes;
  }

  /** The resource and, if there is one, the namespace, such as "pods in default". */
  get subject(): string {
    const { namespace } = this.#options;
    return namespace === undefined ? this.#name : `${this.#name} in ${namespace}`;
  }

  /** Whether the copy was complete at least once. Upstream: SharedInformer.HasSynced. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** The error of the last list or watch, if it failed and none has succeeded since. The informer retries. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The object with the key "namespace/name" or "name". It belongs to the informer and must not be changed. */
  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  /** All objects. They belong to the informer and must not be changed. */
  list(): readonly T[] {
    return this.#store.values();
  }

  /** The objects for which the index function returned the value. @throws RangeError for an unknown index */
  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  /** Resolves once `hasSynced`. Upstream: cache.WaitForCacheSync. @throws the signal's reason once it aborts */
  whenSynced(signal?: AbortSignal): Promise<void> {
    return this.#when(() => this.#hasSynced, signal);
  }

  /** Resolves once it has synced or failed for the first time. @throws the signal's reason once it aborts */
  whenSettled(signal?: AbortSignal): Promise<void> {
    return this.#when(() => this.#hasSynced || this.#failure !== undefined, signal);
  }

  /** Keeps the copy up to date until the signal aborts, then resolves with nothing left running. Failures are logged and retried with backoff; it never rejects. */
  run(signal: AbortSignal): Promise<void> {
    return this.#reflector.run(signal);
  }

  #when(isMet: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        isMet,
        resolve: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isMet()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #replace(objects: readonly T[]): void {
    this.#emit(this.#store.replace(objects));
    this.#hasSynced = true;
    this.#wake();
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#wake();
  }

  #emit(changes: readonly Change<T>[]): void {
    for (const change of changes) this.#changes.next(change);
  }
}
