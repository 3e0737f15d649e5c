// When the pods of a set get their first volumes: a StatefulSet cannot change the volumes of pods that run, and never replaces such pods. Pure.
import type { V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import type { NodeSet } from '../../bitcoin/resources/node-sets.ts';
import { keepsData } from '../../bitcoin/resources/storage.ts';
import { controllerOf } from '../../kube/resource.ts';
import { isObserved } from '../rollout/observe-rollout.ts';

/**
 * The set that is applied now. As long as pods without a volume run, it has no nodes and no claims yet: storage is added while a network is
 * suspended, and may be seen only after it was resumed.
 * @param current the StatefulSet that there is
 * @param pods those of the network, also such that are being deleted
 */
export function withoutFirstClaims(set: NodeSet, current: V1StatefulSet | undefined, pods: readonly V1Pod[]): NodeSet {
  const { storage, ...settings } = set.settings;
  // The cache does not keep a spec that another writer made too large.
  if (storage === undefined || current?.spec === undefined || keepsData(current)) return set;
  return isStopped(current, pods) ? set : { ...set, nodes: 0, settings };
}

/** Whether the set runs no pod, and its controller has seen that it should not. */
export const isStopped = (current: V1StatefulSet | undefined, pods: readonly V1Pod[]): boolean =>
  current?.spec?.replicas === 0 && isObserved(current) && !pods.some(pod => controllerOf(pod)?.uid === current.metadata?.uid);
