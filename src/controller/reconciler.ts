// Reconciler: brings one network to the state that its spec wants, a step a line. It talks to the API server only; what the nodes report
//   comes from the node monitor. Any throw means: retry with backoff.
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { pausedAnnotation, serviceName, statefulSetName } from '../bitcoin/api/names.ts';
import type { PodOptions } from '../bitcoin/resources/stateful-set.ts';
import { keyOf } from '../kube/resource.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import type { Applied, ApplyClient } from '../runtime/apply.ts';
import { ConcurrencyLimit } from '../runtime/concurrency-limit.ts';
import type { Result } from '../runtime/controller.ts';
import type { ReadableCaches } from './caches.ts';
import { failureReason, recordFailures } from './events/failures.ts';
import { reasons } from './events/reasons.ts';
import { type NetworkState, networkStates, type NetworkStates } from './network-state.ts';
import type { NodeMonitor } from './nodes/node-monitor.ts';
import { podsOf } from './pod-cache.ts';
import { observeNodes } from './status/pods.ts';
import { exists } from './steps/confirm-existence.ts';
import { type CredentialsState, NetworkCredentials } from './steps/credentials.ts';
import { publishStatus } from './steps/publish-status.ts';
import { applyService } from './steps/service.ts';
import { applyStatefulSet } from './steps/stateful-set.ts';

export interface ReconcilerOptions {
  readonly client: ApplyClient;
  readonly caches: ReadableCaches;
  readonly recorder: Pick<EventRecorder, 'event' | 'annotatedEvent'>;
  readonly monitor: Pick<NodeMonitor, 'observe' | 'forget'>;
  readonly pods: PodOptions;
  /** How often a stable network is reconciled again. */
  readonly recheckMs: number;
}

/**
 * How many networks have their objects applied at the same time. With more the API server would not write more a second; with as few, the
 * pods of the first networks start while the others wait.
 */
const maxApplying = 10;
/** Many times what it usually takes. When a webhook or the read of a Secret hangs, other networks proceed after it. */
const longestApplyMs = 1_000;

/** Nothing reports that a missing Secret was created or corrected: Secrets are not watched. One GET serves all networks that name it. */
const noCredentialsMs = 3_000;

interface Children {
  readonly credentials: CredentialsState;
  /** The outcomes of the Service and the StatefulSet. */
  readonly children: readonly (Applied<unknown> | undefined)[];
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #states: NetworkStates;
  readonly #applying = new ConcurrencyLimit(maxApplying, longestApplyMs);
  readonly #credentials: NetworkCredentials;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#states = networkStates(options.recorder);
    // Younger than a recheck: each recheck reads the Secret, and the reconciles between them do not.
    this.#credentials = new NetworkCredentials({ client: options.client, maxAgeMs: options.recheckMs / 2 });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const { caches, client, monitor, recorder } = this.#options;
    const cached = caches.networks.get(key);
    if (cached === undefined) return this.#forget(key);
    const state = this.#states.of(cached);
    const network = state.writes.newest(cached) ?? cached;
    if (isBeingDeleted(network)) return this.#forget(key);
    if (isPaused(network)) return this.#pause(key);

    if (!(await exists(client, network, this.#known(network, state), signal))) return {};
    state.outbox.publish(network, 'status', network.status?.lastEvents ?? []);
    const applied = await this.#applying.run(() => this.#applyChildren(network, state, signal));
    if (applied === undefined) return {};
    const nodes = observeNodes(network, state.pods.of(network, podsOf(caches.pods, network)), state.pods.replicas);
    const { reports, settlesInMs } = monitor.observe(network, nodes, credentialsOf(applied));
    recordFailures(recorder, network, applied);
    const isRejected = reports.some(report => failureReason(report) === reasons.credentialsRejected);
    if (isRejected) this.#credentials.reject(network, state.credentials);
    const waitMs = await publishStatus({ client, network, signal }, state, { ...applied, nodes, reports }, settlesInMs);
    return this.#next(applied, isRejected, waitMs);
  }

  /** Call when an event about the network was dropped: the next reconcile publishes it again. */
  republish(key: string): void {
    this.#states.at(key)?.outbox.republish();
  }

  /** Call when an informer saw a child of the network deleted. */
  forgetChild(key: string, child: 'service' | 'statefulSet'): void {
    this.#states.at(key)?.[child].writes.forget();
  }

  /** Undefined if the network has been deleted, paused or changed while it waited: its key is queued again then. */
  async #applyChildren(network: BitcoinNetwork, state: NetworkState, signal: AbortSignal): Promise<Children | undefined> {
    const { caches, client, pods } = this.#options;
    if (!isSameSpec(network, caches.networks.get(keyOf(network)))) return undefined;
    const context = { client, network, outbox: state.outbox, signal };
    const service = await applyService(context, state, caches.services.get(keyIn(network, serviceName(network))));
    const cached = caches.statefulSets.get(keyIn(network, statefulSetName(network)));
    const current = state.statefulSet.writes.newest(cached);
    const credentials = await this.#credentials.of(network, state.credentials, current, signal);
    const statefulSet = await applyStatefulSet(context, state, cached, credentials, pods);
    return { credentials, children: [service, statefulSet] };
  }

  #known(network: BitcoinNetwork, { service, statefulSet }: NetworkState) {
    const { caches } = this.#options;
    return [
      service.writes.newest(caches.services.get(keyIn(network, serviceName(network)))),
      statefulSet.writes.newest(caches.statefulSets.get(keyIn(network, statefulSetName(network)))),
    ];
  }

  #next({ credentials, children }: Children, isRejected: boolean, waitMs: number): Result {
    const failed = children.find(child => child?.outcome === 'failed');
    if (failed !== undefined) throw failed.error;
    const isBlocked = children.some(child => child?.outcome === 'pending' || child?.outcome === 'taken');
    if (isBlocked || isRejected) return { requeue: 'rateLimited' };
    if (!credentials.isAvailable) return { requeueAfterMs: noCredentialsMs };
    const contestedMs = children.flatMap(child => (child?.outcome === 'contested' ? [child.waitMs] : []));
    const recheckMs = this.#options.recheckMs * (0.9 + 0.2 * Math.random());
    return { requeueAfterMs: Math.min(...contestedMs, waitMs > 0 ? waitMs : recheckMs) };
  }

  #pause(key: string): Result {
    this.#options.monitor.forget(key);
    return {};
  }

  /** The garbage collector deletes the children, by their owner references. */
  #forget(key: string): Result {
    this.#options.monitor.forget(key);
    this.#states.forget(key);
    return {};
  }
}

const keyIn = ({ metadata }: BitcoinNetwork, name: string): string => `${metadata.namespace}/${name}`;

const isBeingDeleted = ({ metadata }: BitcoinNetwork): boolean => metadata.deletionTimestamp !== undefined;

/** In any case: "True" is meant as well. */
const isPaused = ({ metadata }: BitcoinNetwork): boolean => metadata.annotations?.[pausedAnnotation]?.toLowerCase() === 'true';

const isSameSpec = ({ metadata }: BitcoinNetwork, now: BitcoinNetwork | undefined): boolean =>
  now?.metadata.uid === metadata.uid && now.metadata.generation === metadata.generation && !isBeingDeleted(now) && !isPaused(now);

const credentialsOf = ({ credentials }: Children) => (credentials.isAvailable ? credentials.credentials : undefined);
