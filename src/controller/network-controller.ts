// NetworkController: the loops of the controller. The network queue makes the cluster as the specs want it and talks to the API server
//   only; the node queue asks the nodes, and requests a network when its nodes have reported something new.
import type { V1NetworkPolicyPeer } from '@kubernetes/client-node';
import { merge, type Observable } from 'rxjs';
import { experimentKind } from '../bitcoin/api/bitcoin-experiment.ts';
import { networkKeyOf } from '../bitcoin/api/names.ts';
import type { PodOptions } from '../bitcoin/resources/stateful-set.ts';
import { connectNode } from '../bitcoin/topology/connect-node.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { Logger } from '../logging/logger.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import type { ApplyClient } from '../runtime/apply.ts';
import { Controller, type ControllerMetrics, messageOf } from '../runtime/controller.ts';
import type { CacheSet } from '../runtime/cache-set.ts';
import type { Change } from '../runtime/object-store.ts';
import { type QueueMetrics, WorkQueue } from '../runtime/work-queue.ts';
import { childCaches, type ReadableCaches } from './caches.ts';
import type { ChildKindName } from './child-kinds.ts';
import { BlockProducer, type BlockProducerOptions } from './blocks/block-producer.ts';
import { ChainCopier } from './bootstrap/chain-copier.ts';
import { SourceNetworks } from './bootstrap/source-networks.ts';
import { PodDiagnosis } from './diagnosis/pod-diagnosis.ts';
import { recordNodeFailure } from './events/failures.ts';
import { reasons } from './events/reasons.ts';
import { ExperimentController, type ExperimentControllerOptions } from './experiments/experiment-controller.ts';
import { type AskNode, NodeMonitor } from './nodes/node-monitor.ts';
import type { ObservedPod } from './pod-cache.ts';
import { Reconciler } from './reconciler.ts';
import { NetworkCredentials } from './steps/credentials.ts';
import { LostStatus } from './status/lost-status.ts';
import { WalletKeeper } from './wallets/wallet-keeper.ts';
import { networkOfPod, networkRequests } from './watches.ts';

export interface NetworkControllerOptions {
  /** The name of the controller and its queue in metrics; the node queue's is this with `-nodes`. */
  readonly name: string;
  readonly client: ApplyClient & Pick<KubeClient, 'list' | 'evict'>;
  readonly caches: ReadableCaches;
  /** Networks of a namespace are reconciled once it has synced. Default: all at once. */
  readonly synced?: Pick<CacheSet, 'hasSynced' | 'synced'> | undefined;
  readonly recorder: EventRecorder;
  /** Where statuses are noted that the definition does not keep. Default: one of its own. */
  readonly lost?: LostStatus;
  readonly pods: PodOptions;
  /** The controller's own pods, which the NetworkPolicies of networks let in. Default: none. */
  readonly controllerPods?: readonly V1NetworkPolicyPeer[];
  /** Whether networks are deleted when their time is over. Default: false. */
  readonly mayDeleteNetworks?: boolean;
  /** It has the rights to read and change claims. Default: false. */
  readonly mayExpandVolumes?: boolean;
  /** How often a stable network is reconciled and its nodes are asked. */
  readonly recheckMs: number;
  /** Maximum concurrent reconciles of networks. They mostly wait for answers, so many cost little. */
  readonly concurrency: number;
  readonly logger: Logger;
  readonly metrics?: { readonly workQueue: QueueMetrics; readonly controller: ControllerMetrics } | undefined;
  /** Default: connectNode. */
  readonly ask?: AskNode;
  /** For how many milliseconds this process is the leader at least: blocks are made only if that suffices. Default: for ever. */
  readonly leadsForMs?: () => number;
  /** The calls that make blocks. Default: to the nodes. */
  readonly producerCallsOf?: BlockProducerOptions['callsOf'];
  /** How many bytes of blocks a network may start with. Default: 100 MiB. */
  readonly maxCopiedBytes?: number;
  /** The calls of experiments. Default: to the nodes. */
  readonly experimentCallsOf?: ExperimentControllerOptions['callsOf'];
}

/** How long the Secret of a network is kept whose blocks are copied. */
const sourceSecretMs = 5_000;

/** The first retry comes after 250 ms, and the pause doubles up to 10 s: so that a network soon recovers after its cause has gone. */
const retry = { baseDelayMs: 250, maxDelayMs: 10_000, qps: 100, burst: 1_000 };
/** The same of networks: that a refusal or a foreign object has gone should be noticed within five seconds. */
const networkRetry = { ...retry, maxDelayMs: 4_000 };

export class NetworkController {
  readonly #options: NetworkControllerOptions;
  readonly #monitor: NodeMonitor;
  readonly #blocks: BlockProducer;
  readonly #copier: ChainCopier;
  readonly #experiments: ExperimentController;
  readonly #wallets: WalletKeeper;
  readonly #reconciler: Reconciler;
  readonly #diagnosis: PodDiagnosis;
  readonly #networks: Controller;

  constructor(options: NetworkControllerOptions) {
    this.#options = options;
    const { name, caches, recorder, concurrency, logger, recheckMs, metrics, ask = connectNode } = options;
    const queueOf = (queue: string, backoff = retry) => new WorkQueue({ name: queue, ...backoff, metrics: metrics?.workQueue });
    this.#monitor = new NodeMonitor({
      ...{ name: `${name}-nodes`, queue: queueOf(`${name}-nodes`), ask, recheckMs, logger, metrics: metrics?.controller },
      onFailure: (network, report) => recordNodeFailure(recorder, network, report),
    });
    const { leadsForMs = () => Infinity, producerCallsOf: callsOf } = options;
    const stored = (key: string) => caches.networks.get(key);
    this.#wallets = new WalletKeeper({
      ...{ name: `${name}-wallets`, queue: queueOf(`${name}-wallets`), leadsForMs, logger, metrics: metrics?.controller },
      ...{ stored, recheckMs },
    });
    this.#blocks = new BlockProducer({
      addressOf: (key, wallet) => this.#wallets.addressOf(key, wallet),
      ...{ name: `${name}-blocks`, queue: queueOf(`${name}-blocks`), leadsForMs, logger, metrics: metrics?.controller },
      ...(callsOf === undefined ? {} : { callsOf }),
      onFailure: (network, message) => recorder.event(network, 'Warning', reasons.blockProductionFailed, message),
    });
    const secrets = new NetworkCredentials({ client: options.client, maxAgeMs: sourceSecretMs });
    this.#copier = new ChainCopier({
      ...{ name: `${name}-copies`, queue: queueOf(`${name}-copies`), leadsForMs, logger, metrics: metrics?.controller },
      sources: new SourceNetworks({ caches, credentials: secrets }),
      stored,
      ...(options.maxCopiedBytes === undefined ? {} : { maxBytes: options.maxCopiedBytes }),
    });
    this.#experiments = new ExperimentController({
      ...{ name: `${name}-experiments`, queue: queueOf(`${name}-experiments`), leadsForMs, logger, metrics: metrics?.controller },
      ...{ client: options.client, recorder, synced: options.synced, monitor: this.#monitor, callsOf: options.experimentCallsOf },
      ...{ experiments: caches.experiments, networks: caches.networks, pods: caches.pods },
    });
    const diagnosis = (this.#diagnosis = new PodDiagnosis({ client: options.client, logger }));
    const lost = options.lost ?? new LostStatus(logger);
    this.#reconciler = new Reconciler({
      ...{ controllerPods: [], mayExpandVolumes: false },
      ...options,
      lost,
      diagnosis,
      monitor: this.#monitor,
      blocks: this.#blocks,
      copier: this.#copier,
      experiments: this.#experiments.ofNetworks,
      wallets: this.#wallets,
    });
    this.#networks = new Controller({
      ...{ name, queue: queueOf(name, networkRetry), concurrency, logger, metrics: metrics?.controller },
      requests: merge(
        networkRequests(caches, options.synced?.synced),
        ...[this.#monitor.requests, this.#blocks.requests, this.#copier.requests, this.#wallets.requests],
        ...[this.#experiments.networkRequests, this.#reconciler.requests],
      ),
      // What a cache lacks before it has synced would be taken for absent. The namespace's networks are requested when it has.
      reconcile: async (key, signal) =>
        options.synced?.hasSynced(namespaceOf(key)) === false ? {} : this.#reconciler.reconcile(key, signal),
      onFailure: (key, error) => this.#recordFailure(key, error),
    });
  }

  /** Reconciles until `signal` aborts, then finishes the reconciles in progress. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    const { caches } = this.#options;
    const subscriptions = childCaches(caches).map(([kind, cache]) => this.#forgetDeleted(kind, cache.changes));
    subscriptions.push(caches.pods.changes.subscribe(change => this.#notePod(change)));
    const loops = [this.#networks, this.#monitor, this.#blocks, this.#copier, this.#wallets, this.#experiments];
    await Promise.all(loops.map(loop => loop.run(signal)));
    for (const subscription of subscriptions) subscription.unsubscribe();
  }

  /** Call when an event about the object was dropped: the next reconcile publishes it again. @param kind that of a network or an experiment */
  republish(key: string, kind?: string): void {
    if (kind === experimentKind) this.#experiments.republish(key);
    else this.#reconciler.republish(key);
  }

  /** An object that the informer saw deleted does not exist any more, whenever it was written. */
  #forgetDeleted(kind: ChildKindName, changes: Observable<Change<KubeObject>>) {
    return changes.subscribe(({ type, object }) => {
      const key = networkKeyOf(object);
      if (type === 'deleted' && key !== undefined) this.#reconciler.forgetWrites(key, kind, object.metadata?.name ?? '');
    });
  }

  #notePod(change: Change<ObservedPod>): void {
    const key = networkOfPod(change.object);
    if (key !== undefined) this.#diagnosis.notePod(key, change);
  }

  #recordFailure(key: string, error: unknown): void {
    const network = this.#options.caches.networks.get(key);
    if (network !== undefined) this.#options.recorder.event(network, 'Warning', reasons.reconcileFailed, messageOf(error));
  }
}

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));
