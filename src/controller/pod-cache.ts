// The cache of pods: the part of each pod that the controller reads, indexed by StatefulSet.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { networkOfStatefulSet, statefulSetName, statefulSetOfPod } from '../bitcoin/api/names.ts';
import { keyOf } from '../kube/resource.ts';
import { podProblemOf, type Problem } from './diagnosis/pod-problems.ts';
import { keepPod } from './kept-fields.ts';
import type { InformerOptions } from '../runtime/informer-options.ts';
import type { MultiNamespaceCache } from '../runtime/multi-namespace-cache.ts';
import { isNamedAsNode } from './status/pods.ts';

/** The index of pods by the StatefulSet that they are named after, as "namespace/name". */
const podsOfSet = 'podsOfSet';

/** A pod as it is cached: with its problem instead of the conditions and container states that the problem is read from. */
export interface ObservedPod extends V1Pod {
  problem?: Problem | undefined;
}

function keepObserved(pod: ObservedPod): ObservedPod {
  const problem = podProblemOf(pod);
  return problem === undefined ? keepPod(pod) : { ...keepPod(pod), problem };
}

export const podCacheOptions: Pick<InformerOptions<ObservedPod>, 'indexers'> & {
  readonly transform: (pod: ObservedPod) => ObservedPod;
} = {
  transform: keepObserved,
  indexers: { [podsOfSet]: pod => (isNodeOfSome(pod) ? [statefulSetOfPod(keyOf(pod))] : []) },
};

function isNodeOfSome(pod: V1Pod): boolean {
  const name = networkOfStatefulSet(statefulSetOfPod(pod.metadata?.name ?? ''));
  return name !== undefined && isNamedAsNode({ metadata: { name } }, pod);
}

/** The pods with the names and labels of a network's nodes. OwnPods says which of them are. */
export function podsOf(pods: Pick<MultiNamespaceCache<ObservedPod>, 'byIndex'>, network: BitcoinNetwork): readonly ObservedPod[] {
  const { namespace } = network.metadata;
  return pods.byIndex(namespace, podsOfSet, `${namespace}/${statefulSetName(network)}`);
}
