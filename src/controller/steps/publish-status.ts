// Step: writes the status of a network if it has changed, with the events of the change.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { isConflict, isNotFound } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { transitionEvents } from '../events/transitions.ts';
import type { NetworkState } from '../network-state.ts';
import { networks } from '../resource-types.ts';
import type { Observation } from '../status/conditions.ts';
import { isSameStatus, isUrgent, statusOf } from '../status/status.ts';

/** Until then the informer has seen what another writer did to the network. */
const conflictDelayMs = 500;

export interface StatusContext {
  readonly client: Pick<KubeClient, 'patch'>;
  readonly network: BitcoinNetwork;
  readonly signal: AbortSignal;
}

/**
 * @param settlesInMs how long answers of nodes may still come that the status should include
 * @returns after how many milliseconds to try again; 0 = the status on the API server is up to date
 * @throws ApiError if the API server refuses the write
 */
export async function publishStatus(
  { client, network, signal }: StatusContext,
  { outbox, throttle, writes }: NetworkState,
  observation: Observation,
  settlesInMs: number,
): Promise<number> {
  if (settlesInMs > 0) return settlesInMs;
  const previous = network.status;
  const status = statusOf(network, observation, previous, new Date());
  const isSame = isSameStatus(previous, status);
  const isProgress = !isSame && !isUrgent(previous, status);
  if (!isProgress) throttle.reset();
  const waitMs = isProgress ? throttle.waitMs() : 0;
  if (isSame || waitMs > 0) return waitMs;
  const { namespace, name, uid, resourceVersion } = network.metadata;
  const lastEvents = outbox.name(network, 'status', transitionEvents(network, previous, status));
  // With the version that was read: of two controllers only one reports the change, and a network that was deleted and recreated
  // meanwhile does not get the former one's status.
  const body = { metadata: { uid, resourceVersion }, status: lastEvents.length === 0 ? status : { ...status, lastEvents } };
  try {
    writes.remember(
      await client.patch(networks, { namespace, name }, body, { patchType: 'merge', subresource: 'status', signal }),
    );
  } catch (error) {
    if (isConflict(error) || isNotFound(error)) return conflictDelayMs;
    throw error;
  }
  // After the write: if it fails, nothing is published, and the next reconcile stores the events again.
  outbox.publish(network, 'status', lastEvents);
  return 0;
}
