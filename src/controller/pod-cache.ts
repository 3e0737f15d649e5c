// The cache of pods: the part of each pod that the controller reads, indexed by StatefulSet.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { networkOfStatefulSet, statefulSetName, statefulSetOfPod } from '../bitcoin/api/names.ts';
import { keyOf } from '../kube/resource.ts';
import { keepPod } from './kept-fields.ts';
import type { MultiNamespaceCache, MultiNamespaceCacheOptions } from '../runtime/multi-namespace-cache.ts';
import { isNamedAsNode } from './status/pods.ts';

/** The index of pods by the StatefulSet that they are named after, as "namespace/name". */
const podsOfSet = 'podsOfSet';

export const podCacheOptions: Pick<MultiNamespaceCacheOptions<V1Pod>, 'transform' | 'indexers'> = {
  transform: keepPod,
  indexers: { [podsOfSet]: pod => (isNodeOfSome(pod) ? [statefulSetOfPod(keyOf(pod))] : []) },
};

function isNodeOfSome(pod: V1Pod): boolean {
  const name = networkOfStatefulSet(statefulSetOfPod(pod.metadata?.name ?? ''));
  return name !== undefined && isNamedAsNode({ metadata: { name } }, pod);
}

/** The pods with the names and labels of a network's nodes. OwnPods says which of them are. */
export function podsOf(pods: Pick<MultiNamespaceCache<V1Pod>, 'byIndex'>, network: BitcoinNetwork): readonly V1Pod[] {
  const { namespace } = network.metadata;
  return pods.byIndex(namespace, podsOfSet, `${namespace}/${statefulSetName(network)}`);
}
