// Reconciler: brings one network to the state that its spec wants, a step a line. It talks to the API server only; what the nodes report
//   comes from the node monitor. Any throw means: retry with backoff.
import type { V1NetworkPolicyPeer } from '@kubernetes/client-node';
import { Subject } from 'rxjs';
import type { BitcoinNetwork } from '../bitcoin/api/bitcoin-network.ts';
import { isSuspended } from '../bitcoin/resources/node-sets.ts';
import type { PodOptions } from '../bitcoin/resources/stateful-set.ts';
import type { NodeReport } from '../bitcoin/topology/connect-node.ts';
import type { Node } from '../bitcoin/topology/peer-plan.ts';
import type { KubeClient } from '../kube/client.ts';
import { keyOf } from '../kube/resource.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import type { ApplyClient } from '../runtime/apply.ts';
import type { Request, Result } from '../runtime/controller.ts';
import type { ExpiryState } from './expiry.ts';
import { ownedBy, type ReadableCaches } from './caches.ts';
import type { ChildKindName } from './child-kinds.ts';
import type { BlockProducer } from './blocks/block-producer.ts';
import type { ChainCopier } from './bootstrap/chain-copier.ts';
import type { Demand } from './experiments/demands.ts';
import type { ExperimentsOfNetworks } from './experiments/experiments-of-networks.ts';
import { blockingProblems } from './diagnosis/blocking-objects.ts';
import type { PodDiagnosis } from './diagnosis/pod-diagnosis.ts';
import { failureReason, recordFailures } from './events/failures.ts';
import { reasons } from './events/reasons.ts';
import { isBeingDeleted, isPaused } from './lifecycle.ts';
import { type NetworkPlan, peersOf } from './network-plan.ts';
import { type NetworkState, networkStates, type NetworkStates } from './network-state.ts';
import type { NodeMonitor } from './nodes/node-monitor.ts';
import type { PeerPlan } from './nodes/node-target.ts';
import type { PartitionState } from './partition-clock.ts';
import { podsOf } from './pod-cache.ts';
import { Requeue } from './requeue.ts';
import type { LostStatus } from './status/lost-status.ts';
import { edgesOf, shownEdgesOf } from './status/edges.ts';
import { externalAddressesOf } from './status/external-addresses.ts';
import type { Observation } from './status/observation.ts';
import { observeNodes } from './status/pods.ts';
import { type SpecFault, specFaultsOf } from './status/spec-faults.ts';
import { type Children, ChildrenStep } from './steps/children.ts';
import { exists } from './steps/confirm-existence.ts';
import { expire } from './steps/expire.ts';
import { publishStatus } from './steps/publish-status.ts';
import type { WalletKeeper } from './wallets/wallet-keeper.ts';

/** Until the experiments of a namespace can be listed. */
const unknownExperimentMs = 500;

export interface ReconcilerOptions {
  readonly client: ApplyClient & Pick<KubeClient, 'list'>;
  readonly caches: ReadableCaches;
  readonly recorder: Pick<EventRecorder, 'event' | 'annotatedEvent'>;
  readonly monitor: Pick<NodeMonitor, 'observe' | 'forget' | 'reportsOf' | 'askNow'>;
  readonly blocks: Pick<BlockProducer, 'observe' | 'forget'>;
  readonly wallets: Pick<WalletKeeper, 'observe' | 'forget'>;
  readonly copier: Pick<ChainCopier, 'isHeld' | 'observe' | 'forget'>;
  /** Default: there are no experiments. */
  readonly experiments?: Pick<ExperimentsOfNetworks, 'demandOn' | 'isKnown' | 'noteMet'>;
  readonly diagnosis: Pick<PodDiagnosis, 'diagnose' | 'forget'>;
  readonly lost: LostStatus;
  readonly pods: PodOptions;
  /** The controller's own pods; see ChildrenOptions. */
  readonly controllerPods: readonly V1NetworkPolicyPeer[];
  /** It has the rights to read and change claims. */
  readonly mayExpandVolumes: boolean;
  /** How often a stable network is reconciled again. */
  readonly recheckMs: number;
  /** Whether networks are deleted when their time is over. Default: false. */
  readonly mayDeleteNetworks?: boolean | undefined;
}

/** What a network should be at a moment. */
interface Intent {
  readonly demand: Demand | undefined;
  readonly plan: NetworkPlan;
  readonly partition: PartitionState | undefined;
  /** The nodes wait for the blocks of another network. */
  readonly isHeld: boolean;
  readonly peers: PeerPlan;
}

interface Work {
  readonly intent: Intent;
  readonly applied: Children;
  readonly nodes: readonly Node[];
}

/** Longer than the pause before a retry. */
const imminentMs = 15_000;

export class Reconciler {
  /** Networks that are to be reconciled at a time, whatever the outcome of their reconcile is. */
  readonly requests = new Subject<Request>();
  readonly #options: ReconcilerOptions;
  readonly #states: NetworkStates;
  readonly #children: ChildrenStep;
  readonly #requeue: Requeue;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
    this.#states = networkStates(options.recorder);
    this.#children = new ChildrenStep(options);
    this.#requeue = new Requeue(options.recheckMs);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const { caches, client, experiments } = this.#options;
    const cached = caches.networks.get(key);
    if (cached === undefined) return this.#forget(key);
    const state = this.#states.of(cached);
    const network = state.writes.newest(cached) ?? cached;
    if (isBeingDeleted(network)) return this.#forget(key);
    state.outbox.publish(network, 'status', network.status?.lastEvents ?? []);
    if (isPaused(network)) return this.#leaveAlone(network, state, signal);
    // What the cache keeps of such a spec is not what it asks for.
    if (network.unusableSpec !== undefined) return this.#leaveAlone(network, state, signal, network.unusableSpec);
    let expiry = this.#observeExpiry(network, state);
    if (expiry?.isDue === true) {
      const result = await expire({ ...this.#statusContext(network, signal), recheckMs: this.#options.recheckMs }, state);
      if (result !== undefined) return result;
      expiry = this.#observeExpiry(network, state);
    }
    if (!(await exists(client, network, this.#children.known(network, state), signal))) return {};
    // What an experiment has cut must not be connected because a process that has just started does not know it yet.
    if (experiments?.isKnown(network.metadata.namespace) === false && network.status?.partition?.experiment !== undefined)
      return { requeueAfterMs: unknownExperimentMs };
    return await this.#bringAbout(network, state, expiry, signal);
  }

  async #bringAbout(
    network: BitcoinNetwork,
    state: NetworkState,
    expiry: ExpiryState | undefined,
    signal: AbortSignal,
  ): Promise<Result> {
    const { caches, diagnosis, monitor, recorder } = this.#options;
    const key = keyOf(network);
    const intent = this.#intentOf(network, state);
    const { plan, partition, peers } = intent;
    const applied = await this.#children.apply(network, state, peers, signal);
    if (applied === undefined) return {};
    const { pods, nodes, externalAddresses } = this.#observe(network, state);
    const statefulSets = this.#children.statefulSetsOf(network);
    const podNamed = (name: string) => caches.pods.get(`${network.metadata.namespace}/${name}`);
    const { problems, lookAgainMs } = await diagnosis.diagnose(network, { statefulSets, pods, podNamed }, signal);
    state.rollout.problems = problems;
    const { reports, settlesInMs, blocksOf, ...work } = this.#observeWork(network, state, { intent, applied, nodes });
    const chains = state.chains.observe(nodes, reports, network.status, plan.stored);
    const chainLoss = state.chainLoss.observe(network, pods, reports);
    monitor.askNow(key, [...applied.rollout.asks, ...chainLoss.asks]);
    const outcomes = { credentials: applied.credentials, children: applied.children.map(child => child.applied) };
    recordFailures(recorder, network, outcomes);
    const isRejected = this.#checkCredentials(network, state, reports);
    const planned = { ...plan, topology: intent.isHeld ? plan.topology : peers.topology };
    const observation: Observation = {
      ...{ ...outcomes, ...work, nodes, externalAddresses, reports, partition, expiry },
      problems: [...blockingProblems(outcomes.children, state), ...problems],
      specFaults: specFaultsOf(plan, applied.children, applied.forbidden, expiry?.obstacle),
      unplanned: plan.topology?.problems.find(({ reason }) => reason === 'OrdinalUnknown'),
      edges: edgesOf(planned, reports),
      shownEdges: shownEdgesOf(planned, reports, nodes, network.status?.edges),
      rollout: isSuspended(network) ? undefined : applied.rollout.state,
      growth: applied.volumes.growth,
      unkept: applied.retention.obstacle,
      chains: chains.chains,
      chainLoss: chainLoss.verdict,
      blocks: chains.chains === undefined ? [] : (blocksOf?.(chains.chains.branches[0].tip) ?? []),
    };
    const settledMs = Math.max(settlesInMs, chains.settlesInMs);
    const waitMs = await publishStatus(this.#statusContext(network, signal), state, observation, settledMs);
    const waitsMs = [
      ...[waitMs, lookAgainMs, chains.waitMs, healsInMs(partition), expiry?.dueInMs],
      ...[applied.rollout.planAgainMs, applied.volumes.checkAgainMs, applied.retention.checkAgainMs],
    ];
    return this.#requeue.next(key, { ...outcomes, isRejected, waitsMs });
  }

  /** What the spec, and an experiment, ask for at this moment. */
  #intentOf(network: BitcoinNetwork, state: NetworkState): Intent {
    const { copier, experiments } = this.#options;
    const demand = experiments?.demandOn(network);
    const plan = state.cutPlanOf(network, state.planOf(network), demand);
    const partition = state.partition.observe(network, plan.partition, Date.now(), demand);
    this.#requestIfImminent(network, healsInMs(partition));
    const isHeld = copier.isHeld(network);
    return { demand, plan, partition, isHeld, peers: peersOf(plan, partition, isHeld) };
  }

  /** Gives the nodes to the queues that call them, and reads what these have found out so far. */
  #observeWork(network: BitcoinNetwork, state: NetworkState, { intent, applied, nodes }: Work) {
    const { blocks, copier, experiments, monitor, wallets } = this.#options;
    const key = keyOf(network);
    const { demand, plan, partition, peers, isHeld } = intent;
    const { credentials, previous } = applied.credentials;
    const access = { nodes, credentials, previous };
    const detoured = state.rollout.withDetour(peers, applied.rollout.detour);
    const watched = monitor.observe(network, nodes, credentials, detoured, previous);
    // A suspended network has no nodes for any of this, which is no fault of it.
    const isIdle = isSuspended(network);
    const makesBlocks = !isIdle && !isHeld && demand?.restsProduction !== true;
    if (isIdle) for (const queue of [copier, wallets]) queue.forget(key);
    if (!makesBlocks) blocks.forget(key);
    const bootstrap = isIdle ? undefined : copier.observe(network, { ...access, reports: watched.reports });
    const cut = partition?.isCut === true ? partition : undefined;
    const production = makesBlocks ? blocks.observe(network, { ...access, plan, cut }) : undefined;
    experiments?.noteMet(network, demand);
    return {
      ...watched,
      bootstrap: bootstrap && { ...bootstrap, isHeld },
      production,
      wallets: isIdle ? undefined : wallets.observe(network, { ...access, ordinals: plan.ordinals }),
    };
  }

  /** @returns whether a node refuses the credentials */
  #checkCredentials(network: BitcoinNetwork, state: NetworkState, reports: readonly NodeReport[]): boolean {
    const isRejected = reports.some(report => failureReason(report) === reasons.credentialsRejected);
    // A process that has just started learns only from the nodes that they have other credentials.
    if (isRejected || reports.some(({ hasPreviousCredentials }) => hasPreviousCredentials === true))
      this.#children.rejectCredentials(network, state);
    return isRejected;
  }

  /** Call when an event about the network was dropped: the next reconcile publishes it again. */
  republish(key: string): void {
    this.#states.at(key)?.outbox.republish();
  }

  /** Call when an informer saw a child of the network deleted. */
  forgetWrites(key: string, kind: ChildKindName, name: string): void {
    this.#states.at(key)?.forgetWrites(kind, name);
  }

  #observe(network: BitcoinNetwork, state: NetworkState) {
    const { caches } = this.#options;
    const pods = state.pods.of(network, podsOf(caches.pods, network));
    const nodes = observeNodes(network, pods, name => state.pods.replicasOf(name));
    return { pods, nodes, externalAddresses: externalAddressesOf(pods, ownedBy(caches.services, network)) };
  }

  #observeExpiry(network: BitcoinNetwork, state: NetworkState): ExpiryState | undefined {
    const expiry = state.expiry.observe(network, this.#options.mayDeleteNetworks ?? false, Date.now());
    this.#requestIfImminent(network, expiry?.dueInMs);
    return expiry;
  }

  /** A retry with backoff must not delay what is due at a time: the end of the network, or of its cut. */
  #requestIfImminent(network: BitcoinNetwork, dueInMs = Infinity): void {
    if (dueInMs < imminentMs) this.requests.next({ key: keyOf(network), afterMs: dueInMs });
  }

  /** The nodes are still observed, so that the status does not claim what is not so. */
  async #leaveAlone(network: BitcoinNetwork, state: NetworkState, signal: AbortSignal, specFault?: SpecFault): Promise<Result> {
    this.#stopWatching(keyOf(network));
    state.chainLoss.lapse();
    for (const set of this.#children.statefulSetsOf(network)) state.pods.note(set.metadata?.name ?? '', set);
    const { nodes, externalAddresses } = this.#observe(network, state);
    const observation = { isPaused: true, nodes, externalAddresses, ...(specFault === undefined ? {} : { specFault }) } as const;
    const waitMs = await publishStatus(this.#statusContext(network, signal), state, observation, 0);
    return waitMs > 0 ? { requeueAfterMs: waitMs } : {};
  }

  #statusContext(network: BitcoinNetwork, signal: AbortSignal) {
    const { client, lost, recorder } = this.#options;
    return { client, lost, recorder, network, signal };
  }

  #stopWatching(key: string): void {
    this.#options.monitor.forget(key);
    this.#options.blocks.forget(key);
    this.#options.copier.forget(key);
    this.#options.wallets.forget(key);
    this.#options.diagnosis.forget(key);
    this.#requeue.forget(key);
  }

  /** The garbage collector deletes the children, by their owner references. */
  #forget(key: string): Result {
    const [namespace = '', name = ''] = key.split('/');
    this.#options.experiments?.noteMet({ metadata: { namespace, name } }, undefined);
    this.#stopWatching(key);
    this.#options.lost.forget(key);
    this.#states.forget(key);
    return {};
  }
}

const healsInMs = (partition: PartitionState | undefined): number | undefined =>
  partition?.isCut === true && partition.healMs !== undefined ? Math.max(1, partition.healMs - Date.now()) : undefined;
