// ExperimentReconciler: brings one experiment a stage further. It writes what it is about to do before it does it, so that another process goes
// on from the status; the cut of the network is made and healed by the loops of the network, from the same status.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinExperiment, BitcoinExperimentStatus } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { experimentFinalizer } from '../../bitcoin/api/names.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Result } from '../../runtime/controller.ts';
import type { PerObject } from '../../runtime/per-object.ts';
import type { ReadableCache } from '../caches.ts';
import { type NetworkPlan, planNetwork, withParts } from '../network-plan.ts';
import type { NodeMonitor, ObservedNetwork } from '../nodes/node-monitor.ts';
import { isBeingDeleted } from './demands.ts';
import type { ExperimentCalls, ExperimentCallsOptions } from './experiment-calls.ts';
import type { ExperimentWrites } from './experiment-writes.ts';
import type { ExperimentCache } from '../caches.ts';
import type { ExperimentsOfNetworks } from './experiments-of-networks.ts';
import { Healing } from './healing.ts';
import { isLevel } from './observed-chains.ts';
import {
  advanced,
  conditionOf,
  deadlineMs,
  ending,
  type Failure,
  finished,
  isEnding,
  isFinished,
  isStarted,
  type Moment,
  pending,
  type Position,
  positionOf,
  started,
  waiting,
  withPods,
} from './progress.ts';
import { podsToEvict, restartStage } from './restart-stage.ts';
import {
  awaitStage,
  connectStage,
  mineStage,
  readyNodes,
  type StageContext,
  type StageOutcome,
  waitStage,
} from './stage-work.ts';
import { partsAfter } from './step-stages.ts';
import { whyImpossible, whyOver, whyPending } from './start-rules.ts';

export interface ExperimentReconcilerOptions {
  readonly client: Pick<KubeClient, 'evict'>;
  readonly experiments: ExperimentCache;
  readonly networks: ReadableCache<BitcoinNetwork>;
  readonly pods: ReadableCache<V1Pod>;
  readonly ofNetworks: ExperimentsOfNetworks;
  readonly monitor: Pick<NodeMonitor, 'stateOf' | 'askNow'>;
  readonly writes: PerObject<ExperimentWrites, BitcoinExperiment>;
  readonly leadsForMs: () => number;
  readonly callsOf: (options: ExperimentCallsOptions) => ExperimentCalls;
  /** Called when an experiment may demand something else of its network. */
  readonly onDemand: (networkKey: string) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** After a conflict, until the cache has what another writer did. */
const conflictMs = 300;
/** How often it is looked whether a network has come up, or is healed. */
const lookMs = 250;
/** A stage that takes longer says what it waits for. */
const silentMs = 3_000;
/** Timers hold no longer. */
const longestRequeueMs = 86_400_000;

export class ExperimentReconciler {
  readonly #options: ExperimentReconcilerOptions;
  /** By the key of a network: the experiment that is about to begin, whose write the others may not see yet. */
  readonly #beginning = new Map<string, string>();
  readonly #healing: Healing;

  constructor(options: ExperimentReconcilerOptions) {
    this.#options = options;
    this.#healing = new Healing(options);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const { experiments, writes } = this.#options;
    const cached = experiments.get(key);
    if (cached === undefined) {
      const uid = writes.at(key)?.uid;
      if (uid !== undefined) this.#healing.forget(uid);
      writes.forget(key);
      return {};
    }
    const own = writes.of(cached);
    const experiment = own.newest(cached);
    own.publish(experiment);
    const { status } = experiment;
    if (isFinished(status)) return await this.#afterEnd(experiment, own, signal);
    if (isBeingDeleted(experiment)) return await this.#releaseDeleted(experiment, own, signal);
    if (!isStarted(status) || status === undefined) return await this.#begin(experiment, own, signal);
    if (isEnding(status)) return await this.#end(experiment, own, status, signal);
    const over = whyOver(experiment, this.#networkOf(experiment), this.#siblingsOf(experiment), this.#options.nowMs());
    if (over !== undefined) return await this.#write(experiment, own, ending(status, over, this.#moment(experiment)), signal);
    return await this.#advance(experiment, own, status, signal);
  }

  async #begin(experiment: BitcoinExperiment, own: ExperimentWrites, signal: AbortSignal): Promise<Result> {
    const network = this.#networkOf(experiment);
    const moment = this.#moment(experiment);
    const wait = async (why: Failure): Promise<Result> => {
      const before = conditionOf(experiment.status, 'Started');
      const isSaid = before?.reason === why.reason && before.message === why.message;
      if (!isSaid) await own.writeStatus(experiment, pending(experiment.status, why, moment), signal);
      return { requeueAfterMs: why.reason === 'NetworkNotReady' ? 4 * lookMs : longestRequeueMs };
    };
    const why = whyPending(experiment, network, this.#siblingsOf(experiment));
    if (why !== undefined || network === undefined) return await wait(why ?? { reason: 'NetworkMissing', message: '' });
    const networkKey = this.#networkKeyOf(experiment);
    const rival = this.#beginning.get(networkKey);
    if (rival !== undefined && rival !== experiment.metadata.uid) return { requeueAfterMs: lookMs };
    this.#beginning.set(networkKey, experiment.metadata.uid);
    try {
      const impossible = whyImpossible(network, experiment.spec.steps);
      if (impossible !== undefined) {
        const failed = finished(ending(pending(experiment.status, impossible, moment), impossible, moment), moment);
        return await this.#write(experiment, own, failed, signal);
      }
      const observed = this.#options.monitor.stateOf(networkKey);
      const ready = observed === undefined ? [] : readyNodes(observed);
      const chains = observed === undefined ? [] : await this.#callsTo(network, observed).chains(ready, signal);
      const message = `until all nodes of the network ${network.metadata.name} answer and have the same blocks`;
      if (chains.length === 0 || chains.length < network.spec.nodes || !isLevel(chains))
        return await wait({ reason: 'NetworkNotReady', message });
      if (!hasFinalizer(experiment)) {
        if (!(await own.setFinalizer(experiment, true, signal))) return { requeueAfterMs: conflictMs };
        return await this.#write(
          own.newest(experiment),
          own,
          started(experiment.spec, experiment.status, { chains }, moment),
          signal,
        );
      }
      return await this.#write(experiment, own, started(experiment.spec, experiment.status, { chains }, moment), signal);
    } finally {
      this.#beginning.delete(networkKey);
    }
  }

  async #advance(
    experiment: BitcoinExperiment,
    own: ExperimentWrites,
    status: BitcoinExperimentStatus,
    signal: AbortSignal,
  ): Promise<Result> {
    const { monitor, ofNetworks, nowMs } = this.#options;
    const network = this.#networkOf(experiment);
    const observed = monitor.stateOf(this.#networkKeyOf(experiment));
    const position = positionOf(experiment.spec, status);
    if (network === undefined || observed === undefined || position === undefined) return { requeueAfterMs: lookMs };
    const calls = this.#callsTo(network, observed);
    const plan = planOf(network, status);
    const networkKey = this.#networkKeyOf(experiment);
    const context: StageContext = {
      ...{ experiment, network, observed, plan, position, calls, nowMs, signal, isMet: ofNetworks.isMet(network) },
      askNow: names => monitor.askNow(networkKey, names),
    };
    const { stage } = position;
    if (stage.work === 'restart' && position.step.pods === undefined) {
      const pods = podsToEvict(context, stage, this.#podIn(network));
      if (pods.length < stage.ordinals.length) return { requeueAfterMs: lookMs };
      return await this.#write(experiment, own, withPods(status, pods), signal);
    }
    const outcome = await this.#work(context, position);
    const moment = this.#moment(experiment);
    if ('failed' in outcome) {
      const { reason, message } = outcome.failed;
      return await this.#write(
        experiment,
        own,
        ending(status, { reason, message: `step ${position.step.name}: ${message}` }, moment),
        signal,
      );
    }
    if ('done' in outcome)
      return await this.#write(experiment, own, advanced(experiment.spec, status, outcome.done, moment), signal);
    const isLong = nowMs() - Date.parse(position.step.stageTime) >= silentMs;
    const said = isLong ? waiting(status, outcome.message) : status;
    if (said !== status && !(await own.writeStatus(experiment, said, signal))) return { requeueAfterMs: conflictMs };
    const leftMs = Math.max(1, deadlineMs(experiment.spec, status) - nowMs());
    return { requeueAfterMs: Math.min(outcome.waitMs, leftMs, longestRequeueMs) };
  }

  async #work(context: StageContext, { stage }: Position): Promise<StageOutcome> {
    switch (stage.work) {
      case 'connect':
        return await connectStage(context, stage);
      case 'mine':
        return await mineStage(context, stage);
      case 'wait':
        return await waitStage(context, stage);
      case 'await':
        return await awaitStage(context, stage);
      case 'restart':
        return await restartStage(context, stage, this.#podIn(context.network), this.#options.client);
    }
  }

  /** The steps are over: once the network is healed the experiment is complete, or has failed. */
  async #end(
    experiment: BitcoinExperiment,
    own: ExperimentWrites,
    status: BitcoinExperimentStatus,
    signal: AbortSignal,
  ): Promise<Result> {
    const { reason, lastTransitionTime = '' } = conditionOf(status, 'Ending') ?? {};
    // The last steps have healed it then, and have waited for that.
    const isHealed = reason === 'StepsDone' && partsAfter(experiment.spec.steps) === undefined;
    if (!isHealed && !this.#isHealed(experiment, Date.parse(lastTransitionTime))) return { requeueAfterMs: lookMs };
    return await this.#write(experiment, own, finished(status, this.#moment(experiment)), signal);
  }

  async #releaseDeleted(experiment: BitcoinExperiment, own: ExperimentWrites, signal: AbortSignal): Promise<Result> {
    if (!hasFinalizer(experiment)) return {};
    if (isStarted(experiment.status)) {
      this.#options.onDemand(this.#networkKeyOf(experiment));
      const sinceMs = Date.parse(String(experiment.metadata.deletionTimestamp));
      if (!this.#isHealed(experiment, sinceMs)) return { requeueAfterMs: lookMs };
    }
    return (await own.setFinalizer(experiment, false, signal)) ? {} : { requeueAfterMs: conflictMs };
  }

  async #afterEnd(experiment: BitcoinExperiment, own: ExperimentWrites, signal: AbortSignal): Promise<Result> {
    if (hasFinalizer(experiment) && !(await own.setFinalizer(experiment, false, signal))) return { requeueAfterMs: conflictMs };
    const { ttlSecondsAfterFinished } = experiment.spec;
    if (ttlSecondsAfterFinished === undefined || isBeingDeleted(experiment)) return {};
    const leftMs = Date.parse(experiment.status?.completionTime ?? '') + ttlSecondsAfterFinished * 1_000 - this.#options.nowMs();
    if (leftMs > 0) return { requeueAfterMs: Math.min(leftMs, longestRequeueMs) };
    await own.delete(experiment, signal);
    return {};
  }

  #isHealed(experiment: BitcoinExperiment, sinceMs: number): boolean {
    return this.#healing.isOver(experiment, this.#networkOf(experiment), this.#options.nowMs() - sinceMs);
  }

  async #write(
    experiment: BitcoinExperiment,
    own: ExperimentWrites,
    status: BitcoinExperimentStatus,
    signal: AbortSignal,
  ): Promise<Result> {
    const isWritten = await own.writeStatus(experiment, status, signal);
    if (!isWritten) return { requeueAfterMs: conflictMs };
    this.#options.onDemand(this.#networkKeyOf(experiment));
    return { requeueAfterMs: 1 };
  }

  #callsTo(network: BitcoinNetwork, { credentials, previous }: ObservedNetwork): ExperimentCalls {
    const { callsOf, leadsForMs } = this.#options;
    return callsOf({ credentials, previous, leadsForMs, rpcPort: chainParametersOf(network.spec).rpcPort });
  }

  #podIn({ metadata }: BitcoinNetwork): (name: string) => V1Pod | undefined {
    return name => this.#options.pods.get(`${metadata.namespace}/${name}`);
  }

  #siblingsOf({ metadata, spec }: BitcoinExperiment): BitcoinExperiment[] {
    return this.#options.ofNetworks.of(metadata.namespace, spec.network.name);
  }

  #networkOf(experiment: BitcoinExperiment): BitcoinNetwork | undefined {
    return this.#options.networks.get(this.#networkKeyOf(experiment));
  }

  #networkKeyOf({ metadata, spec }: BitcoinExperiment): string {
    return `${metadata.namespace}/${spec.network.name}`;
  }

  #moment({ metadata }: BitcoinExperiment): Moment {
    return { nowMs: this.#options.nowMs(), generation: metadata.generation ?? 0 };
  }
}

const hasFinalizer = ({ metadata }: BitcoinExperiment): boolean => metadata.finalizers?.includes(experimentFinalizer) === true;

const planOf = (network: BitcoinNetwork, { cut }: BitcoinExperimentStatus): NetworkPlan => {
  const plan = planNetwork(network);
  return cut === undefined ? plan : withParts(plan, cut.parts);
};
