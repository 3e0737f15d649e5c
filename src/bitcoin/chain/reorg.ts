// Whether a node has replaced blocks of its chain, and how many. Pure.
import type { ChainState, ChainTip } from '../rpc/chain-state.ts';

export interface Reorg {
  /** The blocks that are not in the chain any more. */
  readonly depth: number;
  readonly from: ChainState;
  readonly to: ChainState;
}

/**
 * The reorganisation between the chain that a node reported before and its present one. Call if `former.tip` is not in the present chain.
 * @param tips the node's answer to getchaintips: a replaced branch is a fork there
 * @returns undefined if the node does not know the former chain: its data are others, as after a restart with an empty volume
 */
export function reorgOf(former: ChainState, chain: ChainState, tips: readonly ChainTip[]): Reorg | undefined {
  const forks = tips.filter(({ branchLength, status }) => branchLength > 0 && status === 'valid-fork');
  // The branch may have grown after `former` was reported.
  const fork = forks.find(({ hash }) => hash === former.tip) ?? forks.find(({ height }) => height >= former.height);
  if (fork === undefined) return undefined;
  const depth = former.height - (fork.height - fork.branchLength);
  return depth > 0 ? { depth, from: former, to: chain } : undefined;
}
