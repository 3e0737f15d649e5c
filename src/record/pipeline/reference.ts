// getReference: which object an event is about. Before it: event-recorder.ts.
//   Port of client-go v0.37.2 tools/reference/ref.go; kinds that Go finds by an object's type come from the object or from a lookup.
import type { ObjectReference } from '../core/core-event.ts';

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

/** What an event can be about: an object, or a reference to one (which has no `metadata`). */
export type Referable = KubernetesObject | ObjectReference;

/** Says the kind of an object that does not say it itself, as the items of a typed list; in the place of Go's scheme. */
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
 * @throws NilObjectError; an Error if `object` is not a Kubernetes object, or neither it nor `kindOf` says its kind
 *
 * @example
 * ```ts
 * import { getReference } from 'bitcoin-controller/record';
 *
 * const item = { metadata: { namespace: 'default', name: 'web-0' } }; // from a list, whose items do not say their kind
 * const { kind, name } = getReference(item, () => ({ apiVersion: 'v1', kind: 'Pod' }));
 * console.log(kind, name); // prints Pod web-0
 * ```
 */
export function getReference(object: Referable | null | undefined, kindOf?: KindLookup): ObjectReference {
  if (object === null || object === undefined) throw new NilObjectError();
  if (typeof object !== 'object') throw new Error('object does not implement the common interface for accessing the SelfLink');
  if (!isObject(object)) return object;
  const metadata = object.metadata as KubernetesObject['metadata'] | null;
  if (typeof metadata !== 'object' || metadata === null)
    throw new Error('object does not implement the common interface for accessing the SelfLink');
  const { apiVersion, kind } = typeOf(object, kindOf);
  return withoutEmpty({
    kind,
    namespace: metadata.namespace,
    name: metadata.name,
    uid: metadata.uid,
    apiVersion,
    resourceVersion: metadata.resourceVersion,
  });
}

/**
 * As `getReference`, to a part of the object. Differs from client-go: a reference that is passed in is copied, not changed.
 *
 * @example
 * ```ts
 * import { getPartialReference } from 'bitcoin-controller/record';
 *
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0' } };
 * console.log(getPartialReference(pod, 'spec.containers{nginx}').fieldPath); // prints spec.containers{nginx}
 * ```
 */
export function getPartialReference(
  object: Referable | null | undefined,
  fieldPath: string,
  kindOf?: KindLookup,
): ObjectReference {
  return { ...getReference(object, kindOf), fieldPath };
}

function isObject(object: Referable): object is KubernetesObject {
  return 'metadata' in object;
}

/** What the object says counts, even if it is only half. */
function typeOf(
  object: KubernetesObject,
  kindOf: KindLookup | undefined,
): { apiVersion: string | undefined; kind: string | undefined } {
  const { apiVersion = '', kind = '' } = object;
  if (apiVersion !== '' || kind !== '') return { apiVersion, kind };
  if (kindOf === undefined) throw new Error('scheme is required to look up gvk');
  const found = kindOf(object);
  if (found === undefined) throw new Error(`no kind is registered for the object ${object.metadata?.name ?? ''}`);
  return found;
}

function withoutEmpty(reference: ObjectReference): ObjectReference {
  const result: Record<string, string> = {};
  for (const [field, value] of Object.entries(reference) as [string, string | undefined][]) {
    if (value !== undefined && value !== '') result[field] = value;
  }
  return result;
}
