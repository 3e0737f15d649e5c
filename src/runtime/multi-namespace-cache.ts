// MultiNamespaceCache: one informer for each watched namespace, read as one. Upstream: controller-runtime pkg/cache multi_namespace_cache.go.
import { merge, type Observable } from 'rxjs';
import type { KubeObject } from '../kube/resource.ts';
import type { Change } from './object-store.ts';
import type { InformerOptions } from './informer-options.ts';
import { Informer } from './informer.ts';

/** Options of a MultiNamespaceCache: those of its informers, and the namespaces. */
export interface MultiNamespaceCacheOptions<T extends KubeObject> extends Omit<InformerOptions<T>, 'namespace' | 'transform'> {
  /** The namespaces to watch. Empty: all of the cluster, with one informer. */
  readonly namespaces: readonly string[];
  /** Required, so that every cache bounds what it holds of an object. See keepMetadata and InformerOptions. */
  readonly transform: (object: T) => T;
}

/** The objects of one resource in the watched namespaces. */
export class MultiNamespaceCache<T extends KubeObject> {
  /** The changes of all namespaces. See Informer.changes. */
  readonly changes: Observable<Change<T>>;
  readonly #byNamespace: ReadonlyMap<string, Informer<T>>;

  constructor({ namespaces, ...options }: MultiNamespaceCacheOptions<T>) {
    const watched = namespaces.length === 0 ? [''] : [...new Set(namespaces)];
    const informerOf = (namespace: string) => new Informer<T>(namespace === '' ? options : { ...options, namespace });
    this.#byNamespace = new Map(watched.map(namespace => [namespace, informerOf(namespace)]));
    this.changes = merge(...this.#informers().map(informer => informer.changes));
  }

  /** The object with the key "namespace/name". It belongs to the cache and must not be changed. */
  get(key: string): T | undefined {
    return this.informer(key.slice(0, key.indexOf('/')))?.get(key);
  }

  /** The objects of a namespace for which the index has the value. */
  byIndex(namespace: string, index: string, value: string): readonly T[] {
    const found = this.informer(namespace)?.byIndex(index, value) ?? [];
    // The informer of the whole cluster indexes all namespaces together.
    return this.#byNamespace.has('') ? found.filter(({ metadata }) => metadata?.namespace === namespace) : found;
  }

  /** All objects of all watched namespaces. */
  all(): readonly T[] {
    return this.#informers().flatMap(informer => informer.list());
  }

  /** The watched namespaces; [''] if all of the cluster are watched. */
  get namespaces(): readonly string[] {
    return [...this.#byNamespace.keys()];
  }

  /** The informer of a namespace; undefined if that is not watched. */
  informer(namespace: string): Informer<T> | undefined {
    return this.#byNamespace.get('') ?? this.#byNamespace.get(namespace);
  }

  /** Keeps the cache up to date until the signal aborts. See Informer.run. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#informers().map(informer => informer.run(signal)));
  }

  #informers(): Informer<T>[] {
    return [...this.#byNamespace.values()];
  }
}
