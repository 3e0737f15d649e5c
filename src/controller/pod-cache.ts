// The cache of pods: the part of each pod that the controller reads, indexed by StatefulSet.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { networkOfStatefulSet, statefulSetName, statefulSetOfPod } from '../bitcoin/api/names.ts';
import { keyOf } from '../kube/resource.ts';
import type { InformerOptions } from '../runtime/informer.ts';
import type { MultiNamespaceCache } from '../runtime/multi-namespace-cache.ts';
import { isNamedAsNode } from './status/pods.ts';

/** The index of pods by the StatefulSet that they are named after, as "namespace/name". */
const podsOfSet = 'podsOfSet';

/** The part that the controller reads is a tenth of a pod, which counts with thousands of them. */
function podEssentials({ apiVersion, kind, metadata = {}, status }: V1Pod): V1Pod {
  const { name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp } = metadata;
  const conditions = status?.conditions
    ?.filter(({ type }) => type === 'Ready')
    .map(({ type, status: value }) => ({ type, status: value }));
  const kept: V1Pod = {
    metadata: definedOnly({ name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp }),
    status: definedOnly({ podIP: status?.podIP, phase: status?.phase, conditions }),
  };
  return { ...definedOnly({ apiVersion, kind }), ...kept };
}

export const podCacheOptions: Pick<InformerOptions<V1Pod>, 'transform' | 'indexers'> = {
  transform: podEssentials,
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

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const definedOnly = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
