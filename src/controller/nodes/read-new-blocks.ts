// Reads the newest blocks of a node's chain after a look at it.
import { recentHeights } from '../../bitcoin/chain/recent-blocks.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import { type BlockHeader, type HeadersRequest, readHeaders } from '../../bitcoin/rpc/block-headers.ts';
import { BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { WatchedNode } from './watched-network.ts';

/** See readHeaders. */
export type ReadHeaders = (request: HeadersRequest, signal: AbortSignal) => Promise<BlockHeader[]>;

/** Reads the blocks that are not known. That it cannot is no failure: they are read the next time. */
export async function readNewBlocks(
  { network, node: { ip: host } }: WatchedNode,
  { chain, hasPreviousCredentials }: NodeReport,
  signal: AbortSignal,
  read: ReadHeaders = readHeaders,
): Promise<void> {
  if (chain === undefined || hasPreviousCredentials === true || !network.mayReadBlocks(chain)) return;
  const { credentials } = network;
  const port = chainParametersOf(network.network.spec).rpcPort;
  try {
    network.blocks.add(await read({ host, port, credentials, chain, count: recentHeights, known: network.blocks.known }, signal));
  } catch (error) {
    if (!(error instanceof BitcoinTransportError)) throw error;
  }
}
