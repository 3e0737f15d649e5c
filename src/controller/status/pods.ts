// Pods as nodes of a network.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { ordinalOfPod } from '../../bitcoin/api/names.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';

export const isTerminating = ({ metadata }: V1Pod): boolean => metadata?.deletionTimestamp !== undefined;

export const isReady = (pod: V1Pod): boolean =>
  !isTerminating(pod) && (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false);

/** The nodes of a network, by ordinal: the pods with the names that its StatefulSet gives. */
export function observeNodes(network: BitcoinNetwork, pods: readonly V1Pod[]): Node[] {
  const readyBefore = new Set(network.status?.nodes?.filter(({ ready }) => ready).map(({ ip }) => ip));
  const nodes = pods.flatMap(pod => {
    const name = pod.metadata?.name ?? '';
    const ordinal = ordinalOfPod(network, name);
    if (ordinal === undefined) return [];
    const ip = pod.status?.podIP ?? '';
    return [{ name, ordinal, ip, isReady: isReady(pod), isTerminating: isTerminating(pod), isNew: !readyBefore.has(ip) }];
  });
  return nodes.sort((a, b) => a.ordinal - b.ordinal);
}
