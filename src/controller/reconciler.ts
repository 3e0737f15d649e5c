// One network, made to be as its spec says: five steps, each awaited. Before it: controller.ts with a key. After it: apply.ts,
// bitcoin/peers.ts and the API server. Any throw means: again, later.
import type { V1Service, V1StatefulSet } from '@kubernetes/client-node';
import { isConflict, isNotFound } from '../kube/api-error.ts';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { connectPeers } from '../bitcoin/topology/connect-node.ts';
import { credentialsAnnotation, pausedAnnotation, serviceName, statefulSetName } from '../bitcoin/api/names.ts';
import { headlessService } from '../bitcoin/resources/service.ts';
import { type PodOptions, secretOf, statefulSetFor } from '../bitcoin/resources/stateful-set.ts';
import type { KubeClient } from '../kube/client.ts';
import { controllerOf, type KubeObject, keyOf, type ResourceType } from '../kube/resource.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import { apply, type Applied, type Changed } from '../runtime/apply.ts';
import { type Caches, podsOf } from './caches.ts';
import { type CredentialsState, NetworkCredentials } from './steps/credentials.ts';
import { recordFailures, serviceNews, statefulSetNews, transitionNews } from './events/transitions.ts';
import type { MultiNamespaceCache } from '../runtime/multi-namespace-cache.ts';
import { LatestWrites } from '../runtime/mutation-cache.ts';
import { OwnPods } from './nodes/own-pods.ts';
import { PerNetwork } from '../runtime/per-object.ts';
import { Repairs } from '../runtime/drift-backoff.ts';
import { reasons } from './events/reasons.ts';
import { networks, services, statefulSets } from './resource-types.ts';
import { StatusPace } from './status/status-throttle.ts';
import { failureReason, isSameStatus, isUrgent, observeNodes, statusOf } from './status/status.ts';
import { lastEventAnnotations, lastEventOf, type News, type Part, storyOf, Storyteller } from '../runtime/event-outbox.ts';
import { Turns } from '../runtime/concurrency-limit.ts';

/** In any case: "True" is meant as well. */
const isPaused = ({ metadata }: Pick<BitcoinNetwork, 'metadata'>): boolean =>
  metadata.annotations?.[pausedAnnotation]?.toLowerCase() === 'true';

/** What is to happen with the key next. */
export type Outcome =
  { readonly next: 'wait' } | { readonly next: 'retry' } | { readonly next: 'again'; readonly afterMs: number };

export interface ReconcilerOptions {
  readonly client: KubeClient;
  readonly caches: Caches;
  readonly recorder: EventRecorder;
  readonly pods: PodOptions;
  /** How often a network at rest has its nodes' peers looked at again. */
  readonly recheckMs: number;
}

/** How one of a network's own objects is applied. */
interface Child<T extends KubeObject> {
  readonly type: ResourceType<T>;
  readonly written: LatestWrites<T>;
  readonly cache: MultiNamespaceCache<T>;
  readonly desired: T;
  readonly newsOf: (what: Changed, previous: T | undefined) => News;
  readonly signal: AbortSignal;
}

/**
 * How many networks have their objects applied at the same time. The API server makes no more of them a second when it is asked for a
 * hundred at once; but with ten, the first networks' pods start while the others wait.
 */
const maxApplying = 10;
/** Many times what it takes; where a webhook hangs or refuses, or a Secret is not answered, other networks go on after it. */
const longestTurnMs = 1_000;

/** Until then the informer has seen what another writer did to the network. */
const conflictDelayMs = 500;

export class Reconciler {
  readonly #options: ReconcilerOptions;
  readonly #written = {
    networks: new LatestWrites<BitcoinNetwork>(),
    services: new LatestWrites<V1Service>(),
    statefulSets: new LatestWrites<V1StatefulSet>(),
  };
  readonly #repairs = new Repairs();
  /** What was deleted to be made anew and is not there yet: its return is told as what it is. */
  readonly #replaced = new PerNetwork((): Partial<Record<Part, KubeObject | undefined>> => ({}));
  readonly #pods = new OwnPods();
  readonly #applying = new Turns(maxApplying, longestTurnMs);
  readonly #story: Storyteller;
  readonly #pace = new StatusPace();
  readonly #credentials: NetworkCredentials;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#story = new Storyteller(options.recorder);
    // Younger than a recheck: each recheck reads the Secret, and the reconciles between them do not.
    this.#credentials = new NetworkCredentials({ client: options.client, maxAgeMs: options.recheckMs / 2 });
  }

  /**
   * Brings one network nearer to its spec. Throws what keeps it from doing so.
   * @param hurry aborts when the key has come again: nodes that do not answer are not waited for then
   * @param onAskingNodes called when nothing but nodes is waited for, however long those take
   */
  async reconcile(
    key: string,
    signal: AbortSignal,
    { hurry, onAskingNodes }: { readonly hurry?: AbortSignal; readonly onAskingNodes?: () => void } = {},
  ): Promise<Outcome> {
    const { caches, recorder } = this.#options;
    const cached = caches.networks.get(key);
    // Only its status is ever written here: a network that the cache does not have is gone, whatever was written a moment ago.
    const network = cached === undefined ? undefined : this.#written.networks.newest(key, cached);
    // Children go by their owner references.
    if (network === undefined || network.metadata.deletionTimestamp !== undefined) return this.#forget(key);
    if (isPaused(network)) return { next: 'wait' };

    if (!(await this.#isThereStill(network, signal))) return { next: 'wait' };
    // What a predecessor wrote and could not tell any more.
    this.#story.tell(network, 'status', network.status?.lastEvents ?? []);
    const applied = await this.#applying.take(() =>
      // Before its turn came it may have been deleted, paused or changed: its key is in line again then.
      this.#isStillAsked(network) ? this.#applyChildren(network, signal) : Promise.resolve(undefined),
    );
    if (applied === undefined) return { next: 'wait' };
    const { service, credentials, statefulSet } = applied;
    const children = [service, statefulSet];
    const nodes = observeNodes(network, this.#pods.of(network, podsOf(caches, network)));
    onAskingNodes?.();
    const peers = credentials.isAvailable ? await connectPeers(nodes, credentials.credentials, { signal, hurry }) : [];
    if (peers.some(report => failureReason(report) === reasons.credentialsRejected)) this.#credentials.reject(network);
    recordFailures(recorder, network, { credentials, peers, children });
    const waitMs = await this.#patchStatus(key, network, { nodes, peers, credentials, children }, signal);

    const failed = children.find(child => child?.outcome === 'failed');
    if (failed?.outcome === 'failed') throw failed.error;
    const contestedMs = children.flatMap(child => (child?.outcome === 'contested' ? [child.waitMs] : []));
    const isPending = children.some(child => child?.outcome === 'pending' || child?.outcome === 'taken');
    if (isPending || !credentials.isAvailable || peers.some(({ isComplete }) => !isComplete)) return { next: 'retry' };
    if (contestedMs.length > 0) return { next: 'again', afterMs: Math.min(...contestedMs) };
    return { next: 'again', afterMs: waitMs > 0 ? waitMs : this.#recheckMs() };
  }

  /**
   * Asks the API server about a network that was seen to before and lacks an object of its own, or its ownership. The caches do not
   * follow at the same moment, and what is made for a network that is gone would be collected, made again and told again until they
   * agree; what it left behind on purpose (`--cascade=orphan`) would be collected for good.
   */
  async #isThereStill(network: BitcoinNetwork, signal: AbortSignal): Promise<boolean> {
    const { namespace, name, uid } = network.metadata;
    const { caches, client } = this.#options;
    const serviceKey = `${namespace}/${serviceName(network)}`;
    const statefulSetKey = `${namespace}/${statefulSetName(network)}`;
    const children: readonly (KubeObject | undefined)[] = [
      this.#written.services.newest(serviceKey, caches.services.get(serviceKey)),
      this.#written.statefulSets.newest(statefulSetKey, caches.statefulSets.get(statefulSetKey)),
    ];
    const isWhole = children.every(child => child !== undefined && controllerOf(child)?.uid === uid);
    if (isWhole || network.status === undefined) return true;
    try {
      const { metadata: now } = await client.get(networks, { namespace, name }, { signal });
      return now.uid === uid && now.deletionTimestamp === undefined;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  #isStillAsked({ metadata }: BitcoinNetwork): boolean {
    const now = this.#options.caches.networks.get(keyOf({ metadata }));
    return (
      now?.metadata.uid === metadata.uid &&
      now.metadata.generation === metadata.generation &&
      now.metadata.deletionTimestamp === undefined &&
      !isPaused(now)
    );
  }

  async #applyChildren(network: BitcoinNetwork, signal: AbortSignal) {
    const service = await this.#applyService(network, signal);
    const key = `${network.metadata.namespace}/${statefulSetName(network)}`;
    const current = this.#written.statefulSets.newest(key, this.#options.caches.statefulSets.get(key));
    const credentials = await this.#credentials.of(network, current, signal);
    return { service, credentials, statefulSet: await this.#applyStatefulSet(network, credentials, signal) };
  }

  #applyService(network: BitcoinNetwork, signal: AbortSignal): Promise<Applied<V1Service>> {
    return this.#apply(network, 'service', {
      type: services,
      written: this.#written.services,
      cache: this.#options.caches.services,
      desired: headlessService(network),
      newsOf: what => serviceNews(network, what),
      signal,
    });
  }

  /** Without credentials no node is started, since it would fall back to the defaults; one that runs goes on with what it has, its Secret included. */
  async #applyStatefulSet(
    network: BitcoinNetwork,
    credentials: CredentialsState,
    signal: AbortSignal,
  ): Promise<Applied<V1StatefulSet> | undefined> {
    const cache = this.#options.caches.statefulSets;
    const key = `${network.metadata.namespace}/${statefulSetName(network)}`;
    const current = this.#written.statefulSets.newest(key, cache.get(key));
    this.#pods.note(network, current);
    if (!credentials.isAvailable && current === undefined) return undefined;
    const version = credentials.isAvailable
      ? credentials.version
      : current?.spec?.template.metadata?.annotations?.[credentialsAnnotation];
    const applied = await this.#apply(network, 'statefulSet', {
      type: statefulSets,
      written: this.#written.statefulSets,
      cache,
      desired: statefulSetFor(
        credentials.isAvailable ? network : { ...network, spec: { ...network.spec, secret: secretOf(current) } },
        version,
        this.#options.pods,
      ),
      newsOf: (what, previous) => statefulSetNews(network, what, previous),
      signal,
    });
    if ('object' in applied) this.#pods.note(network, applied.object);
    return applied;
  }

  async #apply<T extends KubeObject>(network: BitcoinNetwork, part: Part, child: Child<T>): Promise<Applied<T>> {
    const { type, written, cache, desired, newsOf, signal } = child;
    const key = `${desired.metadata?.namespace ?? ''}/${desired.metadata?.name ?? ''}`;
    const replaced = this.#replaced.of(network);
    const applied = await apply(this.#options.client, type, desired, written.newest(key, cache.get(key)), {
      signal,
      repairs: this.#repairs,
      replaced: replaced[part] as T | undefined,
      onReplacing: previous => (replaced[part] = previous),
      annotate: (what, previous) => {
        // What a predecessor wrote and did not tell would be overwritten.
        if (previous !== undefined) this.#story.tell(network, part, lastEventOf(previous));
        return lastEventAnnotations(storyOf(network, part, [newsOf(what, previous)]));
      },
    });
    if ('object' in applied) replaced[part] = undefined;
    if (applied.outcome === 'created' || applied.outcome === 'updated' || applied.outcome === 'recreated')
      written.remember(key, applied.object);
    if ('object' in applied) this.#story.tell(network, part, lastEventOf(applied.object));
    return applied;
  }

  /** Returns after how many milliseconds it is to be tried again: 0 = the status is on the API server. */
  async #patchStatus(
    key: string,
    network: BitcoinNetwork,
    observation: Parameters<typeof statusOf>[1],
    signal: AbortSignal,
  ): Promise<number> {
    const previous = network.status;
    const status = statusOf(network, observation, previous, new Date());
    const isSame = isSameStatus(previous, status);
    const isProgress = !isSame && !isUrgent(previous, status);
    if (!isProgress) this.#pace.forget(key);
    const waitMs = isProgress ? this.#pace.waitMs(key) : 0;
    if (isSame || waitMs > 0) return waitMs;
    const { namespace, name, uid, resourceVersion } = network.metadata;
    const lastEvents = storyOf(network, 'status', transitionNews(network, previous, status));
    // With the version that was read: of two controllers one tells what has changed, and a network that was deleted and made again
    // meanwhile is not given the old one's status.
    const metadata = { uid, resourceVersion };
    const body = { metadata, status: lastEvents.length === 0 ? status : { ...status, lastEvents } };
    try {
      const options = { patchType: 'merge', subresource: 'status', signal } as const;
      this.#written.networks.remember(key, await this.#options.client.patch(networks, { namespace, name }, body, options));
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) return conflictDelayMs;
      throw error;
    }
    // After the write, so that a reconcile that failed to write tells nothing, and the next one tells it once.
    this.#story.tell(network, 'status', lastEvents);
    return 0;
  }

  /** Up to a tenth more or less: so that networks that came up together are not all looked at together for ever. */
  #recheckMs(): number {
    return this.#options.recheckMs * (0.9 + 0.2 * Math.random());
  }

  /** An event about the network was given up: the next reconcile tells again what it finds, each event once by its name. */
  tellAgain(key: string): void {
    this.#story.forget(key);
  }

  /** What the informers saw deleted is no longer taken to exist. */
  forgetDeleted(resource: 'services' | 'statefulSets', key: string): void {
    this.#written[resource].forget(key);
  }

  #forget(key: string): Outcome {
    this.#written.networks.forget(key);
    this.#pace.forget(key);
    this.#story.forget(key);
    this.#pods.forget(key);
    this.#replaced.forget(key);
    this.#credentials.forget(key);
    return { next: 'wait' };
  }
}
