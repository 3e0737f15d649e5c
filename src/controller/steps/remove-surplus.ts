// Step: deletes the objects that a network owns and wants no more, such as the StatefulSet of a group that was removed.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { apiStatusCode, isNotFound } from '../../kube/api-error.ts';
import type { KubeObject } from '../../kube/resource.ts';
import type { EventRecorder } from '../../record/core/event-recorder.ts';
import type { ApplyClient } from '../../runtime/apply.ts';
import { ownedBy, type ReadableCache } from '../caches.ts';
import { type ChildKindName, childKinds } from '../child-kinds.ts';
import { deletedEvent } from '../events/children.ts';
import type { NetworkState } from '../network-state.ts';
import type { AppliedChild } from './apply-child.ts';

export interface RemovalContext {
  readonly client: Pick<ApplyClient, 'delete'>;
  readonly network: BitcoinNetwork;
  readonly recorder: Pick<EventRecorder, 'event'>;
  readonly signal: AbortSignal;
}

/**
 * Deletes exactly the objects that the caches show as the network's own and that are not wanted; the pods of a StatefulSet go with it.
 * @returns those that the API server, a policy or a webhook of the cluster keeps: values, because the rest of a reconcile can continue
 * @throws an error that is no answer of the API server: no connection, a lost lease, an aborted signal
 */
export async function removeSurplus(
  { client, network, recorder, signal }: RemovalContext,
  state: NetworkState,
  caches: readonly (readonly [ChildKindName, ReadableCache<KubeObject>])[],
  wanted: readonly { readonly kind: ChildKindName; readonly name: string }[],
): Promise<AppliedChild[]> {
  const kept: AppliedChild[] = [];
  const isWanted = new Set(wanted.map(({ kind, name }) => `${kind}/${name}`));
  for (const [kind, cache] of caches) {
    const deleted: string[] = [];
    const { type } = childKinds[kind];
    for (const { metadata = {} } of ownedBy(cache, network)) {
      const { namespace = '', name = '', uid } = metadata;
      const isGoing = (metadata as { deletionTimestamp?: unknown }).deletionTimestamp !== undefined;
      if (isGoing || isWanted.has(`${kind}/${name}`)) continue;
      try {
        // Of the same name there may be another object by now.
        const preconditions = uid === undefined ? {} : { preconditions: { uid } };
        await client.delete(type, { namespace, name }, { propagationPolicy: 'Background', ...preconditions, signal });
        deleted.push(name);
      } catch (error) {
        if (apiStatusCode(error) === undefined || !(error instanceof Error)) throw error;
        if (!isNotFound(error)) {
          kept.push({ kind, name, applied: { outcome: 'failed', message: error.message, error }, isSurplus: true });
          continue;
        }
      }
      state.forgetChild(kind, name);
    }
    if (deleted.length === 0) continue;
    const { reason, message } = deletedEvent(type.kind, deleted);
    recorder.event(network, 'Normal', reason, message);
  }
  return kept;
}
