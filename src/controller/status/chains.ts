// The chains of a network's nodes, in its status and in the condition ChainsAgree. Pure.
import type {
  BitcoinNetwork,
  BitcoinNetworkBlock,
  BitcoinNetworkChain,
  BitcoinNetworkNode,
  BitcoinNetworkStatus,
} from '../../bitcoin/api/bitcoin-network.ts';
import type { Branch } from '../../bitcoin/chain/compare-chains.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { definedOnly } from '../../collections/defined-only.ts';
import { rangesOf } from '../../bitcoin/topology/topology-problems.ts';
import { type ConditionState } from './condition.ts';

/** The chains that the nodes reported last. */
export interface ChainsObserved {
  /** The longest first. At least one. */
  readonly branches: readonly [Branch, ...Branch[]];
  /** The ordinals of nodes that have lacked the newest blocks of their branch for long. Ascending. */
  readonly lagging: readonly number[];
  /** Every ready node has reported its chain, and which branch it is on. Otherwise there may be more branches. */
  readonly isCertain: boolean;
}

/** Whether the status shows the chains of a network. One of two fields that never had a block keeps the status that it has always had. */
export const showsChains = (
  { spec }: BitcoinNetwork,
  chains: ChainsObserved | undefined,
  previous: BitcoinNetworkStatus | undefined,
): chains is ChainsObserved =>
  chains !== undefined &&
  (chains.branches[0].height > 0 ||
    previous?.chain !== undefined ||
    spec.topology !== undefined ||
    spec.partition !== undefined ||
    spec.blockProduction !== undefined);

/** Whether a fork that the status shows may still be there although the reports do not show it, as after a restart of the controller. */
export const mayStillFork = (previous: BitcoinNetworkStatus | undefined, { branches, isCertain }: ChainsObserved): boolean =>
  !isCertain && (previous?.chain?.tips ?? 1) > branches.length;

export function chainStatusOf(
  { spec }: BitcoinNetwork,
  chains: ChainsObserved,
  previous: BitcoinNetworkStatus | undefined,
  blocks: readonly BitcoinNetworkBlock[] = [],
): BitcoinNetworkChain {
  const { branches } = chains;
  if (previous?.chain !== undefined && mayStillFork(previous, chains)) return previous.chain;
  const [{ height, tip }] = branches;
  const forkDepth = Math.max(...branches.map(({ depth }) => depth));
  const counts = { name: spec.chain ?? 'regtest', height, tip, tips: branches.length, forkDepth };
  return blocks.length === 0 ? counts : { ...counts, blocks: [...blocks] };
}

/** What a node's report adds to its entry in the status. */
export const nodeChainOf = ({ chain, version, connectionCount: connections }: NodeReport): Partial<BitcoinNetworkNode> =>
  definedOnly({ version, height: chain?.height, tip: chain?.tip, connections, chainBytes: chain?.bytes });

/** @param isCut whether the network is cut into parts */
export function chainsAgree({ branches, lagging }: ChainsObserved, isCut: boolean): ConditionState {
  const [first, ...others] = branches;
  if (others.length > 0) {
    const isEven = others.some(({ height }) => height === first.height);
    const uncut = isEven ? 'EqualWork' : 'Forked';
    const hint = isEven && !isCut ? '; of equal ones each node keeps the one it saw first: the next block decides' : '';
    return { status: 'False', reason: isCut ? 'Partitioned' : uncut, message: `${branchesText(branches)}${hint}` };
  }
  if (lagging.length > 0)
    return {
      status: 'False',
      reason: 'NodesBehind',
      message: `${nodesText(lagging)} ${lagging.length === 1 ? 'lacks' : 'lack'} the newest blocks of the chain`,
    };
  // Without the height: the condition stays the same while blocks are made.
  return { status: 'True', reason: 'OneTip', message: 'all nodes are on one chain' };
}

/** More branches than this make a message hard to read. */
const maxBranches = 4;

/** Such as `2 chains: height 104 (tip 61c4…) on nodes 2-5; height 103 (tip 0f9a…) on nodes 0-1, 3 blocks apart`. */
export function branchesText(branches: readonly Branch[]): string {
  const shown = branches.slice(0, maxBranches).map(({ height, tip, ordinals, depth }) => {
    const apart = depth === 0 ? '' : `, ${depth} ${depth === 1 ? 'block' : 'blocks'} apart`;
    return `height ${height} (tip ${shortHash(tip)}) on ${nodesText(ordinals)}${apart}`;
  });
  const rest = branches.length - shown.length;
  return `${branches.length} chains: ${shown.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
}

const nodesText = (ordinals: readonly number[]): string => `${ordinals.length === 1 ? 'node' : 'nodes'} ${rangesOf(ordinals)}`;

/** The end of a block hash: its beginning is zeros. */
export const shortHash = (hash: string): string => `…${hash.slice(-12)}`;
