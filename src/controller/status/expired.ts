// The condition Expired and its event: when the network is deleted (spec.ttlSecondsAfterCreation). Pure.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { wholeSeconds } from '../../time/rfc3339.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { reasons } from '../events/reasons.ts';
import type { ExpiryState } from '../expiry.ts';
import type { ConditionState } from './condition.ts';

const ageOf = ({ spec }: BitcoinNetwork): string =>
  `${spec.ttlSecondsAfterCreation} s after its creation (spec.ttlSecondsAfterCreation)`;

/** Before the network is deleted. */
export function notExpired(network: BitcoinNetwork, { atMs, obstacle }: ExpiryState): ConditionState {
  const time = `${wholeSeconds(new Date(atMs).toISOString())}, ${ageOf(network)}`;
  if (obstacle === undefined) return { status: 'False', reason: 'TimeLeft', message: `the network is deleted at ${time}` };
  const { reason, message } = obstacle;
  return { status: 'False', reason, message: `the network should be deleted at ${time}; ${message}` };
}

export const expired = (network: BitcoinNetwork): ConditionState => ({
  status: 'True',
  reason: reasons.expired,
  message: `the network is deleted, ${ageOf(network)}`,
});

export const expiredEvent = (network: BitcoinNetwork): PendingEvent => ({
  type: 'Normal',
  reason: reasons.expired,
  message: `Deleting the network and its objects, ${ageOf(network)}`,
});
