// The chains of an experiment's nodes: how a status shows them, and how many blocks were replaced. Pure.
import type { ExperimentTip } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';
import { rangesOf } from '../../bitcoin/topology/topology-problems.ts';

/** The chain that a node reported. */
export interface NodeChain extends ChainState {
  readonly ordinal: number;
  /** Whether it is making a block. */
  readonly isGenerating: boolean;
}

/** More tips than this make a status hard to read. */
const maxTips = 8;

/**
 * The newest blocks of the nodes, the highest first.
 * @param kept the tip of this node is among them, however many are higher
 */
export function tipsOf(chains: readonly NodeChain[], kept?: number): ExperimentTip[] {
  const byTip = new Map<string, NodeChain[]>();
  for (const chain of chains) byTip.set(chain.tip, [...(byTip.get(chain.tip) ?? []), chain]);
  const tips = [...byTip.values()].flatMap(nodes => {
    const [first] = nodes;
    const ordinals = nodes.map(({ ordinal }) => ordinal).sort((a, b) => a - b);
    return first === undefined ? [] : [{ height: first.height, hash: first.tip, nodes: rangesOf(ordinals) }];
  });
  tips.sort((a, b) => b.height - a.height || (a.nodes < b.nodes ? -1 : 1));
  const own = tips.slice(maxTips).find(({ nodes }) => kept !== undefined && ordinalsIn(nodes).includes(kept));
  return own === undefined ? tips.slice(0, maxTips) : [...tips.slice(0, maxTips - 1), own];
}

/** What a status shows of them. */
export const chainsIn = (
  chains: readonly NodeChain[],
  kept?: number,
): { readonly heights: number[]; readonly tips: ExperimentTip[] } => {
  const tips = tipsOf(chains, kept);
  return { heights: [...new Set(tips.map(({ height }) => height))], tips };
};

/** The ordinals of a text such as `0-1, 7`. */
export const ordinalsIn = (nodes: string): number[] =>
  nodes.split(', ').flatMap(range => {
    const [first = NaN, last = first] = range.split('-').map(Number);
    return Number.isNaN(first) ? [] : Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });

/** All have the same newest block. */
export const isOneTip = (chains: readonly NodeChain[]): boolean => chains.every(({ tip }) => tip === chains[0]?.tip);

/** No node lacks a block of the longest chain: of equally long ones none wins before the next block. */
export const isLevel = (chains: readonly NodeChain[]): boolean => chains.every(({ height }) => height === chains[0]?.height);
