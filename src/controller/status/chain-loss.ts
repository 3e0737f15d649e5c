// A chain that a network has lost, in its status, in the condition ChainLost and in an event. Pure.
import type { BitcoinNetworkChain, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import type { LossVerdict } from '../chain-loss.ts';
import { reasons } from '../events/reasons.ts';
import { conditionIn, type ConditionState } from './condition.ts';
import { shortHash } from './chains.ts';

/** The chain of the status, with the one that was lost until a node is as high again. */
export function withLoss(
  chain: BitcoinNetworkChain,
  verdict: LossVerdict,
  previous: BitcoinNetworkChain | undefined,
): BitcoinNetworkChain {
  if (previous === undefined || verdict === 'none') return keptLoss(chain, previous);
  // Until it is certain, the status keeps the height that may be lost.
  if (verdict === 'possible') return previous;
  return { ...chain, lost: { height: previous.height, tip: previous.tip } };
}

const keptLoss = (chain: BitcoinNetworkChain, previous: BitcoinNetworkChain | undefined): BitcoinNetworkChain =>
  previous?.lost === undefined || chain.height >= previous.lost.height ? chain : { ...chain, lost: previous.lost };

/** Absent until a network has lost a chain. */
export function chainLost(
  chain: BitcoinNetworkChain | undefined,
  previous: BitcoinNetworkStatus | undefined,
): ConditionState | undefined {
  if (chain?.lost !== undefined) return { status: 'True', reason: 'BlocksLost', message: lostText(chain.lost) };
  if (conditionIn(previous, 'ChainLost') === undefined) return undefined;
  return { status: 'False', reason: 'HeightReached', message: 'the network is as high as the chain that it lost' };
}

const lostText = ({ height, tip }: NonNullable<BitcoinNetworkChain['lost']>): string =>
  `the chain of height ${height} (tip ${shortHash(tip)}) is lost: no node has it any more`;

export function lossEvents(previous: BitcoinNetworkStatus | undefined, { chain }: BitcoinNetworkStatus): PendingEvent[] {
  if (chain?.lost === undefined || chain.lost.tip === previous?.chain?.lost?.tip) return [];
  const { height, lost } = chain;
  const message = `Lost the chain of height ${lost.height} (tip ${shortHash(lost.tip)}): the nodes came back without its blocks, now at height ${height}`;
  return [{ type: 'Warning', reason: reasons.chainLost, message }];
}
