// PerObject: what a controller remembers of each object, and of no other object that is created later under the same name.
import { keyOf, type KubeObject } from '../kube/resource.ts';

/** A value for each object. An object that is deleted and created again under its name gets a new one. */
export class PerObject<T, O extends KubeObject = KubeObject> {
  readonly #create: (object: O) => T;
  readonly #rows = new Map<string, { readonly uid: string | undefined; readonly value: T }>();

  /** @param create makes the value of an object that is not known yet */
  constructor(create: (object: O) => T) {
    this.#create = create;
  }

  /** The value of the object with this name and uid, made at the first call. */
  of(object: O): T {
    const key = keyOf(object);
    const uid = object.metadata?.uid;
    const known = this.#rows.get(key);
    if (known !== undefined && known.uid === uid) return known.value;
    const value = this.#create(object);
    this.#rows.set(key, { uid, value });
    return value;
  }

  /** The value by "namespace/name"; undefined if there is none. */
  at(key: string): T | undefined {
    return this.#rows.get(key)?.value;
  }

  /** Call with the key of an object that has been deleted. */
  forget(key: string): void {
    this.#rows.delete(key);
  }
}
