// Maps what changed to networks' keys, and gives each key to a worker. Before it: caches.ts and its informers. After it: reconcile.ts.
import { randomUUID } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { type Observable, Subscription } from 'rxjs';
import { kind } from '../bitcoin/api/bitcoin-network.ts';
import { networkOfStatefulSet } from '../bitcoin/api/names.ts';
import { controllerOf, keyOf, type KubeObject } from '../kube/resource.ts';
import type { Logger } from '../logging/logger.ts';
import { withFields } from '../logging/with-fields.ts';
import type { ControllerMetrics } from '../metrics/prometheus.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import { type Caches, podsOf } from './caches.ts';
import type { CacheSet } from '../runtime/cache-set.ts';
import type { Change } from '../runtime/informer.ts';
import { LeaseLostError } from '../runtime/leader-elector.ts';
import { reasons } from './events/reasons.ts';
import type { Reconciler } from './reconciler.ts';
import { isReady, isTerminating } from './status/status.ts';
import type { WorkQueue } from '../runtime/work-queue.ts';

export interface ControllerOptions {
  /** In metrics. */
  readonly name: string;
  readonly caches: Caches;
  /** Keys of a namespace are reconciled once it has synced. Default: all at once. */
  readonly synced?: Pick<CacheSet, 'hasSynced' | 'synced'> | undefined;
  readonly queue: WorkQueue;
  readonly reconciler: Reconciler;
  readonly recorder: EventRecorder;
  readonly logger: Logger;
  /** How many networks are worked on at the same time. They mostly wait for answers, so many cost little. Those that wait for nodes which hang do not count. */
  readonly concurrency: number;
  readonly metrics?: ControllerMetrics | undefined;
}

type ReconcileResult = 'success' | 'requeue' | 'requeue_after' | 'error';

const resultOf = { wait: 'success', retry: 'requeue', again: 'requeue_after' } as const;

/** Pods of a network become ready in bursts; one reconcile for a burst is enough, and 30 ms are not noticed. */
const podBurstMs = 30;
/** A worker that waits for nodes alone goes on to the next network after this: however many hang, they hold up no other network for longer. */
const longestWaitMs = 5_000;
/** While nodes have yet to become ready the next one is near, and each look asks all that are: the last one is what is waited for. */
const comingUpMs = 1_000;

export class Controller {
  readonly #options: ControllerOptions;
  /** By key, what hastens the reconcile that is under way. */
  readonly #underWay = new Map<string, AbortController>();

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  /**
   * Works until `signal` aborts, then finishes the reconciles that are under way.
   * The caches must have synced before, or what they lack would be taken not to exist.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { name, queue, concurrency, metrics, synced } = this.#options;
    const subscription = this.#listen();
    subscription.add(synced?.synced.subscribe(namespace => this.#addAll(namespace)));
    this.#addAll('');
    const stop = () => queue.shutDown();
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    metrics?.started(name, concurrency);
    await Promise.all(Array.from({ length: concurrency }, () => this.#work(signal)));
    signal.removeEventListener('abort', stop);
    subscription.unsubscribe();
  }

  /** Adds the networks of a namespace, or with '' all networks. */
  #addAll(namespace: string): void {
    const { caches, queue } = this.#options;
    for (const network of caches.networks.all())
      if (namespace === '' || network.metadata.namespace === namespace) queue.add(keyOf(network));
  }

  #listen(): Subscription {
    const { caches, reconciler } = this.#options;
    const subscription = new Subscription();
    subscription.add(
      caches.networks.changes.subscribe(({ type, object, old }) => {
        if (type !== 'updated' || isAskedOtherwise(object, old)) this.#add(keyOf(object));
      }),
    );
    const children = (resource: 'services' | 'statefulSets', changes: Observable<Change<KubeObject>>) =>
      changes.subscribe(({ type, object, old }) => {
        if (type === 'deleted') reconciler.forgetDeleted(resource, keyOf(object));
        if (type === 'updated' && !isAskedOtherwise(object, old)) return;
        // Both: somebody may have taken the owner away.
        for (const key of new Set([ownerKey(old), ownerKey(object)])) if (key !== undefined) this.#add(key);
      });
    subscription.add(children('services', caches.services.changes));
    subscription.add(children('statefulSets', caches.statefulSets.changes));
    subscription.add(
      caches.pods.changes.subscribe(change => {
        const key = networkOfPod(change.object);
        if (key !== undefined && isRelevant(change)) this.#add(key, this.#isComingUp(key, change) ? comingUpMs : podBurstMs);
      }),
    );
    return subscription;
  }

  /** Something has changed: what is under way with the key does not wait for nodes that do not answer. */
  #add(key: string, afterMs = 0): void {
    if (afterMs === 0) this.#options.queue.add(key);
    else this.#options.queue.addAfter(key, afterMs);
    this.#underWay.get(key)?.abort();
  }

  /** Whether a change is good news of a network that has nodes yet to become ready. */
  #isComingUp(key: string, { type, object, old }: Change<V1Pod>): boolean {
    const { caches } = this.#options;
    const network = caches.networks.get(key);
    const isLoss = type === 'deleted' || isTerminating(object) || (old !== undefined && isReady(old) && !isReady(object));
    return network !== undefined && !isLoss && podsOf(caches, network).filter(isReady).length < network.spec.nodes;
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { queue } = this.#options;
    const unfinished = new Set<Promise<void>>();
    for (let next = await queue.get(); next !== undefined; next = await queue.get()) {
      const key = next;
      await new Promise<void>(goOn => {
        let timer: NodeJS.Timeout | undefined;
        const work = this.#process(key, signal, () => (timer = setTimeout(goOn, longestWaitMs))).finally(() => {
          clearTimeout(timer);
          unfinished.delete(work);
          goOn();
        });
        unfinished.add(work);
      });
    }
    await Promise.all(unfinished);
  }

  async #process(key: string, signal: AbortSignal, onAskingNodes: () => void): Promise<void> {
    const { queue, name, metrics, synced } = this.#options;
    // What a cache has not listed would be taken for absent. The key is added again when it has.
    if (synced?.hasSynced(key.slice(0, key.indexOf('/'))) === false) {
      queue.done(key);
      return;
    }
    metrics?.workerStarted(name);
    await this.#reconcile(key, signal, onAskingNodes);
    metrics?.workerFinished(name);
    queue.done(key);
  }

  async #reconcile(key: string, signal: AbortSignal, onAskingNodes: () => void): Promise<void> {
    const { name, queue, reconciler, metrics } = this.#options;
    // Every message of one reconcile has the same id, as controller-runtime's have.
    const logger = withFields(this.#options.logger, { key, reconcileID: randomUUID() });
    const startedMs = performance.now();
    const report = (result: ReconcileResult) => {
      const seconds = (performance.now() - startedMs) / 1000;
      metrics?.reconciled(name, result, seconds);
      logger.debug('Reconciled', { result, seconds });
    };
    const hurry = new AbortController();
    this.#underWay.set(key, hurry);
    try {
      const outcome = await reconciler.reconcile(key, signal, { hurry: hurry.signal, onAskingNodes });
      if (outcome.next === 'retry') queue.addRateLimited(key);
      else queue.forget(key);
      if (outcome.next === 'again') queue.addAfter(key, outcome.afterMs);
      report(resultOf[outcome.next]);
    } catch (error) {
      // A lost lease may be met here before the signal tells of it.
      if (signal.aborted || error instanceof LeaseLostError) return;
      report('error');
      logger.error('reconcile failed', { error });
      this.#recordFailure(key, error);
      queue.addRateLimited(key);
    } finally {
      this.#underWay.delete(key);
    }
  }

  #recordFailure(key: string, error: unknown): void {
    const network = this.#options.caches.networks.get(key);
    if (network !== undefined) this.#options.recorder.event(network, 'Warning', reasons.reconcileFailed, messageOf(error));
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * Whether anything but the status changed. A network's is our own doing, unless somebody else wrote it: then the status we want
 * differs, and the next recheck repairs it. Nobody reads a StatefulSet's. Objects without a generation do not tell.
 */
function isAskedOtherwise({ metadata }: KubeObject, old: KubeObject | undefined): boolean {
  const asked = (fields: AskedFields = {}) =>
    JSON.stringify([
      fields.uid,
      fields.generation,
      fields.labels,
      fields.annotations,
      fields.ownerReferences,
      fields.deletionTimestamp,
    ]);
  const now: AskedFields | undefined = metadata;
  return old === undefined || now?.generation === undefined || asked(now) !== asked(old.metadata);
}

interface AskedFields {
  readonly uid?: string;
  readonly generation?: number;
  readonly labels?: unknown;
  readonly annotations?: unknown;
  readonly ownerReferences?: unknown;
  readonly deletionTimestamp?: unknown;
}

/** The network that controls a Service or StatefulSet. */
function ownerKey(object: KubeObject | undefined): string | undefined {
  const owner = object === undefined ? undefined : controllerOf(object);
  return owner?.kind === kind ? `${object?.metadata?.namespace ?? ''}/${owner.name}` : undefined;
}

/** The network that a pod belongs to, by the name of its StatefulSet. */
function networkOfPod(pod: V1Pod): string | undefined {
  const owner = controllerOf(pod);
  const name = owner?.kind === 'StatefulSet' ? networkOfStatefulSet(owner.name) : undefined;
  return name === undefined ? undefined : `${pod.metadata?.namespace ?? ''}/${name}`;
}

/** Whether anything changed that a reconcile reads. */
function isRelevant({ type, object, old }: Change<V1Pod>): boolean {
  const read = ({ metadata, status }: V1Pod) =>
    JSON.stringify([metadata?.uid, metadata?.deletionTimestamp, status?.podIP, status?.conditions]);
  return type !== 'updated' || old === undefined || read(object) !== read(old);
}
