// getReference: the reference to the object that an event is about.
//   Port of client-go v0.37.2 tools/reference/ref.go. A lookup function stands for Go's scheme.

/** Refers to an object, or to a part of it. */
export interface ObjectReference {
  readonly kind?: string | undefined;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly uid?: string | undefined;
  readonly apiVersion?: string | undefined;
  readonly resourceVersion?: string | undefined;
  /** A part of the object, such as `spec.containers{web}`. */
  readonly fieldPath?: string | undefined;
}

/** A Kubernetes object as plain JSON, or as client-node has it. */
export interface KubernetesObject {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: {
    readonly name?: string | undefined;
    readonly namespace?: string | undefined;
    readonly uid?: string | undefined;
    readonly resourceVersion?: string | undefined;
  };
}

/** A reference that is enough for an event. */
export interface NamedReference extends ObjectReference {
  readonly kind: string;
  readonly name: string;
}

/** What an event can be about: an object with metadata, or a reference with kind and name. */
export type Referable = KubernetesObject | NamedReference;

/** A `Referable` with kind or metadata. Refuses `{}` and what is no Kubernetes object, such as a container: they would be events about nothing. */
export type NotEmpty<T> = T & ([keyof NonNullable<T> & ('kind' | 'metadata')] extends [never] ? never : unknown);

/** Looks up the kind of an object that has none, such as an item of a list. Stands for Go's scheme. */
export type KindLookup = (object: KubernetesObject) => { readonly apiVersion: string; readonly kind: string } | undefined;

/** There is no object to refer to. */
export class NilObjectError extends Error {
  override readonly name = 'NilObjectError';

  constructor() {
    super("can't reference a nil object");
  }
}

/**
 * The reference to `object`; a reference is returned as it is. Port of `ref.GetReference`.
 * @throws NilObjectError; an Error if `object` is not a Kubernetes object, or if neither it nor `kindOf` has its kind
 *
 * @example
 * ```ts
 * import { getPartialReference, getReference } from 'bitcoin-controller/record';
 *
 * const item = { metadata: { namespace: 'default', name: 'web-0' } }; // an item of a list has no kind
 * const pod = getReference(item, () => ({ apiVersion: 'v1', kind: 'Pod' }));
 * console.log(pod.kind, pod.name); // prints Pod web-0
 * console.log(getPartialReference(pod, 'spec.containers{nginx}').fieldPath); // prints spec.containers{nginx}
 * ```
 */
export function getReference(object: Referable | null | undefined, kindOf?: KindLookup): ObjectReference {
  if (object === null || object === undefined) throw new NilObjectError();
  if (typeof object !== 'object') throw new Error('not a Kubernetes object');
  if (!('metadata' in object)) return object;
  const metadata = object.metadata as KubernetesObject['metadata'] | null;
  if (typeof metadata !== 'object' || metadata === null) throw new Error('not a Kubernetes object: it has no metadata');
  const { name, namespace, uid, resourceVersion } = metadata;
  return withoutEmpty({ ...typeOf(object, kindOf), namespace, name, uid, resourceVersion });
}

/** As `getReference`, for a part of the object. Differs from client-go: a reference that is passed in is copied, not changed. */
export function getPartialReference(
  object: Referable | null | undefined,
  fieldPath: string,
  kindOf?: KindLookup,
): ObjectReference {
  return { ...getReference(object, kindOf), fieldPath };
}

/** The object's own type counts, even if only half of it is there. */
function typeOf(object: KubernetesObject, kindOf: KindLookup | undefined): Pick<ObjectReference, 'apiVersion' | 'kind'> {
  const { apiVersion = '', kind = '' } = object;
  if (apiVersion !== '' || kind !== '') return { kind, apiVersion };
  const found = kindOf?.(object);
  if (found !== undefined) return { kind: found.kind, apiVersion: found.apiVersion };
  const { name = '' } = object.metadata ?? {};
  throw new Error(
    `object${name === '' ? '' : ` ${name}`} has no kind${kindOf === undefined ? '; set `kindOf`' : ', and `kindOf` does not know it'}`,
  );
}

function withoutEmpty(reference: ObjectReference): ObjectReference {
  return Object.fromEntries(Object.entries(reference).filter(([, value]) => value !== undefined && value !== ''));
}
