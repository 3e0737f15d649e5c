// Step: gives a StatefulSet that the API server refuses to change its number of nodes, so that a network can still be scaled and suspended.
import type { V1StatefulSet } from '@kubernetes/client-node';
import { apiStatusCode } from '../../kube/api-error.ts';
import { statefulSetEvent } from '../events/children.ts';
import type { NetworkState } from '../network-state.ts';
import { statefulSets } from '../resource-types.ts';
import type { ChildContext } from './apply-child.ts';

/** Not that of the applied fields: what differs from the last apply would count as what admission made of it, and would stay. */
const manager = 'bitcoin-controller-scale';

/**
 * Writes the number, and in the same write what becomes of the claims: a suspension keeps them. Does nothing if the number is right, or
 * if another writer keeps changing it. That the API server refuses this too is no failure of its own.
 * @throws an error that is no answer of the API server: no connection, a lost lease, an aborted signal
 */
export async function scaleRefusedSet(
  { client, network, outbox, signal }: ChildContext,
  networkState: NetworkState,
  desired: V1StatefulSet,
  current: V1StatefulSet | undefined,
): Promise<void> {
  const { replicas = 1, persistentVolumeClaimRetentionPolicy: policy } = desired.spec ?? {};
  if (current === undefined || (current.spec?.replicas ?? 1) === replicas) return;
  const { namespace = '', name = '', uid } = current.metadata ?? {};
  const state = networkState.child('statefulSets', name);
  if (state.scaleDrift.waitMs(String(replicas)) > 0) return;
  const spec = { replicas, ...(policy === undefined ? {} : { persistentVolumeClaimRetentionPolicy: policy }) };
  try {
    const options = { patchType: 'merge', fieldManager: manager, signal } as const;
    const scaled = await client.patch(statefulSets, { namespace, name }, { metadata: { uid }, spec }, options);
    state.scaleDrift.count(String(replicas));
    state.writes.remember(scaled);
    networkState.pods.note(name, scaled);
    outbox.publish(network, `statefulSets/${name}`, outbox.name(network, [statefulSetEvent(name, replicas, 'updated', current)]));
  } catch (error) {
    if (apiStatusCode(error) === undefined) throw error;
  }
}
