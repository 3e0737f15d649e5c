// Predicates and mappers of watches: which changes matter to a controller, and which key they belong to.
//   Upstream: controller-runtime pkg/predicate (GenerationChangedPredicate and its like) and handler.EnqueueRequestForOwner.
import { controllerOf, keyOf, type KubeObject, type ResourceType } from '../kube/resource.ts';

/** The metadata that a user or another controller changes on purpose; present on every object that the API server sends. */
interface SpecMetadata {
  readonly uid?: string;
  readonly generation?: number;
  readonly labels?: unknown;
  readonly annotations?: unknown;
  readonly ownerReferences?: unknown;
  readonly deletionTimestamp?: unknown;
}

/**
 * Whether anything but the status changed: the spec, labels, annotations, owners, or that the object is being deleted. Objects without a
 * `metadata.generation` count as changed each time: they do not show whether their spec did.
 */
export function specChanged({ metadata }: KubeObject, old: KubeObject | undefined): boolean {
  const fieldsOf = (fields: SpecMetadata = {}) =>
    JSON.stringify([
      fields.uid,
      fields.generation,
      fields.labels,
      fields.annotations,
      fields.ownerReferences,
      fields.deletionTimestamp,
    ]);
  const now: SpecMetadata | undefined = metadata;
  return old === undefined || now?.generation === undefined || fieldsOf(now) !== fieldsOf(old.metadata);
}

/** Which owners are meant: those of this group and kind, in the namespace of the object or in none. */
export type OwnerType = Pick<ResourceType, 'group' | 'kind' | 'namespaced'>;

/** The key (as of `keyOf`) of the owner that controls the object, if the owner is of that resource, in whichever version. */
export function ownerKey(object: KubeObject, { group, kind, namespaced }: OwnerType): string | undefined {
  const owner = controllerOf(object);
  if (owner?.kind !== kind || groupOf(owner.apiVersion) !== group) return undefined;
  return keyOf({ metadata: { name: owner.name, namespace: namespaced ? (object.metadata?.namespace ?? '') : '' } });
}

/** As in "apps/v1", or "v1" in the core group. */
const groupOf = (apiVersion: string): string => apiVersion.slice(0, Math.max(0, apiVersion.indexOf('/')));
