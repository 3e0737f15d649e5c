// Which branches the nodes of a network are on, from their tips and the block hashes that they report at common heights. Pure.
import type { ChainState } from '../rpc/chain-state.ts';

/** The chain of a node. */
export interface ChainView extends ChainState {
  readonly ordinal: number;
  /** Hashes of its chain by height, as far as it was asked for them. */
  readonly hashes?: ReadonlyMap<number, string> | undefined;
}

/** Nodes whose chains do not contradict one another: the shorter ones are parts of the longest. */
export interface Branch {
  /** Those of the longest chain of the branch. */
  readonly height: number;
  readonly tip: string;
  /** Ascending. */
  readonly ordinals: readonly number[];
  /** Those of `ordinals` that do not have the whole branch. */
  readonly behind: readonly number[];
  /** How many blocks of the branch are not in the first one. 0 for the first. */
  readonly depth: number;
  /** Each of its nodes has reported hashes that show it to be on the branch. Otherwise it may be on one of its own. */
  readonly isCertain: boolean;
}

/** Above the highest tip, for blocks that are found until the nodes are asked. bitcoind answers with an error for a height it does not have. */
const heightsAhead = 16;
/** Below the lowest tip. The depth of a longer fork is found with larger steps. */
const heightsBelow = 100;
/** The same of chains that are probably the same: enough to see whether they are. */
const fewHeightsBelow = 12;
const maxContiguous = 400;

export interface CompareOptions {
  /** Whether the depth of a fork matters. Default: it does. */
  readonly isForkLikely?: boolean;
  /** How many blocks are usually found until the nodes are asked. Default: 0. */
  readonly blocksUntilAsked?: number;
}

/** The heights at which nodes with different tips are compared, ascending. None if all have the same tip. */
export function heightsToCompare(
  chains: readonly ChainState[],
  { isForkLikely = true, blocksUntilAsked = 0 }: CompareOptions = {},
): number[] {
  const [first] = chains;
  if (first === undefined || chains.every(({ tip }) => tip === first.tip)) return [];
  const heights = chains.map(({ height }) => height);
  const highest = Math.max(...heights) + heightsAhead + Math.min(blocksUntilAsked, maxContiguous / 4);
  const below = isForkLikely ? heightsBelow : fewHeightsBelow;
  const lowest = Math.max(1, Math.min(...heights) - below, highest - maxContiguous);
  const wanted = new Set([
    ...heights.slice(0, maxContiguous),
    ...Array.from({ length: highest - lowest + 1 }, (_, i) => lowest + i),
  ]);
  for (let step = 2 * below, at = lowest - below; at > 0; at -= step, step *= 2) wanted.add(at);
  wanted.delete(0);
  return [...wanted].sort((a, b) => a - b);
}

/** The branches, the longest first; of equal ones that of most nodes. More than one are a fork. */
export function branchesOf(views: readonly ChainView[]): Branch[] {
  const byTip = new Map<string, ChainView[]>();
  for (const view of views) byTip.set(view.tip, [...(byTip.get(view.tip) ?? []), view]);
  const holders = ({ tip }: ChainView) => byTip.get(tip)?.length ?? 0;
  const tips = [...byTip.values()]
    .map(nodes => merged(nodes))
    .sort((a, b) => b.height - a.height || holders(b) - holders(a) || a.ordinal - b.ordinal);
  const branches: { readonly head: ChainView; readonly tips: ChainView[] }[] = [];
  for (const tip of tips) {
    const branch = branches.find(({ head }) => lastCommon(head, tip)?.isFork !== true);
    if (branch === undefined) branches.push({ head: tip, tips: [tip] });
    else branch.tips.push(tip);
  }
  return branches.map(({ head, tips: own }) => {
    const ordinalsOf = (of: readonly ChainView[]) =>
      of.flatMap(({ tip }) => (byTip.get(tip) ?? []).map(({ ordinal }) => ordinal)).sort((a, b) => a - b);
    const first = branches[0]?.head ?? head;
    const depth = head === first ? 0 : head.height - (lastCommon(first, head)?.height ?? head.height);
    const behind = ordinalsOf(own.filter(({ tip }) => tip !== head.tip));
    // No node is asked for the hash of the genesis block, which is on every branch.
    const isCertain = own.every(tip => tip === head || tip.height === 0 || lastCommon(head, tip)?.height === tip.height);
    return { height: head.height, tip: head.tip, ordinals: ordinalsOf(own), behind, depth, isCertain };
  });
}

/** Nodes with the same tip have the same chain: what one does not know, another may. */
function merged(nodes: readonly ChainView[]): ChainView {
  const [first] = nodes.toSorted((a, b) => a.ordinal - b.ordinal);
  if (first === undefined) throw new RangeError('no nodes');
  return { ...first, hashes: new Map(nodes.flatMap(({ hashes }) => [...(hashes ?? [])])) };
}

/** The last block that both chains are known to have, and whether they differ above it. Undefined if no height of both is known. */
function lastCommon(one: ChainView, other: ChainView): { readonly height: number; readonly isFork: boolean } | undefined {
  const highest = Math.min(one.height, other.height);
  const heights = [...new Set([...heightsOf(one), ...heightsOf(other)])]
    .filter(height => height <= highest)
    .sort((a, b) => b - a);
  let isFork = false;
  for (const height of heights) {
    const [a, b] = [hashAt(one, height), hashAt(other, height)];
    if (a === undefined || b === undefined) continue;
    if (a === b) return { height, isFork };
    isFork = true;
  }
  return isFork ? { height: 0, isFork } : undefined;
}

const heightsOf = ({ height, hashes }: ChainView): number[] => [height, ...(hashes?.keys() ?? [])];
const hashAt = ({ height, tip, hashes }: ChainView, at: number): string | undefined => (at === height ? tip : hashes?.get(at));
