// NetworkPlan: what a spec asks for, worked out once for each generation: the sets of nodes, and which nodes are connected. Pure.
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import type { PartitionSpec } from '../bitcoin/api/partition.ts';
import { isSuspended, type NodeSet, nodeSetsOf, resumedSetsOf } from '../bitcoin/resources/node-sets.ts';
import { planProducers, type Producer } from '../bitcoin/chain/block-schedule.ts';
import { chainParametersOf } from '../bitcoin/resources/chain-parameters.ts';
import { optionConflicts } from '../bitcoin/resources/option-conflicts.ts';
import { walletProblems } from '../bitcoin/chain/funding.ts';
import { maxListed } from '../bitcoin/topology/dialling.ts';
import { apart, externalPeersWithin, type PartitionPlan, planPartition, withinParts } from '../bitcoin/topology/partition.ts';
import { planExternalPeers } from '../bitcoin/topology/external-peers.ts';
import { planTopology } from '../bitcoin/topology/plan-topology.ts';
import { largestInbound, type Member, type SpecProblem, type TopologyPlan } from '../bitcoin/topology/topology-plan.ts';
import { describeTopology } from '../bitcoin/topology/topology-text.ts';
import type { PeerPlan } from './nodes/node-target.ts';

export interface NetworkPlan {
  readonly sets: readonly NodeSet[];
  /** Undefined without `spec.topology`: every node then lists every other. */
  readonly topology: TopologyPlan | undefined;
  /** The topology in words, such as `Random (degree 3, seed 7)`. */
  readonly description: string | undefined;
  /** The most connections that other nodes of the network open to one node. */
  readonly largestInbound: number;
  /** Parts of the spec that are left out, or with which nodes do not start. */
  readonly problems: readonly SpecProblem[];
  /** The addresses of external peers, by ordinal. */
  readonly externalPeers: ReadonlyMap<number, readonly string[]>;
  /** Undefined if the spec does not cut the network. */
  readonly partition: PartitionPlan | undefined;
  /** The connections as long as the network is cut. */
  readonly cut: PeerPlan | undefined;
  /** No connections at all, as long as the nodes wait for blocks of another network. Undefined if the spec copies none. */
  readonly held: PeerPlan | undefined;
  /** The nodes that there should be. */
  readonly ordinals: ReadonlySet<number>;
  /** Those of them with a volume of their own. */
  readonly stored: ReadonlySet<number>;
  /** The nodes that make blocks. */
  readonly producers: readonly Producer[];
}

export function planNetwork(network: BitcoinNetwork): NetworkPlan {
  const plan = planResumed(network);
  return isSuspended(network) ? { ...withoutEdges(plan), sets: nodeSetsOf(network) } : plan;
}

/** What is reported about the spec, and what the pod template depends on, stays as it is while the network is suspended. */
function withoutEdges(plan: NetworkPlan): NetworkPlan {
  const { topology, cut } = plan;
  return {
    ...plan,
    topology: topology && { ...topology, edges: [] },
    cut: cut && { ...cut, topology: cut.topology && { ...cut.topology, edges: [] } },
  };
}

function planResumed(network: BitcoinNetwork): NetworkPlan {
  const { topology: spec, externalPeers = [] } = network.spec;
  const sets = resumedSetsOf(network);
  const members = membersOf({ sets });
  const ordinals = members.map(({ ordinal }) => ordinal);
  const external = planExternalPeers(externalPeers, ordinals, chainParametersOf(network.spec).p2pPort);
  // Each external peer takes one of the places of bitcoind's added nodes.
  const slotsOf = (ordinal: number) => maxListed - (external.byOrdinal.get(ordinal)?.length ?? 0);
  const topology = spec && planTopology(spec, members, slotsOf);
  const partition = network.spec.partition && planPartition(network.spec.partition, members);
  const production = network.spec.blockProduction && planProducers(network.spec.blockProduction, ordinals);
  return {
    sets,
    topology,
    description: spec && describeTopology(spec),
    largestInbound: topology === undefined ? Math.max(0, members.length - 1) : largestInbound(topology),
    problems: [
      ...(topology?.problems ?? []),
      ...external.problems,
      ...(partition?.problems ?? []),
      ...(production?.problems ?? []),
      ...walletProblems(network.spec.wallets, ordinals),
      ...optionConflicts(sets, network.spec.bitcoinConf),
    ],
    externalPeers: external.byOrdinal,
    ordinals: new Set(ordinals),
    stored: new Set(
      membersOf({ sets: sets.filter(({ settings }) => settings.storage !== undefined) }).map(({ ordinal }) => ordinal),
    ),
    held: network.spec.bootstrap && unconnected(topology, ordinals),
    producers: production?.producers ?? [],
    partition,
    cut: partition && cutInto(partition, topology, external.byOrdinal),
  };
}

const unconnected = (topology: TopologyPlan | undefined, ordinals: readonly number[]): PeerPlan => ({
  topology: topology && { ...topology, edges: [] },
  externalPeers: new Map(),
  cutInto: apart(ordinals),
});

const cutInto = (
  partition: PartitionPlan,
  topology: TopologyPlan | undefined,
  externalPeers: NetworkPlan['externalPeers'],
): PeerPlan => ({
  topology: topology && withinParts(topology, partition),
  externalPeers: externalPeersWithin(externalPeers, partition),
  cutInto: partition,
});

/** The nodes that the plan has. */
export const membersOf = ({ sets }: Pick<NetworkPlan, 'sets'>): Member[] =>
  sets.flatMap(({ group, start, nodes }) =>
    Array.from({ length: nodes }, (_, index) => ({ ordinal: start + index, ...(group === undefined ? {} : { group }) })),
  );

/** The plan, cut into other parts than the spec's. Problems of the parts are not among those of the spec. */
export function withParts(plan: NetworkPlan, parts: PartitionSpec['parts']): NetworkPlan {
  const partition = planPartition({ parts }, membersOf(plan));
  return { ...plan, partition, cut: partition && cutInto(partition, plan.topology, plan.externalPeers) };
}

/** The connections that there should be now. @param isHeld whether the nodes wait for blocks of another network */
export function peersOf(plan: NetworkPlan, partition: { readonly isCut: boolean } | undefined, isHeld = false): PeerPlan {
  if (isHeld && plan.held !== undefined) return plan.held;
  return partition?.isCut === true && plan.cut !== undefined ? plan.cut : plan;
}
