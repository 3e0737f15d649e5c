// Parts of the `transform` of a cache: they bound what it holds of an object, whatever other writers put into that.
//   Without them a tenant fills the controller's memory with annotations, labels and owners of objects that cost nothing else.
import { definedOnly } from '../collections/defined-only.ts';
import type { KubeObject, OwnerReference } from '../kube/resource.ts';

/** Which labels and annotations stay in a cache. Default: none. */
export interface KeptMetadata {
  /** Keys of the labels that are kept. */
  readonly labels?: readonly string[];
  /** Keys of the annotations that are kept, each up to `maxAnnotationLength` characters. */
  readonly annotations?: readonly string[];
}

/** A longer value was not written by the controller; the annotation counts as absent. */
export const maxAnnotationLength = 16 * 1024;
/** Longer names are not valid in the API; they are cut, so that the object still has a foreign owner. */
const maxNameLength = 253;
const maxFinalizers = 5;

/** The fields of metadata that are kept as they are: the API server bounds each. */
const boundedFields = ['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp'];

/**
 * Reduces `metadata` to what identifies an object and its version, its controlling owner, the finalizers that hold it while it is deleted,
 * and the given labels and annotations.
 */
export function keepMetadata(
  metadata: KubeObject['metadata'] = {},
  { labels = [], annotations = [] }: KeptMetadata = {},
): NonNullable<KubeObject['metadata']> {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  const isShort = (value: string): boolean => value.length <= maxAnnotationLength;
  const kept = {
    ...picked(metadata, boundedFields),
    labels: metadata.labels && picked(metadata.labels, labels),
    annotations: metadata.annotations && picked(metadata.annotations, annotations, isShort),
    ownerReferences: owner && [shortened(owner)],
    finalizers: finalizersOf(metadata),
  };
  return definedOnly(kept);
}

/** The first few finalizers of an object that is being deleted: they show what its deletion waits for. */
function finalizersOf(metadata: object): readonly string[] | undefined {
  const { deletionTimestamp, finalizers } = metadata as { deletionTimestamp?: unknown; finalizers?: readonly string[] };
  if (deletionTimestamp === undefined || finalizers === undefined) return undefined;
  return finalizers.slice(0, maxFinalizers).map(name => name.slice(0, maxNameLength));
}

/** The value, or undefined if it has more than `mostBytes` bytes as JSON. */
export function withinBytes<T extends object>(value: T, mostBytes: number): T | undefined {
  return Buffer.byteLength(JSON.stringify(value)) <= mostBytes ? value : undefined;
}

/** The given fields of an object, as far as it has them. */
export function picked<V>(
  object: Readonly<Record<string, V>> | object,
  keys: readonly string[],
  isKept: (value: V) => boolean = () => true,
): Record<string, V> {
  const record = object as Readonly<Record<string, V>>;
  return Object.fromEntries(
    keys.flatMap(key => {
      const value = Object.hasOwn(record, key) ? record[key] : undefined;
      return value === undefined || !isKept(value) ? [] : [[key, value]];
    }),
  );
}

function shortened({ apiVersion, kind, name, uid, controller, blockOwnerDeletion }: OwnerReference): OwnerReference {
  const cut = (text: string): string => text.slice(0, maxNameLength);
  const bounded = { apiVersion: cut(apiVersion), kind: cut(kind), name: cut(name), uid: cut(uid) };
  return definedOnly({ ...bounded, controller, blockOwnerDeletion }) as OwnerReference;
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Removes, in place, managedFields (half of a pod) and the annotation in which kubectl stores the object again. Upstream: controller-runtime TransformStripManagedFields. */
export function stripManagedFields<T extends KubeObject>(object: T): T {
  const metadata = object.metadata as { managedFields?: unknown; annotations?: Record<string, string> } | undefined;
  if (metadata?.managedFields !== undefined) delete metadata.managedFields;
  if (metadata?.annotations?.[lastApplied] !== undefined) {
    metadata.annotations = Object.fromEntries(Object.entries(metadata.annotations).filter(([name]) => name !== lastApplied));
  }
  return object;
}
