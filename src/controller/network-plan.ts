// NetworkPlan: what a spec asks for, worked out once for each generation: the sets of nodes, and which nodes are connected. Pure.
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { type NodeSet, nodeSetsOf } from '../bitcoin/resources/node-sets.ts';
import { maxListed } from '../bitcoin/topology/dialling.ts';
import { planTopology } from '../bitcoin/topology/plan-topology.ts';
import { largestInbound, type SpecProblem, type TopologyPlan } from '../bitcoin/topology/topology-plan.ts';
import { describeTopology, externalPeerProblems } from '../bitcoin/topology/topology-text.ts';

export interface NetworkPlan {
  readonly sets: readonly NodeSet[];
  /** Undefined without `spec.topology`: every node then lists every other. */
  readonly topology: TopologyPlan | undefined;
  /** The topology in words, such as `Random (degree 3, seed 7)`. */
  readonly description: string | undefined;
  /** The most connections that other nodes of the network open to one node. */
  readonly largestInbound: number;
  /** Parts of the spec that are left out. */
  readonly problems: readonly SpecProblem[];
  /** The addresses of external peers, by ordinal. */
  readonly externalPeers: ReadonlyMap<number, readonly string[]>;
}

export function planNetwork(network: BitcoinNetwork): NetworkPlan {
  const { topology: spec, externalPeers = [] } = network.spec;
  const sets = nodeSetsOf(network);
  const members = sets.flatMap(({ group, start, nodes }) =>
    Array.from({ length: nodes }, (_, index) => ({ ordinal: start + index, ...(group === undefined ? {} : { group }) })),
  );
  const external = new Map<number, string[]>();
  for (const { address, ordinals = [0] } of externalPeers)
    for (const ordinal of ordinals) external.set(ordinal, [...(external.get(ordinal) ?? []), address]);
  // Each external peer takes one of the places of bitcoind's added nodes.
  const slotsOf = (ordinal: number) => Math.max(0, maxListed - (external.get(ordinal)?.length ?? 0));
  const topology = spec && planTopology(spec, members, slotsOf);
  const ordinals = members.map(({ ordinal }) => ordinal);
  return {
    sets,
    topology,
    description: spec && describeTopology(spec),
    largestInbound: topology === undefined ? Math.max(0, members.length - 1) : largestInbound(topology),
    problems: [...(topology?.problems ?? []), ...externalPeerProblems(externalPeers, ordinals)],
    externalPeers: external,
  };
}
