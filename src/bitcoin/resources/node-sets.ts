// NodeSet: the nodes of a network that have the same settings, which are those of one StatefulSet.
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import { statefulSetName } from '../api/names.ts';

export interface NodeSet {
  /** Of the StatefulSet. */
  readonly name: string;
  /** Undefined for the nodes in no group. */
  readonly group?: string;
  /** The ordinal of the first node. */
  readonly start: number;
  readonly nodes: number;
}

/** The sets of a network: first the one of the nodes in no group, which is there even if it has no node. */
export function nodeSetsOf(network: BitcoinNetwork): NodeSet[] {
  return [{ name: statefulSetName(network), start: 0, nodes: network.spec.nodes }];
}

/** Whether the set wants a node of that ordinal. */
export const hasOrdinal = ({ start, nodes }: NodeSet, ordinal: number): boolean => ordinal >= start && ordinal < start + nodes;
