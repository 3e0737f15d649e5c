// The wallets of a network's nodes, in its conditions and in events. Pure.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { rangesOf } from '../../bitcoin/topology/topology-problems.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { reasons } from '../events/reasons.ts';
import type { WalletsObserved } from '../wallets/wallet-keeper.ts';
import { conditionIn, type ConditionStates, sameState } from './condition.ts';

/** The condition WalletsReady. @param observed undefined: not known, so that it is as before */
export function walletStates(
  { spec }: BitcoinNetwork,
  observed: WalletsObserved | undefined,
  previous: BitcoinNetworkStatus | undefined,
): ConditionStates {
  if (spec.wallets === undefined || spec.wallets.length === 0) return {};
  const before = conditionIn(previous, 'WalletsReady');
  if (observed === undefined) return before === undefined ? {} : { WalletsReady: sameState(before) };
  const { reason, message } = observed.state;
  return { WalletsReady: { status: reason === 'WalletsLoaded' ? 'True' : 'False', reason, message } };
}

/** As it was while it is not known. */
export function walletsIn(
  { spec }: BitcoinNetwork,
  observed: WalletsObserved | undefined,
  previous: BitcoinNetworkStatus | undefined,
): Pick<BitcoinNetworkStatus, 'wallets'> {
  const wallets = observed?.wallets ?? previous?.wallets ?? [];
  return spec.wallets === undefined || wallets.length === 0 ? {} : { wallets: [...wallets] };
}

const isFailure = (reason: string | undefined): boolean => reason === 'WalletsUnsupported' || reason === 'WalletFailed';

export function walletEvents(
  { spec }: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
): PendingEvent[] {
  const [was, is] = [conditionIn(previous, 'WalletsReady'), conditionIn(status, 'WalletsReady')];
  const failed: PendingEvent[] =
    isFailure(is?.reason) && is?.message !== was?.message
      ? [{ type: 'Warning', reason: reasons.walletFailed, message: is?.message ?? '' }]
      : [];
  const lost = (previous?.wallets ?? []).flatMap(({ name, ordinals }) => {
    const wanted = spec.wallets?.find(wallet => wallet.name === name);
    const now = status.wallets?.find(wallet => wallet.name === name)?.ordinals ?? [];
    const nodes = new Set(status.nodes?.map(({ ordinal }) => ordinal));
    const gone = ordinals.filter(
      ordinal => (wanted?.ordinals ?? [0]).includes(ordinal) && nodes.has(ordinal) && !now.includes(ordinal),
    );
    return wanted === undefined || gone.length === 0
      ? []
      : [`${name} on ${gone.length === 1 ? 'node' : 'nodes'} ${rangesOf(gone)}`];
  });
  if (lost.length === 0) return failed;
  const message = `Lost with their coins, and created again: wallet ${lost.join(', wallet ')}. Nodes with spec.storage keep their wallets`;
  return [{ type: 'Warning', reason: reasons.walletsLost, message }, ...failed];
}
