// Step: deletes a network whose time is over. The garbage collector deletes what it owns.
import type { KubeClient } from '../../kube/client.ts';
import { isConflict, isForbidden, isNotFound } from '../../kube/api-error.ts';
import { messageOf, type Result } from '../../runtime/controller.ts';
import type { NetworkState } from '../network-state.ts';
import { networks } from '../resource-types.ts';
import { conditionIn } from '../status/condition.ts';
import { withCondition } from '../status/conditions.ts';
import { expired, expiredEvent } from '../status/expired.ts';
import { type StatusContext, writeStatus } from './publish-status.ts';

export interface ExpiryContext extends StatusContext {
  readonly client: Pick<KubeClient, 'get' | 'patch' | 'delete'>;
  readonly recheckMs: number;
}

/** Until then the informer has seen what another writer did to the network. */
const conflictDelayMs = 500;
/** Below the shortest time to the next recheck, which makes the next attempt. */
const retryShare = 0.8;

/**
 * The event is stored in the status before the deletion: a process that ends in between leaves both to the next one.
 * @returns undefined if the API server refuses the deletion: the network is reconciled as before
 * @throws ApiError if the API server refuses the write of the status, or did not answer
 */
export async function expire(context: ExpiryContext, state: NetworkState): Promise<Result | undefined> {
  const { client, network, signal, recheckMs } = context;
  const isReported = conditionIn(network.status, 'Expired')?.status === 'True';
  if (!isReported && !state.expiry.wasRefused && !(await report(context, state))) return { requeueAfterMs: conflictDelayMs };
  const { namespace, name, uid, resourceVersion } = (state.writes.newest(network) ?? network).metadata;
  // With the version that was read: whoever gives the network more time meanwhile is not ignored.
  const preconditions = { uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) };
  try {
    await client.delete(networks, { namespace, name }, { propagationPolicy: 'Background', preconditions, signal });
    return {};
  } catch (error) {
    if (isNotFound(error)) return {};
    if (isConflict(error)) return { requeueAfterMs: conflictDelayMs };
    if (!isForbidden(error)) throw error;
    state.expiry.noteRefusal(messageOf(error), Date.now() + recheckMs * retryShare);
    return undefined;
  }
}

/** @returns false if another writer was faster, or the network is gone */
async function report(context: ExpiryContext, state: NetworkState): Promise<boolean> {
  const { network } = context;
  const conditions = withCondition(network, 'Expired', expired(network), new Date());
  const lastEvents = state.outbox.name(network, [expiredEvent(network)]);
  const stored = state.outbox.stored(network.status?.lastEvents ?? [], lastEvents);
  if (!(await writeStatus(context, state, { ...network.status, conditions, lastEvents: stored }))) return false;
  state.outbox.publish(network, 'status', lastEvents);
  return true;
}
