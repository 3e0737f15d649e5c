// Whether all nodes of a network have lost the blocks that were copied to one of them. Pure.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';

/**
 * @param height that of the last block that was copied
 * @param sinceMs only what nodes have reported since counts; monotonic milliseconds
 * @returns false while there is a node that may have the blocks: one that is not ready, or has not reported
 */
export function isChainLost(
  { spec }: Pick<BitcoinNetwork, 'spec'>,
  height: number,
  { nodes, reports }: { readonly nodes: readonly Node[]; readonly reports: readonly NodeReport[] },
  sinceMs: number,
): boolean {
  if (nodes.length === 0 || nodes.length < spec.nodes || !nodes.every(({ isReady }) => isReady)) return false;
  const lacking = reports.filter(
    ({ chain, askedAtMs = -Infinity }) => chain !== undefined && askedAtMs > sinceMs && chain.height < height,
  );
  return lacking.length === nodes.length;
}
