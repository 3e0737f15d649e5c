/**
 * Builds a controller of any resource: informers and caches, a work queue, leader election, server-side apply that reverts drift, an outbox for
 * events, and a health server, over a Kubernetes client that speaks raw JSON. Experimental: names and options may change in any version. It
 * needs Node.js and `@kubernetes/client-node`. Nothing in this project imports it from here.
 *
 * @example A queue that runs each key once at a time, and retries with backoff
 * ```ts
 * import { consoleLogger, Controller, WorkQueue } from 'bitcoin-controller/runtime';
 * import { of } from 'rxjs';
 *
 * const stop = new AbortController();
 * const tries: Record<string, number> = {};
 * const controller = new Controller({
 *   name: 'example',
 *   requests: of({ key: 'default/a' }, { key: 'default/b' }),
 *   queue: new WorkQueue({ baseDelayMs: 1 }),
 *   concurrency: 2,
 *   logger: { ...consoleLogger, error: message => console.log(message) },
 *   reconcile: async key => {
 *     tries[key] = (tries[key] ?? 0) + 1;
 *     if (key === 'default/a' && tries[key] === 1) throw new Error('not yet');
 *     if (key === 'default/a') stop.abort(new Error('done'));
 *     return {};
 *   },
 * });
 * await controller.run(stop.signal);
 * console.log(tries['default/a'], tries['default/b']);
 * // prints Reconcile failed
 * // prints 2 1
 * ```
 *
 * @module runtime
 */
export {
  ApiError,
  apiStatusCode,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isNotFound,
} from '../kube/api-error.ts';
export type { ApiErrorCause, ApiStatus } from '../kube/api-error.ts';
export { KubeClient } from '../kube/client.ts';
export type {
  ApplyOptions,
  CallOptions,
  CreateOptions,
  DeleteOptions,
  KubeClientOptions,
  ListOptions,
  PatchOptions,
  Selection,
  WatchOptions,
  WriteOptions,
} from '../kube/client-options.ts';
export { apiVersionOf, controllerOf, keyOf } from '../kube/resource.ts';
export type { KubeList, KubeObject, ObjectName, OwnerReference, ResourceType } from '../kube/resource.ts';
export type { RequestMetrics, RequestOutcome } from '../kube/retry.ts';
export type { WatchEvent } from '../kube/watch-stream.ts';
export { consoleLogger } from '../logging/console-logger.ts';
export type { ContextLogger, LogFields, Logger } from '../logging/logger.ts';
export { apply, execute, plan } from './apply.ts';
export { digestOf, withAnnotations, withDigest } from './digest.ts';
export type { Applied, ApplyClient, ExecuteOptions, Known, Plan, PlanOptions, Replan } from './apply.ts';
export { CacheSet, type AnyCache, type SyncState } from './cache-set.ts';
export { ConcurrencyLimit } from './concurrency-limit.ts';
export { Controller } from './controller.ts';
export type { ControllerMetrics, ControllerOptions, Reconcile, Request, Result } from './controller.ts';
export { DriftBackoff } from './drift-backoff.ts';
export { EventOutbox, type EventOutboxOptions, type PendingEvent, type StoredEvent } from './event-outbox.ts';
export { holds } from './field-comparison.ts';
export { HealthServer, type Check, type CheckResult, type HealthServerOptions, type MetricsText } from './health-server.ts';
export { Informer } from './informer.ts';
export type { InformerMetrics, InformerObservation, InformerOptions } from './informer-options.ts';
export { LeaderElector, LeaseLostError, type ElectionMetrics, type LeaderElectorOptions } from './leader-elector.ts';
export type { Lease, LeaseSpec } from './lease-lock.ts';
export { MultiNamespaceCache, type MultiNamespaceCacheOptions } from './multi-namespace-cache.ts';
export { MutationCache } from './mutation-cache.ts';
export type { Change, Indexers } from './object-store.ts';
export { PerObject } from './per-object.ts';
export { ownerKey, specChanged, type OwnerType } from './predicates.ts';
export { requestsForObjects, requestsForOwners, type ObjectSource, type Predicate } from './requests.ts';
export { keepMetadata, type KeptMetadata } from './transform.ts';
export { WorkQueue, type QueueMetrics, type QueueObservation, type WorkQueueOptions } from './work-queue.ts';
