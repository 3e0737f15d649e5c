// Random rollouts: blocks are made meanwhile, new nodes sync slowly, nodes crash, reports are old, processes are replaced, and pods are
// restarted once more while the last one syncs. No block may be lost.
import { expect } from 'chai';
import type { RolloutSpec } from '../../../../src/bitcoin/api/rollout.ts';
import { planRollout } from '../../../../src/controller/rollout/plan-rollout.ts';
import { emptyMemory, type RolloutMemory, type RolloutReport } from '../../../../src/controller/rollout/rollout-input.ts';

const seeds = 300;
const maxSteps = 3_000;

/** A linear congruential generator: numbers from 0 to below 1. */
function randomOf(seed: number): () => number {
  let state = seed + 1;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

interface SimulatedPod {
  readonly uid: string;
  readonly revision: string;
  isReady: boolean;
  /** As it is; the report may be older. */
  height: number;
  report: RolloutReport | undefined;
}

class SimulatedNetwork {
  readonly pods: SimulatedPod[];
  readonly #random: () => number;
  /** Its StatefulSet controller has the feature MaxUnavailableStatefulSet. */
  readonly #countsUnavailable: boolean;
  readonly #spec: RolloutSpec;
  #partition: number;
  #maxUnavailable = 1;
  #revisions = { current: 'v0', update: 'v1' };
  #memory: RolloutMemory = emptyMemory;
  #nowMs = 1;
  /** The controller has seen the pods as they are. */
  #isSeen = false;
  #uids = 0;

  constructor(seed: number) {
    this.#random = randomOf(seed);
    this.#countsUnavailable = seed % 2 === 0;
    this.#spec = { maxUnavailable: 1 + Math.floor(this.#random() * 2) };
    const size = 2 + Math.floor(this.#random() * 4);
    this.pods = Array.from({ length: size }, () => this.#pod('v0', 300));
    this.#partition = size;
  }

  get highest(): number {
    return Math.max(...this.pods.map(({ height }) => height));
  }

  get isDone(): boolean {
    const { current, update } = this.#revisions;
    const isBack = ({ isReady, height }: SimulatedPod): boolean => isReady && height === this.highest;
    return current === update && this.#partition === this.pods.length && this.pods.every(isBack);
  }

  step(): void {
    this.#nowMs += 100;
    const dice = this.#random();
    if (dice < 0.02) this.#memory = emptyMemory;
    else if (dice < 0.025) this.#change();
    else if (dice < 0.04) this.#restart();
    else if (dice < 0.065) this.#crash();
    else if (dice < 0.3) this.#mine();
    else if (dice < 0.6) this.#sync();
    else if (dice < 0.8) this.#replace();
    else this.#plan();
  }

  /** A process writes the new template with a closed gate. */
  #change(): void {
    this.#revise();
    this.#partition = this.pods.length;
  }

  /** As kubectl rollout restart: the gate stays as it is. */
  #restart(): void {
    const { update } = this.#revisions;
    if (this.#isSeen && this.pods.every(({ revision }) => revision === update)) this.#revise();
  }

  #revise(): void {
    this.#revisions = { ...this.#revisions, update: `v${Number(this.#revisions.update.slice(1)) + 1}` };
  }

  /** A block is made by a node that has all of them, and those that are as high get it: at least one. */
  #mine(): void {
    const { highest } = this;
    const pods = this.pods.filter(pod => pod.isReady && pod.height === highest);
    if (pods.length > 1) for (const pod of pods) pod.height += 1;
  }

  /** A node restarts, and keeps its blocks. Its last report is new. */
  #crash(): void {
    const pod = this.pods[Math.floor(this.#random() * this.pods.length)];
    if (pod?.isReady !== true) return;
    this.#answer(pod);
    this.#plan();
    pod.isReady = false;
  }

  #answer(pod: SimulatedPod): void {
    pod.report = { height: pod.height, isConnected: true, askedAtMs: this.#nowMs };
  }

  #sync(): void {
    const { highest } = this;
    for (const pod of this.pods) {
      if (!pod.isReady) pod.isReady = this.#random() < 0.5;
      else pod.height = Math.min(highest, pod.height + 100);
    }
  }

  /** As the StatefulSet controller: one pod at a time, or as many as may be unavailable. */
  #replace(): void {
    this.#isSeen = false;
    const { update } = this.#revisions;
    if (this.#countsUnavailable) this.#replaceWithin(update);
    else this.#replaceNext(update);
    if (this.pods.every(({ revision, isReady }) => isReady && revision === update)) this.#revisions = { current: update, update };
  }

  #replaceNext(update: string): void {
    for (let index = this.pods.length - 1; index >= this.#partition; index -= 1) {
      const pod = this.pods[index];
      if (pod?.revision !== update) this.pods[index] = { ...this.#pod(update, 0), isReady: false };
      if (this.pods[index]?.isReady !== true) return;
    }
  }

  #replaceWithin(update: string): void {
    const indexes = [...this.pods.keys()].reverse();
    const isOld = (index: number): boolean => index >= this.#partition && this.pods[index]?.revision !== update;
    const unready = indexes.filter(index => this.pods[index]?.isReady !== true);
    const ready = indexes.filter(index => isOld(index) && !unready.includes(index));
    const budget = Math.max(0, this.#maxUnavailable - unready.length);
    for (const index of [...unready.filter(isOld), ...ready.slice(0, budget)])
      this.pods[index] = { ...this.#pod(update, 0), isReady: false };
  }

  #plan(): void {
    this.#isSeen = true;
    const { partitions, maxUnavailable, asks, memory } = planRollout({
      sets: [
        {
          ...{ name: 'sts', partition: this.#partition, isChanging: false, revisions: this.#revisions, keepsChain: false },
          nodes: this.pods.map((pod, index) => ({
            ...{ name: `sts-${index}`, ordinal: index },
            pod: { ...pod, problem: pod.isReady ? undefined : 'exited', report: pod.isReady ? pod.report : undefined },
          })),
        },
      ],
      ...{ spec: this.#spec, reachable: () => 'all', detourAround: () => [], isSettled: () => true },
      ...{ memory: this.#memory, wasStalled: false, knownHeight: this.highest, nowMs: this.#nowMs },
    });
    this.#memory = memory;
    const allowed = maxUnavailable.get('sts') ?? 1;
    const partition = partitions.get('sts') ?? 0;
    // A field that is left out of a write which changes nothing stays.
    if (allowed > 1 || partition !== this.#partition) this.#maxUnavailable = allowed;
    this.#partition = partition;
    for (const name of asks) {
      const pod = this.pods[Number(name.slice(4))];
      if (pod !== undefined) this.#answer(pod);
    }
  }

  #pod(revision: string, height: number): SimulatedPod {
    return { uid: `uid-${(this.#uids += 1)}`, revision, isReady: true, height, report: undefined };
  }
}

describe('planRollout, whatever happens', function () {
  this.timeout(60_000);
  it('loses no block, and comes to an end', () => {
    for (let seed = 0; seed < seeds; seed += 1) {
      const network = new SimulatedNetwork(seed);
      let steps = 0;
      for (; steps < maxSteps && !network.isDone; steps += 1) {
        const before = network.highest;
        network.step();
        expect(network.highest, `seed ${seed}, step ${steps}`).to.be.at.least(before);
      }
      expect(steps, `seed ${seed}`).to.be.below(maxSteps);
    }
  });
});
