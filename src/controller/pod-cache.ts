// The cache of pods: the part of each pod that the controller reads, indexed by network.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { networkKeyOf, networkLabel } from '../bitcoin/api/names.ts';
import { keyOf } from '../kube/resource.ts';
import { definedOnly } from '../collections/defined-only.ts';
import { isNotReady, podProblemOf, type Problem, timeOf } from './diagnosis/pod-problems.ts';
import { neverRan, type PodStart, podStartOf } from './diagnosis/pod-start.ts';
import { keepPod } from './kept-fields.ts';
import type { InformerOptions } from '../runtime/informer-options.ts';
import type { MultiNamespaceCache } from '../runtime/multi-namespace-cache.ts';
import { isNamedAsNode } from './status/pods.ts';

/** The index of pods by the network whose label they have, as "namespace/name". */
const podsOfNetwork = 'podsOfNetwork';

/** A pod as it is cached: with its problem, or how far its start has come, instead of the fields that these are read from. */
export interface ObservedPod extends V1Pod {
  problem?: Problem | undefined;
  /** Of a pod that is not ready and shows no problem. */
  start?: PodStart | undefined;
  /** No container of it has run yet, as with an image that cannot be pulled. */
  neverRan?: true | undefined;
  /** Since when it is ready, by the clock of its kubelet, in milliseconds since 1970. Undefined: it is not ready, or does not say so. */
  readySinceMs?: number | undefined;
}

function keepObserved(pod: ObservedPod): ObservedPod {
  const problem = podProblemOf(pod);
  const start = problem === undefined && isNotReady(pod) ? podStartOf(pod) : undefined;
  return { ...keepPod(pod), ...definedOnly({ problem, start, neverRan: neverRan(pod), readySinceMs: readySinceMs(pod) }) };
}

function readySinceMs({ status }: V1Pod): number | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const sinceMs = ready?.status === 'True' ? timeOf(ready.lastTransitionTime) : 0;
  return sinceMs === 0 ? undefined : sinceMs;
}

export const podCacheOptions: Pick<InformerOptions<ObservedPod>, 'indexers'> & {
  readonly transform: (pod: ObservedPod) => ObservedPod;
} = {
  transform: keepObserved,
  indexers: { [podsOfNetwork]: pod => (isNodeOfSome(pod) ? [networkKeyOf(pod) ?? ''] : []) },
};

function isNodeOfSome(pod: V1Pod): boolean {
  const name = pod.metadata?.labels?.[networkLabel];
  return name !== undefined && isNamedAsNode({ metadata: { name } }, pod);
}

/** The pods with the names and labels of a network's nodes. OwnPods says which of them are. */
export function podsOf(pods: Pick<MultiNamespaceCache<ObservedPod>, 'byIndex'>, network: BitcoinNetwork): readonly ObservedPod[] {
  return pods.byIndex(network.metadata.namespace, podsOfNetwork, keyOf(network));
}
