// Pods as nodes of a network.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { labelsOf, type NamedNetwork, ordinalOfPod } from '../../bitcoin/api/names.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';

export const isTerminating = ({ metadata }: V1Pod): boolean => metadata?.deletionTimestamp !== undefined;

/** A pod that is over keeps its address in the status; another pod may have it. */
const isOver = ({ status }: V1Pod): boolean => status?.phase === 'Failed' || status?.phase === 'Succeeded';

export const isReady = (pod: V1Pod): boolean =>
  !isTerminating(pod) &&
  !isOver(pod) &&
  (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false);

/** Whether the pod has the name and the labels that the network's StatefulSet gives. It may still be a foreign pod; see OwnPods. */
export function isNamedAsNode(network: NamedNetwork, { metadata }: V1Pod): boolean {
  const { name = '', labels = {} } = metadata ?? {};
  const hasLabels = Object.entries(labelsOf(network)).every(([label, value]) => labels[label] === value);
  return hasLabels && ordinalOfPod(network, name) !== undefined;
}

/**
 * The nodes of a network, by ordinal.
 * @param pods of OwnPods
 * @param replicas of the StatefulSet. A pod whose ordinal neither that nor the network asks for is about to stop: not ready, and never asked
 */
export function observeNodes(network: BitcoinNetwork, pods: readonly V1Pod[], replicas = 0): Node[] {
  const readyBefore = new Set(network.status?.nodes?.filter(({ ready }) => ready).map(({ ip }) => ip));
  const wanted = Math.max(network.spec.nodes, replicas);
  const nodes = pods.flatMap(pod => {
    const name = pod.metadata?.name ?? '';
    const ordinal = ordinalOfPod(network, name);
    if (ordinal === undefined) return [];
    const ip = pod.status?.podIP ?? '';
    const isAskable = isReady(pod) && ordinal < wanted;
    return [{ name, ordinal, ip, isReady: isAskable, isTerminating: isTerminating(pod), isNew: !readyBefore.has(ip) }];
  });
  return nodes.sort((a, b) => a.ordinal - b.ordinal);
}
