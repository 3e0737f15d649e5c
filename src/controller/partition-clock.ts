// PartitionClock: whether a network is cut at this moment. The time and the height at which it was cut are read from the status, so that
// a controller that has just started heals it when its predecessor would have.
import { createHash } from 'node:crypto';
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../bitcoin/api/bitcoin-network.ts';
import type { PartitionPlan } from '../bitcoin/topology/partition.ts';
import type { Demand } from './experiments/demands.ts';

export interface PartitionState {
  readonly plan: PartitionPlan;
  readonly specHash: string;
  readonly startMs: number;
  /** The height of the longest chain when the network was cut. One cut that follows on another keeps it. */
  readonly startHeight: number;
  /** Undefined: it stays cut. */
  readonly healMs: number | undefined;
  /** Not healed yet. */
  readonly isCut: boolean;
  /** The name of the experiment that cuts the network. Undefined: its spec does. */
  readonly experiment?: string | undefined;
}

interface Start extends Pick<PartitionState, 'startMs' | 'startHeight'> {
  readonly specHash: string;
}

export class PartitionClock {
  /** The start of the partition until it is in the status. */
  #started: Start | undefined;
  /** The time in the status of a partition that is over. The status may still have it when the same partition is asked for once more. */
  #endedStartTime: string | undefined;

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
    if (plan === undefined) {
      this.#started = undefined;
      this.#endedStartTime = network.status?.partition?.startTime;
      return undefined;
    }
    if (partition === undefined) return this.#cutByExperiment(network, plan, demand);
    const specHash = hashOf(partition);
    const start = this.#startOf(network, specHash, nowMs);
    const { startMs } = start;
    const healMs = partition.healAfterSeconds === undefined ? undefined : startMs + partition.healAfterSeconds * 1_000;
    return { plan, ...start, healMs, isCut: healMs === undefined || nowMs < healMs };
  }

  /** Its time is in the status of the experiment, which heals it. */
  #cutByExperiment(
    network: BitcoinNetwork,
    plan: PartitionPlan,
    demand: Pick<Demand, 'experiment' | 'cut'> | undefined,
  ): PartitionState | undefined {
    if (demand?.cut === undefined) return undefined;
    const { experiment, cut } = demand;
    const start = this.#startOf(network, hashOf(cut), Date.parse(cut.startTime));
    return { plan, ...start, healMs: undefined, isCut: true, experiment };
  }

  /** @param startMs of a cut that is new */
  #startOf({ status: stored }: BitcoinNetwork, specHash: string, startMs: number): Start {
    const { partition, ...others } = stored ?? {};
    const status = partition !== undefined && partition.startTime !== this.#endedStartTime ? stored : others;
    const known = startIn(status, specHash) ?? (this.#started?.specHash === specHash ? this.#started : undefined);
    this.#started = known ?? { specHash, startMs, startHeight: commonHeightIn(status, startMs) };
    return this.#started;
  }
}

/** The height of the network when it was whole. While it is cut, blocks above that belong to one part, also after a change of the cut. */
function commonHeightIn({ chain, partition }: BitcoinNetworkStatus = {}, startMs: number): number {
  const { healTime, startHeight = 0 } = partition ?? {};
  const isWhole = partition === undefined || (healTime !== undefined && Date.parse(healTime) <= startMs);
  return isWhole ? (chain?.height ?? 0) : startHeight;
}

/** A status of another partition, or without a time, says nothing about this one. */
function startIn(status: BitcoinNetworkStatus | undefined, specHash: string): Start | undefined {
  if (status?.partition?.specHash !== specHash) return undefined;
  const startMs = Date.parse(status.partition.startTime);
  return Number.isNaN(startMs) ? undefined : { specHash, startMs, startHeight: status.partition.startHeight ?? 0 };
}

/** Identifies a partition of a spec, or a cut of an experiment. */
export const hashOf = (partition: object): string =>
  createHash('sha256').update(JSON.stringify(partition)).digest('hex').slice(0, 16);
