// PartitionClock: whether a network is cut at this moment. The time at which it was cut is read from the status, so that a controller that has
// just started heals it when its predecessor would have.
import { createHash } from 'node:crypto';
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../bitcoin/api/bitcoin-network.ts';
import type { PartitionPlan } from '../bitcoin/topology/partition.ts';
import type { Demand } from './experiments/demands.ts';

export interface PartitionState {
  readonly plan: PartitionPlan;
  readonly specHash: string;
  readonly startMs: number;
  /** Undefined: it stays cut. */
  readonly healMs: number | undefined;
  /** Not healed yet. */
  readonly isCut: boolean;
  /** The name of the experiment that cuts the network. Undefined: its spec does. */
  readonly experiment?: string | undefined;
}

export class PartitionClock {
  /** The start of the partition until it is in the status. */
  #started: { readonly specHash: string; readonly startMs: number } | undefined;

  /**
   * @param plan undefined if neither the spec nor an experiment cuts anything
   * @param nowMs milliseconds since 1970
   * @param demand of the experiment that runs. It cuts only a network whose spec has no partition
   */
  observe(
    network: BitcoinNetwork,
    plan: PartitionPlan | undefined,
    nowMs: number,
    demand?: Pick<Demand, 'experiment' | 'cut'>,
  ): PartitionState | undefined {
    const { partition } = network.spec;
    if (partition === undefined || plan === undefined) {
      this.#started = undefined;
      return plan === undefined ? undefined : cutByExperiment(plan, demand);
    }
    const specHash = hashOf(partition);
    const startMs = startIn(network.status, specHash) ?? this.#startOf(specHash, nowMs);
    this.#started = { specHash, startMs };
    const healMs = partition.healAfterSeconds === undefined ? undefined : startMs + partition.healAfterSeconds * 1_000;
    return { plan, specHash, startMs, healMs, isCut: healMs === undefined || nowMs < healMs };
  }

  #startOf(specHash: string, nowMs: number): number {
    return this.#started?.specHash === specHash ? this.#started.startMs : nowMs;
  }
}

/** Its start is in the status of the experiment, which heals it. */
function cutByExperiment(
  plan: PartitionPlan,
  demand: Pick<Demand, 'experiment' | 'cut'> | undefined,
): PartitionState | undefined {
  if (demand?.cut === undefined) return undefined;
  const { experiment, cut } = demand;
  return { plan, specHash: hashOf(cut), startMs: Date.parse(cut.startTime), healMs: undefined, isCut: true, experiment };
}

/** A status of another partition, or without a time, says nothing about this one. */
function startIn(status: BitcoinNetworkStatus | undefined, specHash: string): number | undefined {
  if (status?.partition?.specHash !== specHash) return undefined;
  const startMs = Date.parse(status.partition.startTime);
  return Number.isNaN(startMs) ? undefined : startMs;
}

/** Identifies a partition of a spec, or a cut of an experiment. */
export const hashOf = (partition: object): string =>
  createHash('sha256').update(JSON.stringify(partition)).digest('hex').slice(0, 16);
