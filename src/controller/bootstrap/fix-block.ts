// Chooses the last block that is copied, once for each network: the nodes of the other network are asked for it.
import type { BootstrapSpec } from '../../bitcoin/api/bootstrap.ts';
import { blockHashCall, blockHashOf, type ChainState, chainStateCall, chainStateOf } from '../../bitcoin/rpc/chain-state.ts';
import { bytesOnDisk } from '../../bitcoin/rpc/copy-blocks.ts';
import { type CopyEnd, EndFailure, tried } from './block-source.ts';
import { type CopyState, type FixedBlock, holds, tooLarge } from './copy-state.ts';

/** More nodes of the other network are not asked. */
const maxAsked = 16;

interface Found {
  readonly node: CopyEnd;
  readonly chain: ChainState;
  readonly bytes: number;
  /** At the height of the spec. */
  readonly hash: string | undefined;
}

export interface FixOptions {
  /** How many blocks the other network is about to make at once: without a height, all of them are copied. */
  readonly initialBlocks: number;
  readonly maxBytes: number;
}

/** Asks all nodes at the same time: the one with the longest chain counts. @returns why there is no such block yet, or none */
export async function fixBlock(
  { network: { name }, height }: BootstrapSpec,
  nodes: readonly CopyEnd[],
  { initialBlocks, maxBytes }: FixOptions,
  signal: AbortSignal,
): Promise<FixedBlock | CopyState> {
  const ask = async (node: CopyEnd): Promise<Found> => {
    const [chain, block] = await node.batch([chainStateCall, ...(height === undefined ? [] : [blockHashCall(height)])], signal);
    return { node, chain: chainStateOf(chain), bytes: bytesOnDisk(chain), hash: blockHashOf(block) };
  };
  const outcomes = await Promise.all(nodes.slice(0, maxAsked).map(node => tried(node, () => ask(node), signal)));
  const failures = outcomes.filter(outcome => outcome instanceof EndFailure);
  const [best] = outcomes
    .filter((outcome): outcome is Found => !(outcome instanceof EndFailure))
    .toSorted((one, other) => other.chain.height - one.chain.height);
  const notReady = (message: string): CopyState => ({ reason: 'SourceNotReady', message });
  if (best === undefined) return notReady(failures[0]?.message ?? `no node of network ${name} is ready`);
  const wanted = height ?? Math.max(1, initialBlocks);
  if (best.chain.height < wanted) return notReady(`network ${name} has ${best.chain.height} of the ${wanted} blocks`);
  // Of less than the whole chain it is only known once it is copied.
  const isWhole = (height ?? best.chain.height) === best.chain.height;
  if (isWhole && best.bytes > maxBytes) return tooLarge(holds(best.node.name, best.bytes), maxBytes);
  if (height === undefined) return { height: best.chain.height, hash: best.chain.tip };
  return best.hash === undefined
    ? notReady(`${best.node.name} does not say which block it has at height ${height}`)
    : { height, hash: best.hash };
}
