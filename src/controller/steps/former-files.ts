// What pods that have yet to be replaced start from: while there are any, the ConfigMap of a network stays, with the files that the spec needs
//   no more. Without them a pod that dies before its turn in a rollout would not start again. Pure.
import type { V1ConfigMap, V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import { revisionLabel } from '../../bitcoin/api/names.ts';
import { configurationFiles } from '../../bitcoin/resources/config-map.ts';
import { controllerOf, type KubeObject } from '../../kube/resource.ts';
import type { Applied } from '../../runtime/apply.ts';
import { isObserved } from '../rollout/observe-rollout.ts';

/** The ConfigMap with the files that the former one has besides. */
export function withFormerFiles(desired: V1ConfigMap, current: V1ConfigMap | undefined): V1ConfigMap {
  const files = { ...current?.data, ...desired.data };
  // In the order of the desired ones: the digest of what is applied depends on it.
  const entries = configurationFiles.flatMap(key => (files[key] === undefined ? [] : [[key, files[key]] as const]));
  return { ...desired, data: Object.fromEntries(entries) };
}

/**
 * Whether every pod of a StatefulSet is of its newest revision, and those that it creates will be.
 * @param pods those of the network: after a change was taken back half-way, the set itself does not show that some are of another revision
 */
export function isRolledOut(applied: Applied<KubeObject> | undefined, isThere: boolean, pods: readonly V1Pod[]): boolean {
  if (applied === undefined) return !isThere;
  if (!('object' in applied)) return false;
  const set = applied.object as V1StatefulSet;
  const { currentRevision, updateRevision } = set.status ?? {};
  const isNewest = ({ metadata }: V1Pod): boolean => metadata?.labels?.[revisionLabel] === updateRevision;
  const own = pods.filter(pod => controllerOf(pod)?.uid === set.metadata?.uid);
  return isObserved(set) && currentRevision === updateRevision && own.every(isNewest);
}
