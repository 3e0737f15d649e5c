// The blocks that a network starts with, in its conditions and in events. Pure.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import type { CopyObserved } from '../bootstrap/chain-copier.ts';
import { reasons } from '../events/reasons.ts';
import { sentence } from '../events/sentence.ts';
import { conditionIn, type ConditionState, type ConditionStates, sameState } from './condition.ts';

export interface BootstrapObserved extends CopyObserved {
  /** As of the beginning of the reconcile: no node is connected, and no block made. */
  readonly isHeld: boolean;
}

/** In these states the nodes are connected as far as they should be. */
const aboutPeers: ReadonlySet<string> = new Set(['EdgesConnected', 'EdgesMissing', reasons.peersConnected, 'ConnectingPeers']);

/**
 * The conditions that differ from those of a network that starts with the genesis block. Until its nodes have the blocks it is not connected
 * and makes no blocks.
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
  const waiting = (what: string): ConditionState => ({ status: 'False', reason: 'WaitingForBlocks', message: `${what}: ${message}` });
  const isOtherwiseConnected = Ready?.status === 'True' && aboutPeers.has(Connected?.reason ?? '');
  return {
    Bootstrapped,
    ...(isOtherwiseConnected ? { Connected: waiting('the nodes are connected once the blocks of spec.bootstrap are copied') } : {}),
    ...(spec.blockProduction === undefined
      ? {}
      : { BlocksProduced: waiting('blocks are made once those of spec.bootstrap are copied') }),
  };
}

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
      { type: 'Normal', reason: reasons.bootstrapped, message: `Copied the chain of network ${from} up to height ${height} (${hash})` },
    ];
  if (!failures.has(is.reason)) return [];
  return [{ type: 'Warning', reason: reasons.bootstrapFailed, message: `${is.reason}: ${sentence(is.message)}` }];
}
