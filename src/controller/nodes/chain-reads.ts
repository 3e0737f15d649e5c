// What the node monitor does with the chain of a node after a look at it: it reads the newest blocks, and helps a node that does not get them.
import { recentHeights } from '../../bitcoin/chain/recent-blocks.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import { type BlockHeader, type HeadersRequest, readHeaders } from '../../bitcoin/rpc/block-headers.ts';
import { BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import { type HeadersRequest as SubmitRequest, submitHeaders } from '../../bitcoin/rpc/submit-headers.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { WatchedNode } from './watched-network.ts';
import { answering } from './watched-sides.ts';

export interface ChainReadsOptions {
  /** Default: readHeaders. */
  readonly readHeaders?: ((request: HeadersRequest, signal: AbortSignal) => Promise<BlockHeader[]>) | undefined;
  /** Default: submitHeaders. */
  readonly submitHeaders?: ((request: SubmitRequest, signal: AbortSignal) => Promise<number>) | undefined;
}

/** Reads the newest blocks of the node's chain if they are not known. That it cannot is no failure: they are read the next time. */
export async function readNewBlocks(
  { network, node: { ip: host } }: WatchedNode,
  { chain, hasPreviousCredentials }: NodeReport,
  { readHeaders: read = readHeaders }: ChainReadsOptions,
  signal: AbortSignal,
): Promise<void> {
  if (chain === undefined || hasPreviousCredentials === true || !network.mayReadBlocks(chain)) return;
  const { credentials } = network;
  const port = chainParametersOf(network.network.spec).rpcPort;
  await unlessItFails(async () => {
    network.blocks.add(await read({ host, port, credentials, chain, count: recentHeights, known: network.blocks.known }, signal));
  });
}

/** Gives the node headers if it has lacked blocks for long and gets none. That it cannot is no failure: it is tried again. */
export async function helpStuckNode(
  node: WatchedNode,
  { submitHeaders: submit = submitHeaders }: ChainReadsOptions,
  signal: AbortSignal,
): Promise<void> {
  const { chain, network } = node;
  if (chain === undefined || !node.mayBeHelped()) return;
  const height = network.heightOf(node.side);
  const source = answering(network.nodes.values()).find(
    other => other.side === node.side && (other.chain?.height ?? 0) >= height,
  );
  if (source?.chain === undefined) return;
  const { credentials, previousCredentials: previous } = network;
  const port = chainParametersOf(network.network.spec).rpcPort;
  const access = ({ node: { ip: host } }: WatchedNode) => ({ host, port, credentials, previous });
  const chains = { sourceHeight: source.chain.height, chain, nowMs: Date.now() };
  await unlessItFails(() => submit({ source: access(source), target: access(node), ...chains }, signal));
}

async function unlessItFails(read: () => Promise<unknown>): Promise<void> {
  try {
    await read();
  } catch (error) {
    if (!(error instanceof BitcoinTransportError)) throw error;
  }
}
