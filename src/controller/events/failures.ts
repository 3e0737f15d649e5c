// The events of what keeps a network from its desired state. They are recorded at each try, so that their count shows how long it lasts.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import type { EventRecorder } from '../../record/core/event-recorder.ts';
import type { Applied } from '../../runtime/apply.ts';
import type { CredentialsState } from '../steps/credentials.ts';
import { type Reason, reasons } from './reasons.ts';
import { sentence } from './sentence.ts';

type Recorder = Pick<EventRecorder, 'event'>;

/** Call at the end of each reconcile. */
export function recordFailures(
  recorder: Recorder,
  network: BitcoinNetwork,
  found: { readonly credentials: CredentialsState; readonly children: readonly (Applied<unknown> | undefined)[] },
): void {
  const { credentials, children } = found;
  if (!credentials.isAvailable) recorder.event(network, 'Warning', credentials.reason, sentence(credentials.message));
  for (const child of children) {
    if (child?.outcome === 'taken') recorder.event(network, 'Warning', reasons.nameTaken, child.message);
    if (child?.outcome === 'contested') recorder.event(network, 'Warning', reasons.repairContested, child.message);
  }
}

/** Call each time that a node was asked and failed. */
export function recordNodeFailure(recorder: Recorder, network: BitcoinNetwork, report: NodeReport): void {
  recorder.event(network, 'Warning', failureReason(report), failureMessage(report));
}

/** The event reason for a node's failure. */
export function failureReason({ failure }: NodeReport): Reason {
  const kind = failure instanceof BitcoinTransportError ? failure.failure : undefined;
  if (kind === 'unauthorized') return reasons.credentialsRejected;
  return kind === 'oversized' ? reasons.peerListTooLong : reasons.peerConnectFailed;
}

export const failureMessage = ({ node, failure }: NodeReport): string =>
  `${node.name} (${node.ip}): ${failure?.message ?? 'no failure'}`;
