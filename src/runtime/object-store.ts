// ObjectStore: the objects that an informer knows, and what changed when they are told anew. Before it: informer.ts.
//   Port of what client-go v0.37.2 tools/cache keeps in Store, Indexer and DeltaFIFO.
import { keyOf, type KubeObject } from '../kube/resource.ts';

/** What happened to one object. */
export interface Change<T> {
  readonly type: 'added' | 'updated' | 'deleted';
  /** The object as it is now; of a deleted one what was known last. */
  readonly object: T;
  /** Of an updated one, what it was before. */
  readonly old?: T;
  /** The object was there before the informer was started. */
  readonly isInInitialList?: boolean;
}

export type Indexers<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexers: Indexers<T>;
  /** Index name → value → key → object. */
  readonly #indexes = new Map<string, Map<string, Map<string, T>>>();

  /** Namespace → key → object. */
  readonly #namespaces = new Map<string, Map<string, T>>();

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

  /** Of one namespace, or of all. */
  values(namespace?: string): T[] {
    if (namespace === undefined) return [...this.#objects.values()];
    return [...(this.#namespaces.get(namespace)?.values() ?? [])];
  }

  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`there is no index ${name}`);
    return [...(index.get(value)?.values() ?? [])];
  }

  /** Takes the object in. Two changes if it is another one of the same name: the old one was deleted unseen. None if it is known already. */
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

  /** The object is gone. Its last state is the one given, or the known one. */
  delete(object: T): Change<T>[] {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old === undefined) return [];
    this.#unindex(key, old);
    this.#objects.delete(key);
    return [{ type: 'deleted', object: old.metadata?.uid === object.metadata?.uid ? object : old }];
  }

  /** These are all objects there are: what is missing among them was deleted unseen. */
  replace(objects: readonly T[]): Change<T>[] {
    const present = new Set(objects.map(keyOf));
    const missing = [...this.#objects].filter(([key]) => !present.has(key));
    return [...missing.flatMap(([, object]) => this.delete(object)), ...objects.flatMap(object => this.set(object))];
  }

  #put(key: string, object: T): void {
    const old = this.#objects.get(key);
    if (old !== undefined) this.#unindex(key, old);
    this.#objects.set(key, object);
    enter(this.#namespaces, object.metadata?.namespace ?? '', key, object);
    for (const [name, index] of this.#indexes) {
      for (const value of this.#indexers[name]?.(object) ?? []) enter(index, value, key, object);
    }
  }

  #unindex(key: string, object: T): void {
    leave(this.#namespaces, object.metadata?.namespace ?? '', key);
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
