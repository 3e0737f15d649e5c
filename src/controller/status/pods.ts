// Pods as nodes of a network.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import {
  groupLabel,
  labelsOf,
  type NamedNetwork,
  type NodeName,
  parseNodeName,
  statefulSetName,
} from '../../bitcoin/api/names.ts';
import { hasOrdinal, type NodeSet, nodeSetsOf } from '../../bitcoin/resources/node-sets.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';

export const isTerminating = ({ metadata }: V1Pod): boolean => metadata?.deletionTimestamp !== undefined;

/** A pod that is over keeps its address in the status; another pod may have it. */
const isOver = ({ status }: V1Pod): boolean => status?.phase === 'Failed' || status?.phase === 'Succeeded';

export const isReady = (pod: V1Pod): boolean =>
  !isTerminating(pod) &&
  !isOver(pod) &&
  (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false);

/** Whether the pod has the name and the labels that a StatefulSet of the network gives. It may still be a foreign pod; see OwnPods. */
export function isNamedAsNode(network: NamedNetwork, { metadata }: V1Pod): boolean {
  const { name = '', labels = {} } = metadata ?? {};
  const hasLabels = Object.entries(labelsOf(network)).every(([label, value]) => labels[label] === value);
  const node = parseNodeName(network, name);
  return hasLabels && node !== undefined && labels[groupLabel] === node.group;
}

/**
 * The nodes of a network, by ordinal. While an ordinal passes from one set to another there are two nodes of it: the last one is that of the
 * set that should have it, so that a map by ordinal has that one.
 * @param pods of OwnPods
 * @param replicasOf how many nodes the StatefulSet of a name asks for. A pod whose ordinal neither that nor the network asks for is about
 *   to stop: not ready, and never asked
 */
export function observeNodes(
  network: BitcoinNetwork,
  pods: readonly V1Pod[],
  replicasOf: (name: string) => number = () => 0,
): Node[] {
  const readyBefore = new Set(network.status?.nodes?.filter(({ ready }) => ready).map(({ ip }) => ip));
  const sets = new Map(nodeSetsOf(network).map(set => [set.name, set]));
  const found = pods.flatMap(pod => {
    const name = pod.metadata?.name ?? '';
    const parsed = parseNodeName(network, name);
    if (parsed === undefined) return [];
    const ip = pod.status?.podIP ?? '';
    const setName = statefulSetName(network, parsed.group);
    const set = sets.get(setName);
    const isAskable = isReady(pod) && isWanted(parsed, set, replicasOf(setName));
    const node = { name, ...parsed, ip, isReady: isAskable, isTerminating: isTerminating(pod), isNew: !readyBefore.has(ip) };
    const isOfSpec = set !== undefined && hasOrdinal(set, node.ordinal);
    return [{ node, rank: (isOfSpec ? 2 : 0) + (node.isTerminating ? 0 : 1) }];
  });
  return found.sort((a, b) => a.node.ordinal - b.node.ordinal || a.rank - b.rank).map(({ node }) => node);
}

/** One node for each ordinal: that of the set that should have it. @param nodes as observeNodes returns them */
export const oneOfEachOrdinal = (nodes: readonly Node[]): Node[] => [
  ...new Map(nodes.map(node => [node.ordinal, node])).values(),
];

/** The nodes of a group that was removed are about to stop. */
const isWanted = ({ ordinal }: NodeName, set: NodeSet | undefined, replicas: number): boolean =>
  set !== undefined && hasOrdinal({ ...set, nodes: Math.max(set.nodes, replicas) }, ordinal);
