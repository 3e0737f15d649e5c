// Whether a node has replaced blocks of its chain, and how many. Pure.
import type { ChainState, ChainTip } from '../rpc/chain-state.ts';

export interface Reorg {
  /** The blocks that are not in the chain any more. */
  readonly depth: number;
  /** The tip of the branch that the node left. The branch may have grown since the node reported its chain. */
  readonly from: ChainState;
  readonly to: ChainState;
}

/** A reorganisation that a node reported. */
export interface NodeReorg {
  readonly nodeName: string;
  readonly ordinal: number;
  /** The same object as long as it is the same reorganisation. */
  readonly reorg: Reorg;
}

/**
 * The reorganisation between the chain that a node reported before and its present one. Call if `former.tip` is not in the present chain.
 * @param tips the node's answer to getchaintips: a replaced branch is a fork there
 * @returns undefined if the node does not know the former chain: its data are others, as after a restart with an empty volume
 */
export function reorgOf(former: ChainState, chain: ChainState, tips: readonly ChainTip[]): Reorg | undefined {
  const forks = tips.filter(({ branchLength, status }) => branchLength > 0 && status === 'valid-fork');
  const fork = forks.find(({ hash }) => hash === former.tip);
  if (fork !== undefined) return { depth: fork.branchLength, from: former, to: chain };
  // The branch has grown after `former` was reported, and the node had its blocks in its chain: their headers alone are no valid fork.
  const grown = forks.find(({ height, branchLength }) => height > former.height && height - branchLength < former.height);
  if (grown === undefined) return undefined;
  return { depth: grown.branchLength, from: { height: grown.height, tip: grown.hash }, to: chain };
}
