// Step: the objects that a network owns, in their order, and the credentials that their nodes start with.
import type { V1NetworkPolicyPeer, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { configMapName, serviceName, statefulSetName } from '../../bitcoin/api/names.ts';
import { isManaged, type NodeSet } from '../../bitcoin/resources/node-sets.ts';
import type { PodOptions } from '../../bitcoin/resources/stateful-set.ts';
import { keyOf, type KubeObject } from '../../kube/resource.ts';
import type { EventRecorder } from '../../record/core/event-recorder.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { ApplyClient } from '../../runtime/apply.ts';
import { ConcurrencyLimit } from '../../runtime/concurrency-limit.ts';
import { childCaches, ownedBy, type ReadableCache, type ReadableCaches } from '../caches.ts';
import { type ChildKindName, childKinds } from '../child-kinds.ts';
import { childEvent } from '../events/children.ts';
import { isCurrent } from '../lifecycle.ts';
import type { NetworkState } from '../network-state.ts';
import type { NodeMonitor } from '../nodes/node-monitor.ts';
import type { PeerPlan } from '../nodes/node-target.ts';
import { podsOf } from '../pod-cache.ts';
import { type AppliedChild, applyChild, type ChildContext } from './apply-child.ts';
import { type CredentialsState, NetworkCredentials } from './credentials.ts';
import { type DesiredChild, desiredChildren } from './desired-children.ts';
import { isStopped, withoutFirstClaims } from './first-claims.ts';
import { isRolledOut, withFormerFiles } from './former-files.ts';
import { formerSetOf } from './left-pods.ts';
import { removeSurplus } from './remove-surplus.ts';
import type { AppliedSet } from '../rollout/observe-rollout.ts';
import type { RolloutPlan } from '../rollout/rollout-input.ts';
import type { RetentionObserved } from '../volumes/claim-retention.ts';
import type { VolumesObserved } from '../volumes/volume-expansion.ts';
import { applyStatefulSet, prepareStatefulSet } from './stateful-set.ts';

export interface ChildrenOptions {
  readonly client: ApplyClient & Pick<KubeClient, 'list'>;
  readonly caches: ReadableCaches;
  readonly recorder: Pick<EventRecorder, 'event'>;
  readonly pods: PodOptions;
  /** The controller's own pods, which the NetworkPolicy of a network lets in. */
  readonly controllerPods: readonly V1NetworkPolicyPeer[];
  /** It has the rights to read and change claims. */
  readonly mayExpandVolumes: boolean;
  readonly monitor: Pick<NodeMonitor, 'reportsOf'>;
  readonly recheckMs: number;
}

export interface Children {
  readonly credentials: CredentialsState;
  /** In the order in which they were applied, and then those that could not be deleted. */
  readonly children: readonly AppliedChild[];
  /** The kinds that the network asks for and the controller has no right to write. */
  readonly forbidden: readonly ChildKindName[];
  readonly rollout: RolloutPlan;
  readonly volumes: VolumesObserved;
  readonly retention: RetentionObserved;
}

/**
 * How many networks have their objects applied at the same time. With more the API server would not write more a second; with as few, the
 * pods of the first networks start while the others wait.
 */
const maxApplying = 10;
/** Many times what it usually takes. When a webhook or the read of a Secret hangs, other networks proceed after it. */
const longestApplyMs = 1_000;

export class ChildrenStep {
  readonly #options: ChildrenOptions;
  readonly #applying = new ConcurrencyLimit(maxApplying, longestApplyMs);
  readonly #credentials: NetworkCredentials;

  constructor(options: ChildrenOptions) {
    this.#options = options;
    // Younger than a recheck: each recheck reads the Secret, and the reconciles between them do not.
    this.#credentials = new NetworkCredentials({ client: options.client, maxAgeMs: options.recheckMs / 2 });
  }

  /**
   * @param peers the connections that there should be now
   * @returns undefined if the network has been deleted, paused or changed while it waited: its key is queued again then
   */
  apply(network: BitcoinNetwork, state: NetworkState, peers: PeerPlan, signal: AbortSignal): Promise<Children | undefined> {
    return this.#applying.run(() => this.#apply(network, state, peers, signal));
  }

  /** The headless Service and the StatefulSets as the controller knows them, whatever their owner; undefined for one that does not exist. */
  known(network: BitcoinNetwork, state: NetworkState): (KubeObject | undefined)[] {
    const { services, statefulSets } = this.#options.caches;
    const service = serviceName(network);
    return [
      state.child('services', service).writes.newest(cachedIn(services, network, service)),
      ...state
        .planOf(network)
        .sets.map(({ name }) => state.child('statefulSets', name).writes.newest(cachedIn(statefulSets, network, name))),
    ];
  }

  /** The network's own StatefulSets, as the cache has them. */
  statefulSetsOf(network: BitcoinNetwork): readonly V1StatefulSet[] {
    return ownedBy(this.#options.caches.statefulSets, network);
  }

  /** Call when a node refuses the credentials: the Secret is read again. */
  rejectCredentials(network: BitcoinNetwork, state: NetworkState): void {
    this.#credentials.reject(network, state.credentials);
  }

  async #apply(
    network: BitcoinNetwork,
    state: NetworkState,
    peers: PeerPlan,
    signal: AbortSignal,
  ): Promise<Children | undefined> {
    const { caches, client, controllerPods, mayExpandVolumes, monitor, pods, recorder } = this.#options;
    if (!isCurrent(network, caches.networks.get(keyOf(network)))) return undefined;
    const context = { client, network, outbox: state.outbox, signal };
    const { sets, largestInbound } = state.planOf(network);
    const wanted = desiredChildren(network, controllerPods);
    const forbidden = [...new Set(wanted.map(({ kind }) => kind).filter(kind => caches[kind] === undefined))];
    const children: AppliedChild[] = [];
    for (const child of wanted.filter(({ kind }) => caches[kind] !== undefined))
      children.push(await this.#applyOne(context, state, child));
    const newestOf = (name: string): V1StatefulSet | undefined =>
      state.child('statefulSets', name).writes.newest(cachedIn(caches.statefulSets, network, name));
    const known = podsOf(caches.pods, network);
    for (const { name } of sets)
      if (newestOf(name) === undefined)
        state.child('statefulSets', name).replaced ??= await formerSetOf({ client, network, signal }, name, known);
    const first = statefulSetName(network);
    const current = newestOf(first) ?? state.child('statefulSets', first).replaced;
    const credentials = await this.#credentials.of(network, state.credentials, current, signal);
    const ofClaims = { ...context, client, mayExpandVolumes };
    const volumes = await state.volumes.expand(ofClaims, newestOf);
    const retention = await state.retention.align(ofClaims, {
      current: newestOf,
      remember: (name, written) => {
        state.child('statefulSets', name).writes.remember(written);
      },
    });
    const prepared = sets.map(wantedSet => {
      const cached = cachedIn(caches.statefulSets, network, wantedSet.name);
      const set = withoutFirstClaims(wantedSet, newestOf(wantedSet.name), known);
      const needsConfigMap = forbidden.includes('configMaps') && isManaged(network.spec, set);
      const kept = needsConfigMap ? keptSet(state, set, cached) : undefined;
      const input = {
        set,
        cached,
        credentials,
        options: { ...pods, largestInbound, claimSize: volumes.keptSizes.get(set.name) },
        isStopped: isStopped(newestOf(set.name), known),
      };
      return { name: set.name, kept, input: kept === undefined ? prepareStatefulSet(network, state, input) : undefined };
    });
    const rollout = state.rollout.plan(
      network,
      prepared.flatMap(({ input, kept }) => input ?? kept ?? []),
      {
        pods: state.pods.of(network, known),
        reports: monitor.reportsOf(keyOf(network)),
        peers,
        isEmpty: uid => state.chainLoss.isEmpty(uid),
        credentialsFault: credentials.isAvailable ? undefined : credentials.message,
      },
    );
    for (const { name, input } of prepared) {
      const gate = { partition: rollout.partitions.get(name), maxUnavailable: rollout.maxUnavailable.get(name) };
      const applied = input && (await applyStatefulSet(context, state, input, gate));
      children.push({ kind: 'statefulSets', name, applied });
    }
    const areRolledOut =
      credentials.isAvailable &&
      children.every(
        ({ kind, name, applied }) => kind !== 'statefulSets' || isRolledOut(applied, newestOf(name) !== undefined, known),
      );
    state.rolledOutGeneration = areRolledOut ? network.metadata.generation : undefined;
    const kept = areRolledOut ? [] : [{ kind: 'configMaps', name: configMapName(network) } as const];
    const removal = { client, network, recorder, signal };
    const surplus = await removeSurplus(removal, state, childCaches(caches), [...children, ...kept]);
    return { credentials, children: [...children, ...surplus], forbidden, rollout, volumes, retention };
  }

  async #applyOne(context: ChildContext, state: NetworkState, { kind, object, isSilent }: DesiredChild): Promise<AppliedChild> {
    const name = object.metadata?.name ?? '';
    const { type } = childKinds[kind];
    const cache = this.#options.caches[kind] as unknown as ReadableCache<KubeObject>;
    const cached = cachedIn(cache, context.network, name);
    const needsFormer = kind === 'configMaps' && state.rolledOutGeneration !== context.network.metadata.generation;
    const desired = needsFormer ? withFormerFiles(object, state.child(kind, name).writes.newest(cached)) : object;
    const applied = await applyChild<KubeObject>(context, {
      ...{ type, part: `${kind}/${name}`, state: state.child(kind, name) as never, desired, cached },
      eventOf: (change, _, isRevert) => (isSilent === true ? undefined : childEvent(type.kind, name, change, isRevert)),
    });
    return { kind, name, applied };
  }
}

/** A set whose nodes a rollout would stop, since their pods would wait for a ConfigMap that the controller may not create. */
function keptSet(state: NetworkState, set: NodeSet, cached: V1StatefulSet | undefined): AppliedSet | undefined {
  const current = state.child('statefulSets', set.name).writes.newest(cached);
  state.pods.note(set.name, current);
  if (current === undefined) return undefined;
  return { set: { ...set, nodes: current.spec?.replicas ?? set.nodes }, current, isChanging: false, isLeftOut: true };
}

const cachedIn = <T extends KubeObject>(cache: ReadableCache<T>, { metadata }: BitcoinNetwork, name: string): T | undefined =>
  cache.get(`${metadata.namespace}/${name}`);
