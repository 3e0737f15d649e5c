// The StatefulSets of a network: one of the nodes that are in no group, and one a group.
import { statefulSetName } from '../api/names.ts';
import type { BitcoinNetwork, BitcoinNetworkSpec } from '../api/bitcoin-network.ts';
import type { NodeSettings } from '../api/node-settings.ts';
import { mergedSettings } from './node-settings.ts';

/** Nodes with the same settings: those of one StatefulSet. */
export interface NodeSet {
  /** The name of the StatefulSet. */
  readonly name: string;
  /** Undefined for the nodes that are in no group. */
  readonly group?: string;
  /** The ordinal of its first node. */
  readonly start: number;
  readonly nodes: number;
  /** Those of the network, with those of the group merged over them. */
  readonly settings: NodeSettings;
}

/** Whether the spec stops all nodes, whatever their number is. */
export const isSuspended = ({ spec }: Pick<BitcoinNetwork, 'spec'>): boolean => spec.suspend === true;

/** Pure. As `resumedSetsOf`, without nodes as long as the network is suspended. */
export function nodeSetsOf(network: BitcoinNetwork): [NodeSet, ...NodeSet[]] {
  const [first, ...others] = resumedSetsOf(network);
  if (!isSuspended(network)) return [first, ...others];
  return [withoutNodes(first), ...others.map(withoutNodes)];
}

const withoutNodes = (set: NodeSet): NodeSet => ({ ...set, nodes: 0 });

/**
 * Pure. The sets with the nodes that they have while the network is not suspended. The set of the nodes in no group comes first; it exists
 * always, with no nodes if all are in groups. The groups follow in the order of their ordinals. `spec.nodes` counts the nodes of all sets.
 */
export function resumedSetsOf(network: BitcoinNetwork): [NodeSet, ...NodeSet[]] {
  const { spec } = network;
  const groups = (spec.groups ?? []).toSorted((one, other) => one.ordinals.start - other.ordinals.start);
  const inGroups = groups.reduce((sum, { nodes }) => sum + nodes, 0);
  const own = mergedSettings(spec, {});
  return [
    { name: statefulSetName(network), start: 0, nodes: Math.max(0, spec.nodes - inGroups), settings: own },
    ...groups.map(group => ({
      name: statefulSetName(network, group.name),
      group: group.name,
      start: group.ordinals.start,
      nodes: group.nodes,
      settings: mergedSettings(spec, group),
    })),
  ];
}

/**
 * Whether the nodes of the set get their start script and configuration from the network's ConfigMap. Otherwise they have those of the
 * controller's own image, and the pod template that a network of only `nodes` and `secret` has: nothing of it changes with a new release.
 */
export function isManaged({ chain, signet, peerDiscovery, rpcAuth }: BitcoinNetworkSpec, { group, settings }: NodeSet): boolean {
  const { image, bitcoinConf = [], zmq, storage } = settings;
  const isOfChain = chain !== undefined || signet !== undefined || peerDiscovery !== undefined;
  const isChosen = image !== undefined || bitcoinConf.length > 0 || zmq !== undefined || storage !== undefined;
  return isOfChain || rpcAuth !== undefined || group !== undefined || isChosen;
}

/** The port of the ZMQ publishers of a set; undefined if it publishes nothing. */
export const zmqPortOf = ({ settings: { zmq } }: NodeSet): number | undefined => zmq && (zmq.port ?? defaultZmqPort);

const defaultZmqPort = 28332;

/** Whether the set wants a node of that ordinal. */
export const hasOrdinal = ({ start, nodes }: NodeSet, ordinal: number): boolean => ordinal >= start && ordinal < start + nodes;
