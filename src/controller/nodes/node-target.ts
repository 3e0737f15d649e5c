// What a node is asked about: the peers that it should have by the plan of its network. Pure.
import type { PartitionPlan } from '../../bitcoin/topology/partition.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { type PeerTarget, peerTargets } from '../../bitcoin/topology/peer-target.ts';
import type { TopologyPlan } from '../../bitcoin/topology/topology-plan.ts';

/** Which nodes should be connected. */
export interface PeerPlan {
  /** Undefined: every node with every other, from both ends. */
  readonly topology: TopologyPlan | undefined;
  /** The addresses of peers outside of the network, by ordinal. */
  readonly externalPeers: ReadonlyMap<number, readonly string[]>;
  /** Without a topology: the parts that are cut off from one another. Default: the network is not cut. */
  readonly cutInto?: PartitionPlan | undefined;
}

export interface NodeTarget {
  readonly peers: PeerTarget | undefined;
  readonly external: readonly string[];
  /** Without peers: the ordinals of the nodes that it must not be connected to. */
  readonly apart?: ReadonlySet<number> | undefined;
  /** The same text for the same peers, with the same addresses and readiness. */
  readonly fingerprint: string;
}

const isSamePart = ({ partOf }: PartitionPlan, one: number, other: number): boolean => partOf.get(one) === partOf.get(other);

export const identityOf = ({ name, ip, isReady }: Node): string => `${name} ${ip} ${isReady}`;

/** What the peers of a node depend on. A node that is being deleted is no peer. */
export const fingerprintOf = (nodes: readonly Node[]): string =>
  nodes
    .filter(({ isTerminating, ip }) => !isTerminating && ip !== '')
    .map(identityOf)
    .join();

/** The target of a node by its ordinal. */
export function targetsOf(
  nodes: readonly Node[],
  { topology, externalPeers, cutInto }: PeerPlan,
  fingerprint: string,
): (ordinal: number) => NodeTarget {
  const externalOf = (ordinal: number) => externalPeers.get(ordinal) ?? [];
  if (topology === undefined)
    return ordinal => {
      const external = externalOf(ordinal);
      const apart = cutInto && new Set([...cutInto.partOf.keys()].filter(each => !isSamePart(cutInto, each, ordinal)));
      const others = apart === undefined ? [] : ['apart', ...apart];
      return { peers: undefined, external, apart, fingerprint: [fingerprint, ...external, ...others].join() };
    };
  const targets = peerTargets(topology, nodes, externalOf);
  return ordinal => {
    const peers = targets.get(ordinal);
    const { listed = [], held = [], accepted = [], external = [] } = peers ?? {};
    // A node that dials this one is asked itself when it changes.
    const parts = [listed.map(identityOf), held.map(identityOf), accepted.map(({ name }) => name), external];
    return { peers, external, fingerprint: JSON.stringify(parts) };
  };
}
