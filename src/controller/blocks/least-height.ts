// The height below which no block is made on a node: its chain would compete with the one that nodes which are not ready still have. Pure.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { Side } from '../../bitcoin/chain/block-schedule.ts';
import { nodeSetsOf } from '../../bitcoin/resources/node-sets.ts';
import { isReachable, type Node } from '../../bitcoin/topology/peer-plan.ts';

/** A node that lacks only so many blocks makes some: a node that made the newest ones and is gone for long must not stop all others. */
const newestBlocks = 6;

/**
 * @param nodes those that exist
 * @param side of a cut network, or the whole. The sides of a cut have heights of their own
 * @param startHeight the height of the network when it was cut: newer blocks are those of one part
 */
export function leastHeightOf(network: BitcoinNetwork, nodes: readonly Node[], { name }: Side, startHeight = 0): number {
  const { spec, status } = network;
  // Blocks that were copied and lost are copied again.
  const copied = copiedHeightOf(network);
  const isCut = name !== '';
  // A chain that no node can have any more is not in the status (chain-loss.ts).
  const height = status?.chain?.height ?? 0;
  // An empty node waits for these, also if all nodes are ready, and if only other parts have them.
  const initial = Math.min(height, spec.blockProduction?.initialBlocks ?? 0, isCut ? startHeight : Infinity);
  if (isCut || areAllReady(network, nodes)) return Math.max(copied, initial);
  return Math.max(copied, initial, height - newestBlocks);
}

/** The height that nodes of a side have had, as far as the status shows it. It has that of a part a while after the cut. */
export function knownHeightOf({ status }: BitcoinNetwork, { name }: Side, startHeight = 0): number {
  if (name === '') return status?.chain?.height ?? 0;
  const part = status?.partition?.parts.find(each => each.name === name);
  return Math.max(startHeight, part?.height ?? 0);
}

/** How many blocks of another network this one starts with. */
export const copiedHeightOf = ({ spec, status }: BitcoinNetwork): number =>
  spec.bootstrap === undefined ? 0 : (status?.bootstrap?.height ?? 0);

function areAllReady(network: BitcoinNetwork, nodes: readonly Node[]): boolean {
  const ready = new Set(nodes.filter(isReachable).map(({ ordinal }) => ordinal));
  return nodeSetsOf(network).every(({ start, nodes: count }) =>
    Array.from({ length: count }, (_, index) => start + index).every(ordinal => ready.has(ordinal)),
  );
}
