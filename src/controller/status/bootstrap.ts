// The blocks that a network starts with, in its conditions and in events. Pure.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import type { CopyObserved } from '../bootstrap/chain-copier.ts';
import { reasons } from '../events/reasons.ts';
import { conditionIn, type ConditionState, type ConditionStates, sameState } from './condition.ts';

export interface BootstrapObserved extends CopyObserved {
  /** As of the beginning of the reconcile: no node is connected, and no block made. */
  readonly isHeld: boolean;
}

/** In these states the nodes are connected as far as they should be. */
const aboutPeers: ReadonlySet<string> = new Set(['EdgesConnected', 'EdgesMissing', reasons.peersConnected, 'ConnectingPeers']);

/**
 * The conditions that differ from those of a network that starts with the genesis block. Until its nodes have the blocks it is not
 * connected.
 * @param states those that it has otherwise
 * @param observed undefined: not known, so that it is as before
 */
export function bootstrapStates(
  { spec }: BitcoinNetwork,
  observed: BootstrapObserved | undefined,
  { Connected, Ready }: ConditionStates,
  previous: BitcoinNetworkStatus | undefined,
): ConditionStates {
  if (spec.bootstrap === undefined) return {};
  const before = conditionIn(previous, 'Bootstrapped');
  if (observed === undefined) return before === undefined ? {} : { Bootstrapped: sameState(before) };
  const { reason, message } = observed.state;
  const Bootstrapped: ConditionState = { status: reason === 'Copied' ? 'True' : 'False', reason, message };
  if (!observed.isHeld) return { Bootstrapped };
  const isOtherwiseConnected = Ready?.status === 'True' && aboutPeers.has(Connected?.reason ?? '');
  const waiting = waitingFor('the nodes are connected once the blocks of spec.bootstrap are copied', observed);
  return { ...(isOtherwiseConnected ? { Connected: waiting } : {}), Bootstrapped };
}

const waitingFor = (what: string, { state }: BootstrapObserved): ConditionState => ({
  ...{ status: 'False', reason: 'WaitingForBlocks' },
  message: `${what}: ${state.message}`,
});

/** The condition BlocksProduced of a network that waits for the blocks of another one. */
export const blocksWaiting = (observed: BootstrapObserved): ConditionState =>
  waitingFor('blocks are made once those of spec.bootstrap are copied', observed);

/** What needs attention. */
const failures: ReadonlySet<string> = new Set(['BootstrapFailed', 'BootstrapTooLarge', 'SourceOfAnotherChain']);

export function bootstrapEvents(
  { spec }: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
): PendingEvent[] {
  const [was, is] = [conditionIn(previous, 'Bootstrapped'), conditionIn(status, 'Bootstrapped')];
  if (spec.bootstrap === undefined || is === undefined || is.reason === was?.reason) return [];
  const { height = 0, hash = '' } = status.bootstrap ?? {};
  const from = spec.bootstrap.network.name;
  if (is.status === 'True')
    return [
      {
        type: 'Normal',
        reason: reasons.bootstrapped,
        message: `Copied the chain of network ${from} up to height ${height} (${hash})`,
      },
    ];
  if (!failures.has(is.reason)) return [];
  return [{ type: 'Warning', reason: reasons.bootstrapFailed, message: `${is.reason}: ${is.message}` }];
}
