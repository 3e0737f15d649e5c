// The peers that a node should have by the plan of its network.
import type { Node } from './peer-plan.ts';
import type { TopologyPlan } from './topology-plan.ts';

export interface PeerTarget {
  /** Dialled by this node, and in its added-node list: bitcoind redials them. */
  readonly listed: readonly Node[];
  /** Dialled by this node, and not in its list: the controller redials them. */
  readonly held: readonly Node[];
  /** They dial this node. */
  readonly accepted: readonly Node[];
  /** Addresses outside of the network that the added-node list has as well, exactly as given. */
  readonly external: readonly string[];
}

/**
 * The target of each node, by ordinal. A planned edge of a node that there is not yet, or not any more, is in no target.
 * @param externalOf the external peers of a node. Default: none.
 */
export function peerTargets(
  plan: TopologyPlan,
  nodes: readonly Node[],
  externalOf: (ordinal: number) => readonly string[] = () => [],
): Map<number, PeerTarget> {
  const byOrdinal = new Map(nodes.filter(({ isTerminating }) => !isTerminating).map(node => [node.ordinal, node]));
  const targets = new Map(
    [...byOrdinal.keys()].map(ordinal => {
      const peers: Record<'listed' | 'held' | 'accepted', Node[]> = { listed: [], held: [], accepted: [] };
      return [ordinal, { ...peers, external: externalOf(ordinal) }];
    }),
  );
  for (const { from, to, isListed } of plan.edges) {
    const [dialler, dialled] = [byOrdinal.get(from), byOrdinal.get(to)];
    if (dialler === undefined || dialled === undefined) continue;
    targets.get(from)?.[isListed ? 'listed' : 'held'].push(dialled);
    targets.get(to)?.accepted.push(dialler);
  }
  return targets;
}
