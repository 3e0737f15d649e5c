// ExperimentController: the loop of experiments, in a queue of its own beside that of networks.
import type { V1Pod } from '@kubernetes/client-node';
import { EMPTY, merge, mergeMap, type Observable, Subject } from 'rxjs';
import type { BitcoinExperiment } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { KubeClient } from '../../kube/client.ts';
import { keyOf } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import type { EventRecorder } from '../../record/core/event-recorder.ts';
import type { CacheSet } from '../../runtime/cache-set.ts';
import { Controller, type ControllerMetrics, messageOf, type Request } from '../../runtime/controller.ts';
import type { Change } from '../../runtime/object-store.ts';
import { PerObject } from '../../runtime/per-object.ts';
import { requestsForObjects } from '../../runtime/requests.ts';
import type { WorkQueue } from '../../runtime/work-queue.ts';
import type { ReadableCache } from '../caches.ts';
import { reasons } from '../events/reasons.ts';
import type { NodeMonitor } from '../nodes/node-monitor.ts';
import { experimentCalls } from './experiment-calls.ts';
import { ExperimentReconciler, type ExperimentReconcilerOptions } from './experiment-reconciler.ts';
import { type ExperimentClient, ExperimentWrites } from './experiment-writes.ts';
import type { ExperimentCache } from '../caches.ts';
import { ExperimentsOfNetworks } from './experiments-of-networks.ts';

export interface ExperimentControllerOptions {
  /** The name of the queue's controller in metrics. */
  readonly name: string;
  readonly client: ExperimentClient & Pick<KubeClient, 'evict'>;
  /** Undefined: the controller has no right to experiments, and does nothing. */
  readonly experiments: ExperimentCache | undefined;
  readonly networks: ReadableCache<BitcoinNetwork>;
  readonly pods: ReadableCache<V1Pod>;
  /** Experiments of a namespace are reconciled once it has synced. Default: all at once. */
  readonly synced?: Pick<CacheSet, 'hasSynced' | 'synced'> | undefined;
  readonly monitor: Pick<NodeMonitor, 'stateOf' | 'askNow'>;
  readonly recorder: Pick<EventRecorder, 'event' | 'annotatedEvent'>;
  readonly queue: WorkQueue;
  readonly logger: Logger;
  readonly metrics?: ControllerMetrics | undefined;
  readonly leadsForMs: () => number;
  /** Default: experimentCalls. */
  readonly callsOf?: ExperimentReconcilerOptions['callsOf'] | undefined;
}

export class ExperimentController {
  readonly ofNetworks: ExperimentsOfNetworks;
  readonly #options: ExperimentControllerOptions;
  readonly #writes: PerObject<ExperimentWrites, BitcoinExperiment>;
  readonly #controller: Controller;
  readonly #networkRequests = new Subject<Request>();

  constructor(options: ExperimentControllerOptions) {
    this.#options = options;
    const { name, client, experiments, networks, pods, synced, monitor, recorder, queue, logger, metrics, leadsForMs } = options;
    this.#writes = new PerObject(experiment => new ExperimentWrites(experiment, client, recorder));
    this.ofNetworks = new ExperimentsOfNetworks(experiments, experiment => this.#writes.of(experiment).newest(experiment));
    const reconciler =
      experiments &&
      new ExperimentReconciler({
        ...{ client, experiments, networks, pods, monitor, leadsForMs, ofNetworks: this.ofNetworks, writes: this.#writes },
        ...{ callsOf: options.callsOf ?? experimentCalls, nowMs: Date.now },
        onDemand: key => this.#networkRequests.next({ key }),
      });
    this.#controller = new Controller({
      ...{ name, queue, logger, metrics, concurrency: 100, requests: this.#requests() },
      reconcile: async (key, signal) =>
        synced?.hasSynced(namespaceOf(key)) === false || reconciler === undefined ? {} : await reconciler.reconcile(key, signal),
      onFailure: (key, error) => {
        const experiment = experiments?.get(key);
        if (experiment !== undefined) recorder.event(experiment, 'Warning', reasons.reconcileFailed, messageOf(error));
      },
    });
  }

  /** The networks of which experiments may demand something else. */
  get networkRequests(): Observable<Request> {
    const { experiments } = this.#options;
    const changes = experiments === undefined ? EMPTY : experiments.changes.pipe(mergeMap(change => networksOf(change)));
    return merge(this.#networkRequests, changes);
  }

  /** Runs experiments until `signal` aborts, then finishes the reconciles in progress. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#controller.run(signal);
  }

  /** Call when an event about the experiment was dropped. */
  republish(key: string): void {
    this.#writes.at(key)?.republish();
  }

  #requests(): Observable<Request> {
    const { experiments, networks, synced } = this.#options;
    if (experiments === undefined) return EMPTY;
    return merge(
      requestsForObjects(experiments),
      (synced?.synced ?? EMPTY).pipe(mergeMap(() => experiments.all().map(experiment => ({ key: keyOf(experiment) })))),
      // Others of the same network may wait for this one.
      experiments.changes.pipe(mergeMap(({ object }) => this.#requestsIn(object.metadata.namespace, object.spec.network.name))),
      networks.changes.pipe(mergeMap(({ object: { metadata } }) => this.#requestsIn(metadata.namespace, metadata.name))),
    );
  }

  #requestsIn(namespace: string, network: string): Request[] {
    return this.ofNetworks.of(namespace, network).map(experiment => ({ key: keyOf(experiment) }));
  }
}

const namespaceOf = (key: string): string => key.slice(0, key.indexOf('/'));

/** The network of an experiment, unless what it may demand of it is the same as before. */
function networksOf({ type, object, old }: Change<BitcoinExperiment>): Request[] {
  const fieldsOf = ({ metadata, status }: BitcoinExperiment) =>
    JSON.stringify([metadata.deletionTimestamp, status?.cut, status?.steps?.at(-1)?.stage, status?.step, status?.completionTime]);
  if (type === 'updated' && old !== undefined && fieldsOf(object) === fieldsOf(old)) return [];
  return [{ key: `${object.metadata.namespace}/${object.spec.network.name}` }];
}
