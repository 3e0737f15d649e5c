// The cache of pods: the part of each pod that the controller reads, indexed by StatefulSet.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { networkOfStatefulSet, statefulSetName, statefulSetOfPod } from '../bitcoin/api/names.ts';
import { keyOf } from '../kube/resource.ts';
import { podProblemOf, type Problem } from './diagnosis/pod-problems.ts';
import type { InformerOptions } from '../runtime/informer.ts';
import type { MultiNamespaceCache } from '../runtime/multi-namespace-cache.ts';
import { isNamedAsNode } from './status/pods.ts';

/** The index of pods by the StatefulSet that they are named after, as "namespace/name". */
const podsOfSet = 'podsOfSet';

/** A pod as it is cached: with its problem instead of the conditions and container states that the problem is read from. */
export interface ObservedPod extends V1Pod {
  problem?: Problem | undefined;
}

/** The part that the controller reads is a tenth of a pod, which counts with thousands of them. */
function podEssentials(pod: ObservedPod): ObservedPod {
  const { apiVersion, kind, metadata = {}, status } = pod;
  const { name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp } = metadata;
  const conditions = status?.conditions
    ?.filter(({ type }) => type === 'Ready')
    .map(({ type, status: value }) => ({ type, status: value }));
  const kept: ObservedPod = {
    metadata: definedOnly({ name, namespace, uid, resourceVersion, labels, ownerReferences, deletionTimestamp }),
    status: definedOnly({ podIP: status?.podIP, phase: status?.phase, conditions }),
  };
  return { ...definedOnly({ apiVersion, kind, problem: podProblemOf(pod) }), ...kept };
}

export const podCacheOptions: Pick<InformerOptions<ObservedPod>, 'transform' | 'indexers'> = {
  transform: podEssentials,
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

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const definedOnly = <T extends object>(fields: T): Defined<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
