// Which changes in the cluster request which network, and when. Pure but for the caches that it reads.
import type { V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import { EMPTY, filter, map, merge, mergeMap, type Observable } from 'rxjs';
import { networkKeyOf } from '../bitcoin/api/names.ts';
import { controllerOf, keyOf } from '../kube/resource.ts';
import type { Request } from '../runtime/controller.ts';
import type { Change } from '../runtime/object-store.ts';
import { specChanged } from '../runtime/predicates.ts';
import { requestsForObjects, requestsForOwners } from '../runtime/requests.ts';
import { childCaches, type ReadableCaches } from './caches.ts';
import { type ObservedPod, podsOf } from './pod-cache.ts';
import { networks } from './resource-types.ts';
import { isReady, isTerminating } from './status/pods.ts';

/** Pods of a network become ready in bursts: one reconcile for a burst is sufficient, and 30 ms are not noticeable. */
const podBurstMs = 30;
/** While more nodes are about to become ready, reconciles that only report one of them are this far apart. The last one is not delayed. */
const rollingOutMs = 1_000;

/**
 * All networks at once, then every network that a change concerns.
 * @param synced namespaces that can be listed only later; '' stands for the whole cluster
 */
export function networkRequests(caches: ReadableCaches, synced: Observable<string> = EMPTY): Observable<Request> {
  return merge(
    synced.pipe(mergeMap(namespace => networksIn(caches, namespace))),
    requestsForObjects(caches.networks, specChanged),
    ...childCaches(caches).map(([, cache]) => requestsForOwners(cache, networks, specChanged)),
    requestsForOwners({ changes: caches.statefulSets.changes.pipe(filter(isProgress)) }, networks).pipe(
      map(({ key }) => ({ key, afterMs: isComingUp(caches, key) ? rollingOutMs : 0 })),
    ),
    caches.pods.changes.pipe(mergeMap(change => requestOfPod(caches, change))),
  );
}

/** Whether only what a rollout reads of its status has changed. */
function isProgress({ type, object, old }: Change<V1StatefulSet>): boolean {
  if (type !== 'updated' || old === undefined || specChanged(object, old)) return false;
  const fieldsOf = ({ metadata, status }: V1StatefulSet) =>
    JSON.stringify([
      ...[status?.currentRevision, status?.updateRevision],
      (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0),
    ]);
  return fieldsOf(object) !== fieldsOf(old);
}

function networksIn({ networks }: ReadableCaches, namespace: string): Request[] {
  const all = networks.all();
  return (namespace === '' ? all : all.filter(({ metadata }) => metadata.namespace === namespace)).map(network => ({
    key: keyOf(network),
  }));
}

function requestOfPod(caches: ReadableCaches, change: Change<ObservedPod>): Request[] {
  // Both: it may have lost its owner.
  const key = networkOfPod(change.object) ?? (change.old === undefined ? undefined : networkOfPod(change.old));
  if (key === undefined || !isRelevant(change)) return [];
  return [{ key, afterMs: isRollingOut(caches, key, change) ? rollingOutMs : podBurstMs }];
}

/** The network that a pod belongs to, by its label, as "namespace/name": if a StatefulSet controls it. */
export const networkOfPod = (pod: V1Pod): string | undefined =>
  controllerOf(pod)?.kind === 'StatefulSet' ? networkKeyOf(pod) : undefined;

/** Whether a field changed that a reconcile reads. */
export function isRelevant({ type, object, old }: Change<ObservedPod>): boolean {
  const fieldsOf = ({ metadata, status, problem, start }: ObservedPod) =>
    JSON.stringify([
      ...[metadata?.uid, metadata?.deletionTimestamp, metadata?.finalizers, metadata?.labels, metadata?.ownerReferences],
      ...[status?.podIP, status?.hostIP, status?.phase, status?.conditions, problem, start],
    ]);
  return type !== 'updated' || old === undefined || fieldsOf(object) !== fieldsOf(old);
}

/** Whether no node is lost by the change, and more nodes of the network have yet to become ready. */
function isRollingOut(caches: ReadableCaches, key: string, { type, object, old }: Change<V1Pod>): boolean {
  const isLoss = type === 'deleted' || isTerminating(object) || (old !== undefined && isReady(old) && !isReady(object));
  return !isLoss && isComingUp(caches, key);
}

/** Whether nodes of the network have yet to become ready. */
function isComingUp({ networks: all, pods }: ReadableCaches, key: string): boolean {
  const network = all.get(key);
  if (network === undefined) return false;
  const ready = podsOf(pods, network).filter(isReady).length;
  // The first one gets the blocks of another network at once, while the others start.
  return ready < network.spec.nodes && (ready > 1 || network.spec.bootstrap === undefined);
}
