// The types of a plan: which nodes of a network are connected, and which end of each connection dials.

/** A node that the network should have. */
export interface Member {
  readonly ordinal: number;
  /** Absent: the node is in no group. */
  readonly group?: string | undefined;
}

/** A connection of two nodes, by ordinal. `from` dials. */
export interface Dial {
  readonly from: number;
  readonly to: number;
}

/** The nodes of an edge, whoever dials, as "3-7" with the lower ordinal first. */
export const pairOf = ({ from, to }: Dial): string => `${Math.min(from, to)}-${Math.max(from, to)}`;

export interface PlannedEdge extends Dial {
  /** In the added-node list of `from`, so that bitcoind redials it. Else the controller redials it. */
  readonly isListed: boolean;
}

/** A part of the spec that was left out of the plan, or with which nodes do not start. */
export interface SpecProblem {
  readonly reason:
    'OrdinalUnknown' | 'EdgeDoubled' | 'GroupUnknown' | 'PartsOverlap' | 'PeerDoubled' | 'TooManyPeers' | 'OptionsExclusive';
  /** Names the field and its value. */
  readonly message: string;
}

export interface TopologyPlan {
  /** Ordered by `from`, then by `to`. At most one for each pair of nodes. */
  readonly edges: readonly PlannedEdge[];
  readonly problems: readonly SpecProblem[];
}

/** The largest number of planned connections that one node accepts. */
export function largestInbound({ edges }: TopologyPlan): number {
  const inbound = new Map<number, number>();
  for (const { to } of edges) inbound.set(to, (inbound.get(to) ?? 0) + 1);
  return Math.max(0, ...inbound.values());
}
