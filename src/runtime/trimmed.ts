// trimmed: an object without what no controller reads. Half of a pod's memory are its managed fields.
import type { KubeObject } from '../kube/resource.ts';

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Drops, in place, `metadata.managedFields` and the annotation in which kubectl keeps the whole object a second time. */
export function trimmed<T extends KubeObject>(object: T): T {
  const metadata = object.metadata as { managedFields?: unknown; annotations?: Record<string, string> } | undefined;
  if (metadata?.managedFields !== undefined) delete metadata.managedFields;
  if (metadata?.annotations !== undefined) {
    metadata.annotations = Object.fromEntries(Object.entries(metadata.annotations).filter(([name]) => name !== lastApplied));
  }
  return object;
}
