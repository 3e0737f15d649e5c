// ObjectStore: the objects of an informer with their indexes. Port of Store, Indexer and DeltaFIFO of client-go v0.37.2 tools/cache.
import { keyOf, type KubeObject } from '../kube/resource.ts';

/** A change of one object. */
export interface Change<T> {
  readonly type: 'added' | 'updated' | 'deleted';
  /** The object after the change; of a deleted object the last known state. */
  readonly object: T;
  /** The object before an update. */
  readonly old?: T;
}

/** Index functions by name: each returns the values under which an object is found. Upstream: cache.Indexers. */
export type Indexers<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: Indexers<T>;
  /** Index name → value → key → object. */
  readonly #indexes = new Map<string, Map<string, Map<string, T>>>();

  constructor(indexers: Indexers<T> = {}) {
    this.#indexers = indexers;
    for (const name of Object.keys(indexers)) this.#indexes.set(name, new Map());
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): T[] {
    return [...this.#objects.values()];
  }

  /** The objects for which the index function returned the value. @throws RangeError for an unknown index */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`there is no index ${name}`);
    return [...(index.get(value)?.values() ?? [])];
  }

  /** Stores the object. Two changes if it has the name but not the uid of a stored one, whose deletion was missed. None if this version is stored already. */
  set(object: T): Change<T>[] {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old !== undefined && isSame(old, object)) return [];
    this.#put(key, object);
    if (old === undefined) return [{ type: 'added', object }];
    if (old.metadata?.uid === object.metadata?.uid) return [{ type: 'updated', object, old }];
    return [
      { type: 'deleted', object: old },
      { type: 'added', object },
    ];
  }

  /** Removes the object. The change carries the given state, or the stored one if that has another uid. */
  delete(object: T): Change<T>[] {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old === undefined) return [];
    this.#unindex(key, old);
    this.#objects.delete(key);
    return [{ type: 'deleted', object: old.metadata?.uid === object.metadata?.uid ? object : old }];
  }

  /** Replaces the whole content. Deletions, of the stored objects that are not among the new ones, come first. */
  replace(objects: readonly T[]): Change<T>[] {
    const present = new Set(objects.map(keyOf));
    const missing = [...this.#objects].filter(([key]) => !present.has(key));
    return [...missing.flatMap(([, object]) => this.delete(object)), ...objects.flatMap(object => this.set(object))];
  }

  #put(key: string, object: T): void {
    const old = this.#objects.get(key);
    if (old !== undefined) this.#unindex(key, old);
    this.#objects.set(key, object);
    for (const [name, index] of this.#indexes) {
      for (const value of this.#indexers[name]?.(object) ?? []) enter(index, value, key, object);
    }
  }

  #unindex(key: string, object: T): void {
    for (const [name, index] of this.#indexes) {
      for (const value of this.#indexers[name]?.(object) ?? []) leave(index, value, key);
    }
  }
}

function enter<T>(index: Map<string, Map<string, T>>, value: string, key: string, object: T): void {
  const entry = index.get(value);
  if (entry === undefined) index.set(value, new Map([[key, object]]));
  else entry.set(key, object);
}

function leave<T>(index: Map<string, Map<string, T>>, value: string, key: string): void {
  const entry = index.get(value);
  entry?.delete(key);
  if (entry?.size === 0) index.delete(value);
}

function isSame(one: KubeObject, other: KubeObject): boolean {
  const version = one.metadata?.resourceVersion;
  return version !== undefined && version === other.metadata?.resourceVersion && one.metadata?.uid === other.metadata.uid;
}
