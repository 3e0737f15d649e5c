// Reconciler: brings one network to the state that its spec wants, a step a line. It talks to the API server only; what the nodes report
//   comes from the node monitor. Any throw means: retry with backoff.
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { pausedAnnotation, serviceName, statefulSetName } from '../bitcoin/api/names.ts';
import type { PodOptions } from '../bitcoin/resources/stateful-set.ts';
import { controllerOf, keyOf, type KubeObject } from '../kube/resource.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import type { Applied, ApplyClient } from '../runtime/apply.ts';
import { ConcurrencyLimit } from '../runtime/concurrency-limit.ts';
import type { Result } from '../runtime/controller.ts';
import type { ReadableCaches } from './caches.ts';
import type { PodDiagnosis } from './diagnosis/pod-diagnosis.ts';
import type { Problem } from './diagnosis/pod-problems.ts';
import { failureReason, recordFailures } from './events/failures.ts';
import { reasons } from './events/reasons.ts';
import { type NetworkState, networkStates, type NetworkStates } from './network-state.ts';
import type { NodeMonitor } from './nodes/node-monitor.ts';
import { podsOf } from './pod-cache.ts';
import type { LostStatus } from './status/lost-status.ts';
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
  readonly diagnosis: Pick<PodDiagnosis, 'diagnose' | 'forget'>;
  readonly lost: LostStatus;
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
/** A former network's objects are usually deleted within this time; then they are nothing to report. */
const blockedGraceMs = 2_000;
/**
 * How often the Secret of a network without credentials is read again, with few such networks and for each further one. Secrets are not
 * watched, so nothing reports that one was created or corrected.
 */
const credentialsRetryMs = 3_000;
const credentialsRetryMsPerNetwork = 20;

interface Children {
  readonly credentials: CredentialsState;
  /** The outcomes of the Service and the StatefulSet. */
  readonly children: readonly (Applied<unknown> | undefined)[];
}

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #states: NetworkStates;
  /** The keys of the networks without usable credentials. */
  readonly #withoutCredentials = new Set<string>();
  readonly #applying = new ConcurrencyLimit(maxApplying, longestApplyMs);
  readonly #credentials: NetworkCredentials;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#states = networkStates(options.recorder);
    // Younger than a recheck: each recheck reads the Secret, and the reconciles between them do not.
    this.#credentials = new NetworkCredentials({ client: options.client, maxAgeMs: options.recheckMs / 2 });
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const { caches, client, diagnosis, monitor, recorder } = this.#options;
    const cached = caches.networks.get(key);
    if (cached === undefined) return this.#forget(key);
    const state = this.#states.of(cached);
    const network = state.writes.newest(cached) ?? cached;
    if (isBeingDeleted(network)) return this.#forget(key);
    state.outbox.publish(network, 'status', network.status?.lastEvents ?? []);
    if (isPaused(network)) return this.#pause(network, state, signal);
    if (!(await exists(client, network, this.#known(network, state), signal))) return {};
    const applied = await this.#applying.run(() => this.#applyChildren(network, state, signal));
    if (applied === undefined) return {};
    const pods = state.pods.of(network, podsOf(caches.pods, network));
    const nodes = observeNodes(network, pods, state.pods.replicas);
    const statefulSet = ownedBy(network, caches.statefulSets.get(keyIn(network, statefulSetName(network))));
    const { problems, lookAgainMs } = await diagnosis.diagnose(network, { statefulSet, pods }, signal);
    const { reports, settlesInMs } = monitor.observe(network, nodes, credentialsOf(applied));
    recordFailures(recorder, network, applied);
    const isRejected = reports.some(report => failureReason(report) === reasons.credentialsRejected);
    if (isRejected) this.#credentials.reject(network, state.credentials);
    const observation = { ...applied, nodes, reports, problems: [...blocking(applied, state), ...problems] };
    const waitMs = await publishStatus(this.#statusContext(network, signal), state, observation, settlesInMs);
    return this.#next(key, applied, isRejected, [waitMs, lookAgainMs]);
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

  /** @param waitsMs after how many milliseconds there may be something new; 0 or undefined = not before something changes */
  #next(key: string, { credentials, children }: Children, isRejected: boolean, waitsMs: readonly (number | undefined)[]): Result {
    const failed = children.find(child => child?.outcome === 'failed');
    if (failed !== undefined) throw failed.error;
    const isBlocked = children.some(child => child?.outcome === 'pending' || child?.outcome === 'taken');
    if (isBlocked || isRejected) return { requeue: 'rateLimited' };
    if (credentials.isAvailable) this.#withoutCredentials.delete(key);
    else this.#withoutCredentials.add(key);
    const contestedMs = children.flatMap(child => (child?.outcome === 'contested' ? [child.waitMs] : []));
    const recheckMs = this.#options.recheckMs * (0.9 + 0.2 * Math.random());
    const credentialsMs = credentials.isAvailable
      ? []
      : [Math.max(credentialsRetryMs, this.#withoutCredentials.size * credentialsRetryMsPerNetwork)];
    const wantedMs = waitsMs.flatMap(ms => (ms !== undefined && ms > 0 ? [ms] : []));
    return { requeueAfterMs: Math.min(recheckMs, ...contestedMs, ...credentialsMs, ...wantedMs) };
  }

  /** The nodes are still observed, so that the status does not claim what is not so. */
  async #pause(network: BitcoinNetwork, state: NetworkState, signal: AbortSignal): Promise<Result> {
    const { caches } = this.#options;
    this.#stopWatching(keyOf(network));
    state.pods.note(caches.statefulSets.get(keyIn(network, statefulSetName(network))));
    const nodes = observeNodes(network, state.pods.of(network, podsOf(caches.pods, network)), state.pods.replicas);
    const waitMs = await publishStatus(this.#statusContext(network, signal), state, { isPaused: true, nodes }, 0);
    return waitMs > 0 ? { requeueAfterMs: waitMs } : {};
  }

  #statusContext(network: BitcoinNetwork, signal: AbortSignal) {
    const { client, lost, recorder } = this.#options;
    return { client, lost, recorder, network, signal };
  }

  #stopWatching(key: string): void {
    this.#options.monitor.forget(key);
    this.#options.diagnosis.forget(key);
    this.#withoutCredentials.delete(key);
  }

  /** The garbage collector deletes the children, by their owner references. */
  #forget(key: string): Result {
    this.#stopWatching(key);
    this.#options.lost.forget(key);
    this.#states.forget(key);
    return {};
  }
}

const keyIn = ({ metadata }: BitcoinNetwork, name: string): string => `${metadata.namespace}/${name}`;

const ownedBy = <T extends KubeObject>({ metadata }: BitcoinNetwork, object: T | undefined): T | undefined =>
  object !== undefined && controllerOf(object)?.uid === metadata.uid ? object : undefined;

/** Objects that are being deleted and are in the way of the network's own, once that takes longer than usual. */
function blocking({ children }: Children, state: NetworkState): Problem[] {
  const causes = children.flatMap(child => (child?.outcome === 'pending' && child.message !== undefined ? [child.message] : []));
  const nowMs = performance.now();
  state.blockedSinceMs = causes.length === 0 ? undefined : (state.blockedSinceMs ?? nowMs);
  if (state.blockedSinceMs === undefined || nowMs - state.blockedSinceMs < blockedGraceMs) return [];
  return causes.map(cause => ({ subject: '', reason: reasons.waitingForDeletion, cause }));
}

const isBeingDeleted = ({ metadata }: BitcoinNetwork): boolean => metadata.deletionTimestamp !== undefined;

/** In any case: "True" is meant as well. */
const isPaused = ({ metadata }: BitcoinNetwork): boolean => metadata.annotations?.[pausedAnnotation]?.toLowerCase() === 'true';

const isSameSpec = ({ metadata }: BitcoinNetwork, now: BitcoinNetwork | undefined): boolean =>
  now?.metadata.uid === metadata.uid && now.metadata.generation === metadata.generation && !isBeingDeleted(now) && !isPaused(now);

const credentialsOf = ({ credentials }: Children) => (credentials.isAvailable ? credentials.credentials : undefined);
