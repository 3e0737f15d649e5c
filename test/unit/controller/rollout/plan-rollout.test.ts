import { expect } from 'chai';
import type { RolloutSpec } from '../../../../src/bitcoin/api/rollout.ts';
import { planRollout } from '../../../../src/controller/rollout/plan-rollout.ts';
import {
  emptyMemory,
  type RolloutInput,
  type RolloutMemory,
  type RolloutPlan,
  type RolloutPod,
} from '../../../../src/controller/rollout/rollout-input.ts';

/**
 * One set of nodes, a StatefulSet controller that replaces a pod when the partition lets it, and nodes that answer at once. A new pod is not
 * ready until the test says so.
 */
class SimulatedSet {
  readonly pods: (RolloutPod | undefined)[];
  partition: number;
  revisions = { current: 'old', update: 'old' };
  spec: RolloutSpec = {};
  nowMs = 1_000;
  start = 0;
  isChanging = false;
  startsChanged = false;
  isObserved = true;
  keepsChain = false;
  /** As in Kubernetes from 1.37 on. */
  countsUnavailable = false;
  /** As while the StatefulSet controller does not run: no pod is replaced. */
  withholdsPods = false;
  wasStalled = false;
  /** Of the last process. */
  waitedFor: string | undefined;
  /** In the status. */
  knownHeight: number;
  reachable: RolloutInput['reachable'] = () => 'all';
  detourAround: RolloutInput['detourAround'] = () => [];
  isSettled: RolloutInput['isSettled'] = () => true;
  memory: RolloutMemory = emptyMemory;
  /** Of the credentials. */
  credentialsFault: string | undefined;
  /** Why the pod of an index cannot be created. */
  readonly createProblems = new Map<number, string>();
  #uids = 0;

  constructor(heights: readonly number[]) {
    this.pods = heights.map(height => this.#pod('old', { isReady: true, height }));
    this.partition = heights.length;
    this.knownHeight = Math.max(...heights);
  }

  /** Plans once, and does nothing of it. */
  plan(): RolloutPlan {
    const plan = planRollout({
      sets: [
        {
          ...{ name: 'sts', partition: this.partition, isChanging: this.isChanging, keepsChain: this.keepsChain },
          startsChanged: this.startsChanged,
          revisions: this.isObserved ? this.revisions : undefined,
          nodes: this.pods.map((pod, index) => ({
            ...{ name: `sts-${this.start + index}`, ordinal: this.start + index, pod },
            createProblem: this.createProblems.get(index),
          })),
        },
      ],
      ...{ detourAround: this.detourAround, isSettled: this.isSettled, knownHeight: this.knownHeight, waitedFor: this.waitedFor },
      ...{ spec: this.spec, reachable: this.reachable, memory: this.memory, wasStalled: this.wasStalled, nowMs: this.nowMs },
      credentialsFault: this.credentialsFault,
    });
    this.memory = plan.memory;
    return plan;
  }

  /** Plans until nothing changes, applies each partition, and lets the nodes that are asked answer. Returns the state. */
  settle(): string {
    for (let round = 0; round < 20; round += 1) {
      this.nowMs += 1;
      const { partitions, maxUnavailable, asks, state } = this.plan();
      const partition = partitions.get('sts') ?? 0;
      const isReplacing = this.#replace(partition, maxUnavailable.get('sts') ?? 1);
      for (const name of asks) this.answer(Number(name.slice(4)) - this.start);
      if (partition === this.partition && asks.length === 0 && !isReplacing) return `${state?.reason} ${state?.message}`;
      this.partition = partition;
      this.nowMs += 500;
    }
    return this.state();
  }

  state(): string {
    const { state } = this.plan();
    return `${state?.reason} ${state?.message}`;
  }

  change(revision = 'new'): void {
    this.revisions = { ...this.revisions, update: revision };
  }

  /** As kubectl rollout restart, when the StatefulSet controller is faster than ours. */
  restart(revision: string): void {
    this.change(revision);
    this.#replace(this.partition, 1);
  }

  set(index: number, fields: Partial<RolloutPod> & { readonly height?: number; readonly isConnected?: boolean }): void {
    const pod = this.pods[index];
    if (pod === undefined) throw new Error('there is no such pod');
    const { height = pod.report?.height, isConnected = true, ...others } = fields;
    this.pods[index] = { ...pod, ...others, report: { height, isConnected, askedAtMs: pod.report?.askedAtMs ?? 0 } };
  }

  /** The new pod works, and has synced to that height. */
  becomeReady(index: number, height: number): void {
    this.set(index, { isReady: true, height });
    this.answer(index);
  }

  answer(index: number): void {
    const pod = this.pods[index];
    if (pod?.report !== undefined) this.pods[index] = { ...pod, report: { ...pod.report, askedAtMs: this.nowMs + 0.5 } };
  }

  /** Which pods are of the new revision, such as `oon`. */
  get revisionsOfPods(): string {
    return this.pods.map(pod => pod?.revision?.slice(0, 1) ?? '-').join('');
  }

  /** As the StatefulSet controller: from the highest index, and no other pod while one is not ready. */
  #replace(partition: number, maxUnavailable: number): boolean {
    if (this.withholdsPods) return false;
    if (this.countsUnavailable) return this.#replaceWithin(partition, maxUnavailable);
    for (let index = this.pods.length - 1; index >= partition; index -= 1) {
      const pod = this.pods[index];
      if (pod?.revision !== this.revisions.update) {
        this.pods[index] = this.#pod(this.revisions.update, { isReady: false });
        return true;
      }
      if (!pod.isReady) return false;
    }
    return this.#complete();
  }

  #complete(): boolean {
    const isDone = this.pods.every(pod => pod?.revision === this.revisions.update && pod.isReady);
    if (!isDone || this.revisions.current === this.revisions.update) return false;
    this.revisions = { ...this.revisions, current: this.revisions.update };
    return true;
  }

  /** With the feature MaxUnavailableStatefulSet: unready pods first, then ready ones while fewer than maxUnavailable of all are not ready. */
  #replaceWithin(partition: number, maxUnavailable: number): boolean {
    const isOld = (index: number): boolean => index >= partition && this.pods[index]?.revision !== this.revisions.update;
    const indexes = [...this.pods.keys()].reverse();
    const unavailable = indexes.filter(index => this.pods[index]?.isReady !== true);
    const ready = indexes.filter(index => isOld(index) && !unavailable.includes(index));
    const taken = [...unavailable.filter(isOld), ...ready.slice(0, Math.max(0, maxUnavailable - unavailable.length))];
    for (const index of taken) this.pods[index] = this.#pod(this.revisions.update, { isReady: false });
    return taken.length > 0 || this.#complete();
  }

  #pod(revision: string, { isReady, height }: { isReady: boolean; height?: number }): RolloutPod {
    const report = { height, isConnected: true, askedAtMs: 0 };
    return { uid: `uid-${(this.#uids += 1)}`, revision, isReady, problem: undefined, report };
  }
}

describe('planRollout', () => {
  describe('at rest', () => {
    it('keeps the gate closed, asks no node, and reports all nodes as up to date', () => {
      const { partitions, asks, state, planAgainMs } = new SimulatedSet([300, 300, 300]).plan();
      expect([...partitions]).to.deep.equal([['sts', 3]]);
      expect([asks, planAgainMs]).to.deep.equal([[], undefined]);
      expect(state).to.deep.include({ reason: 'AllNodesUpdated', message: '3 of 3 nodes are up to date' });
    });

    it('says of each node whether it has yet to be replaced, ready or not', () => {
      const set = new SimulatedSet([300, 300, 300]);
      const updated = () => [...(set.plan().state?.isUpdated.values() ?? [])];
      expect(updated()).to.deep.equal([true, true, true]);
      set.change();
      expect(updated()).to.deep.equal([false, false, false]);
      set.settle();
      expect([set.revisionsOfPods, updated()]).to.deep.equal(['oon', [false, false, true]]);
      set.isObserved = false;
      expect(set.plan().state).to.equal(undefined);
    });

    it('stays closed while a node is not ready or has no pod', () => {
      const set = new SimulatedSet([300, 300]);
      set.pods[0] = undefined;
      set.set(1, { isReady: false });
      expect(set.plan().partitions.get('sts')).to.equal(2);
    });

    it('closes the gate in the write that changes anything else, also of a set that had none', () => {
      const set = new SimulatedSet([300, 300]);
      [set.isChanging, set.partition] = [true, 0];
      const { partitions, state } = set.plan();
      expect(partitions.get('sts')).to.equal(2);
      expect(state).to.equal(undefined);
    });

    it('lets a stopped set that changes start in its new version, but for the nodes that spec.rollout holds', () => {
      for (const [spec, partition] of [
        [{}, 0],
        [{ partition: 11 }, 1],
        [{ partition: 100 }, 2],
        [{ paused: true }, 2],
      ] as const) {
        const set = new SimulatedSet([0, 0]);
        [set.start, set.spec, set.isChanging, set.startsChanged] = [10, spec, true, true];
        set.pods.fill(undefined);
        set.partition = set.plan().partitions.get('sts') ?? 0;
        expect(set.partition, JSON.stringify(spec)).to.equal(partition);
        // Until its controller has created the pods.
        [set.isChanging, set.startsChanged, set.isObserved] = [false, false, false];
        set.change();
        expect(set.plan().partitions.get('sts')).to.equal(partition);
        set.isObserved = true;
        expect(set.plan().partitions.get('sts')).to.equal(partition);
      }
    });

    it('does nothing until the StatefulSet controller has seen the set', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.isObserved = false;
      const { partitions, state } = set.plan();
      expect(partitions.get('sts')).to.equal(2);
      expect(state).to.equal(undefined);
    });
  });

  describe('of nodes with blocks', () => {
    it('replaces them from the highest index, each when the one before is back, and closes the gate at the end', () => {
      const set = new SimulatedSet([300, 300, 300]);
      set.change();
      expect(set.settle()).to.equal('RollingOut 0 of 3 nodes are updated; waiting for sts-2: it is not ready');
      expect(set.revisionsOfPods).to.equal('oon');
      set.becomeReady(2, 300);
      expect(set.settle()).to.equal('RollingOut 1 of 3 nodes are updated; waiting for sts-1: it is not ready');
      expect(set.revisionsOfPods).to.equal('onn');
      set.becomeReady(1, 300);
      set.settle();
      expect(set.revisionsOfPods).to.equal('nnn');
      set.becomeReady(0, 300);
      expect(set.settle()).to.equal('AllNodesUpdated 3 of 3 nodes are up to date');
      expect(set.partition).to.equal(3);
    });

    it('waits for a node that is ready until it is as high as the others were', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.settle();
      set.becomeReady(1, 17);
      expect(set.settle()).to.equal('RollingOut 0 of 2 nodes are updated; waiting for sts-1: it has 17 of 300 blocks');
      expect(set.revisionsOfPods).to.equal('on');
      set.becomeReady(1, 300);
      set.settle();
      expect(set.revisionsOfPods).to.equal('nn');
    });

    it('waits for the connections of a node', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.settle();
      set.set(1, { isReady: true, height: 300, isConnected: false });
      set.answer(1);
      expect(set.settle()).to.include('not all of its connections are there');
      expect(set.revisionsOfPods).to.equal('on');
    });

    it('does not take a report about the former pod for one of the new pod', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.settle();
      set.set(1, { isReady: true, height: 300 });
      const { state, partitions } = set.plan();
      expect(state?.message).to.include('it has not answered yet');
      expect(partitions.get('sts')).to.equal(1);
    });

    it('asks all nodes for their heights before the first one is replaced', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      const { partitions, asks } = set.plan();
      expect(partitions.get('sts')).to.equal(2);
      expect(asks).to.deep.equal(['sts-0', 'sts-1']);
    });

    it('waits for another node to have the blocks of the one whose turn it is', () => {
      const set = new SimulatedSet([298, 300]);
      set.change();
      expect(set.settle()).to.include('RollingOut').and.include('another node has to reach height 300 first');
      expect(set.revisionsOfPods).to.equal('oo');
      set.set(0, { height: 300 });
      set.settle();
      expect(set.revisionsOfPods).to.equal('on');
    });

    it('goes on while blocks arrive between two answers', () => {
      const set = new SimulatedSet([300, 301]);
      set.change();
      for (let block = 0; block < 5 && set.revisionsOfPods === 'oo'; block += 1) {
        const { partitions, asks } = set.plan();
        set.partition = partitions.get('sts') ?? 0;
        for (const name of asks) set.answer(Number(name.slice(4)));
        if (set.partition < 2) break;
        set.set(0, { height: 301 + block });
        set.set(1, { height: 302 + block });
        set.nowMs += 500;
      }
      expect(set.partition).to.equal(1);
    });

    it('replaces all of them, one after another, if they keep their chain', () => {
      const set = new SimulatedSet([300]);
      set.keepsChain = true;
      set.change();
      set.settle();
      expect(set.revisionsOfPods).to.equal('n');
    });
  });

  describe('of which the last node is not back', () => {
    /** All pods are updated. */
    function lastOf(heights: readonly number[], fields: Partial<SimulatedSet> = {}): SimulatedSet {
      const set = Object.assign(new SimulatedSet(heights), fields);
      set.change();
      set.settle();
      for (let index = heights.length - 1; index > 0; index -= 1) {
        set.becomeReady(index, 300);
        set.settle();
      }
      expect(set.revisionsOfPods).to.equal('n'.repeat(heights.length));
      return set;
    }

    it('closes the gate before it is ready, and waits for it nevertheless', () => {
      const set = lastOf([300, 300]);
      expect(set.partition).to.equal(2);
      expect(set.settle()).to.equal('RollingOut 1 of 2 nodes are updated; waiting for sts-0: it is not ready');
      set.becomeReady(0, 96);
      expect(set.settle()).to.equal('RollingOut 1 of 2 nodes are updated; waiting for sts-0: it has 96 of 300 blocks');
      set.nowMs += 600_000;
      expect(set.state()).to.include('NodeNotBack sts-0 has not come back within 600 s');
      set.becomeReady(0, 300);
      expect(set.settle()).to.equal('AllNodesUpdated 2 of 2 nodes are up to date');
      expect(set.plan().memory.turns).to.have.property('size', 0);
    });

    it('keeps the others when all are restarted once more', () => {
      for (const countsUnavailable of [false, true])
        for (const synced of [undefined, 96]) {
          const set = lastOf([300, 300], { countsUnavailable });
          if (synced !== undefined) {
            set.becomeReady(0, synced);
            set.settle();
          }
          set.restart('later');
          for (let round = 0; round < 10; round += 1) {
            set.settle();
            expect(Math.max(...set.pods.map(pod => pod?.report?.height ?? 0)), `${synced}`).to.equal(300);
            set.nowMs += 5_000;
          }
        }
    });

    it('keeps the gate open until it is ready if the nodes keep their chain, so that a pod that dies comes back in the new version', () => {
      const set = lastOf([300, 300], { keepsChain: true });
      expect(set.partition).to.equal(0);
      set.becomeReady(0, 96);
      expect(set.settle()).to.include('waiting for sts-0: it has 96 of 300 blocks');
      expect(set.partition).to.equal(2);
    });

    it('opens the gate for it once more when its pod comes back in the old version', () => {
      const set = lastOf([300, 300]);
      set.pods[0] = { ...set.pods[0]!, uid: 'another', revision: 'old' };
      set.becomeReady(0, 0);
      set.settle();
      expect([set.revisionsOfPods, set.partition]).to.deep.equal(['nn', 2]);
    });

    it('waits for it also in a new process, which knows it from the status', () => {
      const set = lastOf([300, 300]);
      set.becomeReady(0, 96);
      set.settle();
      [set.memory, set.waitedFor] = [emptyMemory, 'sts-0'];
      expect(set.state()).to.equal('RollingOut 0 of 2 nodes are updated; waiting for sts-0: it has not answered yet');
      set.waitedFor = undefined;
      expect(set.settle()).to.equal('RollingOut 1 of 2 nodes are updated; waiting for sts-0: it has 96 of 300 blocks');
      expect(set.partition).to.equal(2);
      set.becomeReady(0, 300);
      expect(set.settle()).to.equal('AllNodesUpdated 2 of 2 nodes are up to date');
    });
  });

  describe('of blocks that would be lost', () => {
    it('does not replace the only node, and names the field that allows it', () => {
      const set = new SimulatedSet([300]);
      set.change();
      expect(set.settle()).to.equal(
        'WouldLoseChain 0 of 1 nodes are updated; sts-0 is not restarted, since its blocks would be lost: no other node that it has a path to has its 300 blocks. To restart it nevertheless, set spec.rollout.allowChainLoss to true',
      );
      expect(set.revisionsOfPods).to.equal('o');
      set.spec = { allowChainLoss: true };
      set.settle();
      expect(set.revisionsOfPods).to.equal('n');
    });

    it('waits until the only other copy has been ready for 15 seconds, and then asks the nodes once more', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.settle();
      set.becomeReady(1, 300);
      set.set(1, { readyForMs: 500 });
      const waits =
        'RollingOut 1 of 2 nodes are updated; sts-0 waits: the only other node with its blocks, sts-1, has been ready for less than 15 seconds';
      expect(set.settle()).to.equal(waits);
      expect(set.plan().planAgainMs).to.be.at.most(1_000);
      set.nowMs += 20_000;
      expect(set.settle()).to.equal(waits);
      set.set(1, { readyForMs: 15_000 });
      const { partitions, asks } = set.plan();
      expect([partitions.get('sts'), asks]).to.deep.equal([1, ['sts-0', 'sts-1']]);
      set.settle();
      expect(set.revisionsOfPods).to.equal('nn');
    });

    it('does not wait for new copies if another node has been ready for long, nor if there are no blocks, nor because of a wrong clock', () => {
      for (const [heights, readyForMs] of [
        [[300, 300, 300], 500],
        [[0, 0], 500],
        [[300, 300], -60_000],
      ] as const) {
        const set = new SimulatedSet(heights);
        set.change();
        set.settle();
        const last = heights.length - 1;
        set.becomeReady(last, heights[last]!);
        set.set(last, { readyForMs });
        set.settle();
        expect(set.revisionsOfPods.slice(-2)).to.equal('nn');
      }
    });

    it('does not wait for new copies if there are three, as after the start of a network', () => {
      const set = new SimulatedSet([300, 300, 300, 300]);
      for (const index of set.pods.keys()) set.set(index, { readyForMs: 500 });
      set.change();
      set.settle();
      expect(set.revisionsOfPods).to.equal('ooon');
    });

    it('waits for no blocks that all other nodes have lost meanwhile, and asks them first', () => {
      const set = new SimulatedSet([300, 300, 300]);
      set.change();
      set.settle();
      set.becomeReady(2, 17);
      expect(set.settle()).to.include('waiting for sts-2: it has 17 of 300 blocks');
      // Not ready: it may have them.
      set.set(0, { isReady: false });
      set.set(1, { isReady: true, height: 12 });
      expect(set.settle()).to.include('waiting for sts-2: it has 17 of 300 blocks');
      set.becomeReady(0, 11);
      expect(set.settle()).not.to.include('waiting for sts-2');
    });

    it('replaces the only node freely while it has no blocks', () => {
      const set = new SimulatedSet([0]);
      set.change();
      set.settle();
      set.becomeReady(0, 0);
      expect(set.settle()).to.include('AllNodesUpdated');
    });

    it('does not replace a node whose blocks only nodes without a path to it have', () => {
      const set = new SimulatedSet([300, 300, 300]);
      set.reachable = ordinal => new Set(ordinal === 2 ? [2] : [0, 1]);
      set.change();
      expect(set.settle()).to.include('WouldLoseChain').and.include('sts-2');
      expect(set.revisionsOfPods).to.equal('ooo');
    });

    it('gives up after half a minute to wait for others to have the blocks', () => {
      const set = new SimulatedSet([10, 300]);
      set.change();
      set.settle();
      set.nowMs += 30_000;
      expect(set.settle()).to.include('WouldLoseChain').and.include('its 300 blocks');
      expect(set.revisionsOfPods).to.equal('oo');
    });

    it('does not replace a node whose height is not known, and reports it after half a minute', () => {
      const set = new SimulatedSet([300, 300]);
      const [, pod] = set.pods;
      set.pods[1] = { ...pod!, report: { height: undefined, isConnected: false, askedAtMs: 0 } };
      set.change();
      expect(set.settle()).to.include('RollingOut').and.include('it does not answer the controller');
      set.nowMs += 30_000;
      expect(set.settle()).to.include('WouldLoseChain').and.include('it does not answer the controller');
      expect(set.revisionsOfPods).to.equal('oo');
    });

    it('says of a node that refuses the credentials that it does, before its turn and after it', () => {
      const set = new SimulatedSet([300, 300]);
      const [, pod] = set.pods;
      const report = { height: undefined, isRefused: true, isConnected: false, askedAtMs: 0 };
      set.pods[1] = { ...pod!, report };
      set.change();
      expect(set.settle()).to.include('sts-1 waits: it refuses the credentials, so that its height is not known');
      set.becomeReady(1, 300);
      set.settle();
      set.pods[1] = { ...set.pods[1], isReady: true, report };
      set.answer(1);
      expect(set.settle()).to.include('waiting for sts-1: it refuses the credentials');
    });

    it('keeps a node that is not ready and had blocks that no other one has', () => {
      const set = new SimulatedSet([0, 300]);
      set.plan();
      set.set(1, { isReady: false, problem: 'container bitcoind exited with code 137 (OOMKilled)' });
      set.change();
      set.settle();
      set.nowMs += 30_000;
      expect(set.settle()).to.include('WouldLoseChain');
      expect(set.revisionsOfPods).to.equal('oo');
    });
  });

  describe('of nodes that are not ready, by a process that has just started', () => {
    const crashed = { isReady: false, problem: 'container bitcoind exited with code 137 (OOMKilled)', report: undefined };
    const broken = (heights: readonly number[], ...unready: readonly number[]): SimulatedSet => {
      const set = new SimulatedSet(heights);
      for (const index of unready) set.pods[index] = { ...set.pods[index]!, ...crashed };
      set.change();
      return set;
    };

    it('keeps the only node, which may have the chain of the status, and names the field that allows the loss', () => {
      const set = broken([300], 0);
      expect(set.settle()).to.equal(
        'WouldLoseChain 0 of 1 nodes are updated; sts-0 is not restarted, since its blocks would be lost: it is not ready and may have the 300 blocks of the network, and no other node that it has a path to has them. To restart it nevertheless, set spec.rollout.allowChainLoss to true',
      );
      set.nowMs += 600_000;
      set.settle();
      expect(set.revisionsOfPods).to.equal('o');
      set.spec = { allowChainLoss: true };
      set.settle();
      expect(set.revisionsOfPods).to.equal('n');
    });

    it('keeps the only node that shows no problem for half a minute and more', () => {
      const set = broken([300], 0);
      set.set(0, { problem: undefined });
      expect(set.settle()).to.include('it is not ready yet');
      set.nowMs += 30_000;
      expect(set.settle()).to.include('WouldLoseChain');
      expect(set.revisionsOfPods).to.equal('o');
    });

    it('keeps all of them while none is ready, as after a reboot of their machines', () => {
      const set = broken([300, 300, 300, 300, 300], 0, 1, 2, 3, 4);
      set.settle();
      set.nowMs += 600_000;
      expect(set.settle()).to.include('WouldLoseChain');
      expect(set.partition).to.equal(5);
      expect(set.revisionsOfPods).to.equal('ooooo');
    });

    it('replaces one whose blocks another ready node has', () => {
      const set = broken([300, 300], 1);
      set.settle();
      expect(set.revisionsOfPods).to.equal('on');
    });

    it('keeps one whose blocks the other ready nodes lack, or have no path to it with', () => {
      const set = broken([12, 300], 1);
      set.settle();
      set.nowMs += 30_000;
      expect(set.settle()).to.include('WouldLoseChain');
      const other = broken([300, 300], 1);
      other.reachable = ordinal => new Set([ordinal]);
      expect(other.settle()).to.include('WouldLoseChain');
      expect([set.revisionsOfPods, other.revisionsOfPods]).to.deep.equal(['oo', 'oo']);
    });

    it('replaces one that was created since and has reported no block, and those with volumes', () => {
      const set = broken([300], 0);
      set.pods[0] = { ...set.pods[0]!, isEmpty: true };
      set.settle();
      expect(set.revisionsOfPods).to.equal('n');
      const stored = broken([300, 300], 0, 1);
      stored.keepsChain = true;
      expect(stored.plan().partitions.get('sts')).to.equal(0);
    });

    it('decides again about a node that becomes ready before it is replaced', () => {
      const set = broken([0, 0], 1);
      const opened = set.plan();
      expect(opened.partitions.get('sts')).to.equal(1);
      set.partition = 1;
      set.set(1, { isReady: true, problem: undefined, height: 300 });
      expect(set.plan().partitions.get('sts')).to.equal(2);
      set.partition = 2;
      set.settle();
      set.nowMs += 30_000;
      expect(set.settle()).to.include('WouldLoseChain');
      expect(set.revisionsOfPods).to.equal('oo');
    });
  });

  describe('of nodes that do not work', () => {
    it('replaces nodes that never worked at once', () => {
      const set = new SimulatedSet([0, 0]);
      set.pods.forEach((pod, index) => {
        set.pods[index] = { ...pod!, isReady: false, problem: 'cannot pull its image', report: undefined };
      });
      set.change();
      expect(set.plan().partitions.get('sts')).to.equal(0);
    });

    it('lets a pod that cannot be created as it was be created as it should be', () => {
      const set = new SimulatedSet([300, 300]);
      set.pods[1] = undefined;
      set.change();
      expect(set.plan().partitions.get('sts')).to.equal(1);
    });

    it('waits half a minute for a node that is not ready to show why', () => {
      const set = new SimulatedSet([300, 300]);
      const [, pod] = set.pods;
      set.pods[1] = { ...pod!, isReady: false, report: undefined };
      set.change();
      expect(set.settle()).to.include('sts-1 waits: it is not ready yet');
      set.nowMs += 30_000;
      set.settle();
      expect(set.revisionsOfPods).to.equal('on');
    });

    it('stops at the first node that does not come back, and names its problem', () => {
      const set = new SimulatedSet([300, 300, 300]);
      set.change();
      set.settle();
      set.set(2, { problem: 'container bitcoind exited with code 1: Error: Invalid parameter -nonsense' });
      set.nowMs += 600_000;
      expect(set.settle()).to.equal(
        'NodeNotBack sts-2 has not come back within 600 s: container bitcoind exited with code 1: Error: Invalid parameter -nonsense; 0 of 3 nodes are updated',
      );
      expect(set.revisionsOfPods).to.equal('oon');
    });

    it('takes spec.rollout.progressDeadlineSeconds as the time for a node', () => {
      const set = new SimulatedSet([300, 300]);
      set.spec = { progressDeadlineSeconds: 10 };
      set.change();
      set.settle();
      set.nowMs += 9_000;
      expect(set.state()).to.include('RollingOut');
      set.nowMs += 1_001;
      expect(set.state()).to.include('NodeNotBack');
    });

    it('rolls out a fix: the failed node first, then the others', () => {
      const set = new SimulatedSet([300, 300]);
      set.change('bad');
      set.settle();
      set.set(1, { problem: 'exited' });
      set.pods[1] = { ...set.pods[1]!, report: undefined };
      set.nowMs += 600_000;
      expect(set.settle()).to.include('NodeNotBack');
      set.change('new');
      // The write of the fix closes the gate.
      set.isChanging = true;
      set.partition = set.plan().partitions.get('sts') ?? 0;
      set.isChanging = false;
      set.settle();
      expect(set.revisionsOfPods).to.equal('on');
      set.pods[1] = { ...set.pods[1], problem: undefined, report: { height: 300, isConnected: true, askedAtMs: 0 } };
      set.becomeReady(1, 300);
      set.settle();
      expect(set.revisionsOfPods).to.equal('nn');
    });

    it('waits for an updated node that is not ready any more', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.settle();
      set.becomeReady(1, 300);
      set.set(1, { isReady: false });
      expect(set.settle()).to.include('waiting for sts-1');
      expect(set.revisionsOfPods).to.equal('on');
    });
  });

  describe('of a set of which a low index is not ready', () => {
    for (const countsUnavailable of [true, false]) {
      const where = countsUnavailable ? 'a set that counts unavailable pods of all indexes' : 'a set that does not';
      it(`rolls out a fix from the top until it reaches a pod that never worked, in ${where}`, () => {
        const set = new SimulatedSet([300, 300, 300]);
        set.countsUnavailable = countsUnavailable;
        set.pods[0] = { ...set.pods[0]!, isReady: false, problem: 'cannot pull its image', report: undefined };
        set.change();
        set.settle();
        expect(set.revisionsOfPods).to.equal('oon');
        set.becomeReady(2, 300);
        set.settle();
        // Together with the last one before it, where the set takes both.
        expect(set.revisionsOfPods).to.equal(countsUnavailable ? 'nnn' : 'onn');
        set.becomeReady(1, 300);
        set.settle();
        expect(set.revisionsOfPods).to.equal('nnn');
        set.becomeReady(0, 300);
        expect(set.settle()).to.equal('AllNodesUpdated 3 of 3 nodes are up to date');
      });
    }

    it('waits half a minute for one that shows no problem, and asks the nodes afterwards', () => {
      const set = new SimulatedSet([300, 300, 300]);
      set.pods[0] = undefined;
      set.change();
      expect(set.settle()).to.equal('RollingOut 0 of 3 nodes are updated; sts-2 waits: sts-0 is not ready yet');
      set.nowMs += 30_000;
      const { partitions, asks } = set.plan();
      expect([partitions.get('sts'), asks]).to.deep.equal([3, ['sts-1', 'sts-2']]);
      for (const index of [1, 2]) set.answer(index);
      set.nowMs += 500;
      const opened = set.plan();
      expect([opened.partitions.get('sts'), opened.maxUnavailable.get('sts')]).to.deep.equal([2, 2]);
    });

    it('lets no more pods be unavailable than are, once those whose turn it is are replaced, and at rest', () => {
      const set = new SimulatedSet([300, 300, 300]);
      expect(set.plan().maxUnavailable.get('sts')).to.equal(1);
      set.pods[0] = { ...set.pods[0]!, isReady: false, problem: 'cannot pull its image', report: undefined };
      set.change();
      set.settle();
      expect(set.revisionsOfPods).to.equal('oon');
      expect(set.plan().maxUnavailable.get('sts')).to.equal(1);
    });

    it('lets the set take maxUnavailable nodes at once', () => {
      const set = new SimulatedSet([300, 300, 300, 300]);
      [set.countsUnavailable, set.spec] = [true, { maxUnavailable: 2 }];
      set.change();
      set.settle();
      expect(set.revisionsOfPods).to.equal('oonn');
    });
  });

  describe('of a set with a pod that cannot be created as it was', () => {
    const cause = 'pods are forbidden: no PriorityClass with name gold was found';

    function refused(fields: Partial<SimulatedSet> = {}): SimulatedSet {
      const set = Object.assign(new SimulatedSet([300, 300, 300]), { withholdsPods: true }, fields);
      set.pods[0] = undefined;
      set.createProblems.set(0, cause);
      set.change();
      return set;
    }

    it('opens the gate down to it if the others keep their chain, or may lose it, and closes it when the pod exists', () => {
      for (const fields of [{ keepsChain: true }, { spec: { allowChainLoss: true } }]) {
        const set = refused(fields);
        expect(set.settle()).to.equal(`RollingOut 0 of 3 nodes are updated; waiting for sts-0: ${cause}`);
        expect(set.partition).to.equal(0);
        expect(set.plan().maxUnavailable.get('sts')).to.equal(1);
        set.createProblems.clear();
        set.pods[0] = { uid: 'new', revision: 'new', isReady: false, problem: undefined, report: undefined };
        expect(set.settle()).to.include('waiting for sts-0: it is not ready');
        expect(set.partition).to.equal(3);
        set.becomeReady(0, 300);
        set.withholdsPods = false;
        set.settle();
        expect(set.revisionsOfPods).to.equal('non');
      }
    });

    it('names it and the cause, and opens the gate for no other node, while their blocks could be lost', () => {
      const set = refused();
      const why = `it cannot be created as it was: ${cause}; Kubernetes may replace sts-1, sts-2 with it`;
      expect(set.settle()).to.equal(`RollingOut 0 of 3 nodes are updated; sts-0 waits: ${why}`);
      set.nowMs += 30_000;
      expect(set.settle()).to.equal(
        `WouldLoseChain 0 of 3 nodes are updated; sts-0: ${why}, and their blocks would be lost. To allow that, set spec.rollout.allowChainLoss to true`,
      );
      set.nowMs += 600_000;
      expect(set.settle()).to.include('WouldLoseChain');
      expect(set.partition).to.equal(3);
    });

    it('closes the gate of a node whose turn it is when another pod cannot be created', () => {
      const set = new SimulatedSet([300, 300, 300]);
      set.withholdsPods = true;
      set.change();
      set.settle();
      expect(set.partition).to.equal(2);
      set.pods[0] = undefined;
      set.createProblems.set(0, cause);
      expect(set.settle()).to.include(`sts-0 waits: it cannot be created as it was: ${cause}`);
      expect(set.partition).to.equal(3);
    });

    it('keeps the gate open for a pod that was deleted in its turn and cannot be created as it should be', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.settle();
      set.pods[1] = undefined;
      set.createProblems.set(1, cause);
      set.spec = { paused: true };
      expect(set.plan().partitions.get('sts')).to.equal(1);
      set.nowMs += 600_000;
      expect(set.state()).to.include('NodeNotBack').and.include(cause);
    });

    /** sts-1 cannot be created; sts-0 has the blocks of sts-2, which may be replaced with it. */
    function inTheMiddle(): SimulatedSet {
      const set = new SimulatedSet([300, 300, 300]);
      set.withholdsPods = true;
      set.pods[1] = undefined;
      set.createProblems.set(1, cause);
      set.change();
      return set;
    }

    it('keeps the gate open for it while blocks arrive, and closes it when only a node above has had new ones for half a minute', () => {
      const set = inTheMiddle();
      set.settle();
      expect(set.partition).to.equal(1);
      for (let block = 301; block <= 330; block += 1) {
        set.nowMs += 25_000;
        set.set(2, { height: block });
        expect(set.plan(), 'before another node has the block').to.deep.include({ asks: ['sts-2', 'sts-0'] });
        expect(set.plan().partitions.get('sts')).to.equal(1);
        set.set(0, { height: block });
        expect(set.plan().partitions.get('sts'), 'when one has it').to.equal(1);
      }
      expect(set.state()).to.include('NodeNotBack sts-1 has not come back within 600 s').and.include(cause);
      set.set(2, { height: 331 });
      set.nowMs += 29_999;
      expect(set.plan().partitions.get('sts')).to.equal(1);
      set.nowMs += 1;
      expect(set.plan().partitions.get('sts')).to.equal(3);
      expect(set.state()).to.include('WouldLoseChain');
    });

    it('closes the gate at once when no other node has the blocks any more that a node above had', () => {
      const set = inTheMiddle();
      set.settle();
      set.set(0, { isReady: false });
      expect(set.plan().partitions.get('sts')).to.equal(3);
      expect(set.state()).to.include('RollingOut');
      set.nowMs += 30_000;
      expect(set.state()).to.include('WouldLoseChain');
    });

    it('opens the gate for it as soon as another node has the blocks that a node above had a moment ago', () => {
      const set = inTheMiddle();
      set.set(2, { height: 301 });
      expect(set.settle()).to.include('RollingOut');
      expect(set.partition).to.equal(3);
      for (const [index, height] of [
        [2, 302],
        [0, 301],
      ] as const)
        set.set(index, { height });
      expect(set.plan().partitions.get('sts')).to.equal(1);
    });

    it('measures the half minute from when it cannot be created, however long it waited before, and again after a hold', () => {
      const set = inTheMiddle();
      const [, , pod] = set.pods;
      [set.pods[1], set.spec] = [{ ...pod!, uid: 'exists', report: undefined, isReady: false }, {}];
      set.set(2, { height: 301 });
      set.settle();
      set.nowMs += 60_000;
      set.settle();
      set.pods[1] = undefined;
      expect(set.settle()).to.include('RollingOut').and.include('sts-1 waits: it cannot be created as it was');
      set.nowMs += 30_000;
      expect(set.settle()).to.include('WouldLoseChain');
      set.spec = { paused: true };
      expect(set.settle()).to.include('Paused');
      set.spec = {};
      expect(set.settle()).to.include('RollingOut');
    });

    it('waits for it where no gate helps, as after a change was undone', () => {
      const set = refused();
      set.revisions = { current: 'new', update: 'new' };
      [set.withholdsPods, set.partition] = [true, 3];
      expect(set.settle()).to.include(`sts-2 waits: sts-0 cannot be created: ${cause}`);
      expect(set.partition).to.equal(3);
    });
  });

  describe('of a set that withholds a pod whose turn it is', () => {
    /** The partition lets sts-2 be replaced. */
    function opened(heights: readonly number[] = [300, 300, 300], spec: RolloutSpec = {}): SimulatedSet {
      const set = new SimulatedSet(heights);
      [set.withholdsPods, set.spec] = [true, spec];
      set.change();
      set.settle();
      return set;
    }

    it('closes the gate when the other copies of the chain are gone, and does not open it for nodes without blocks', () => {
      const set = opened();
      expect(set.partition).to.equal(2);
      set.pods[0] = undefined;
      expect(set.plan().partitions.get('sts')).to.equal(2);
      set.set(1, { isReady: false });
      expect(set.plan().partitions.get('sts')).to.equal(3);
      set.settle();
      set.set(1, { uid: 'another', isReady: true, height: 0 });
      set.withholdsPods = false;
      set.settle();
      set.nowMs += 30_000;
      expect(set.settle()).to.include('sts-2 waits: another node has to reach height 300 first');
      set.nowMs += 30_000;
      expect(set.settle()).to.include('WouldLoseChain').and.include('sts-2');
      expect(set.revisionsOfPods).to.equal('-oo');
    });

    it('closes the gate before the StatefulSet controller has seen that it is open', () => {
      const set = opened();
      set.isObserved = false;
      expect(set.plan().partitions.get('sts')).to.equal(2);
      [set.pods[0], set.pods[1]] = [undefined, undefined];
      expect(set.plan().partitions.get('sts')).to.equal(3);
    });

    it('keeps the gate open while blocks arrive, and closes it when only this node has had new ones for half a minute', () => {
      const set = opened();
      for (let block = 301; block <= 330; block += 1) {
        set.nowMs += 2_000;
        set.set(2, { height: block });
        expect(set.plan().partitions.get('sts'), 'before the others have the block').to.equal(2);
        for (const index of [0, 1]) set.set(index, { height: block });
        expect(set.plan().partitions.get('sts'), 'when they have it').to.equal(2);
      }
      set.set(2, { height: 331 });
      expect(set.plan()).to.deep.include({ asks: ['sts-2', 'sts-0', 'sts-1'] });
      set.nowMs += 30_000;
      expect(set.plan().partitions.get('sts')).to.equal(3);
    });

    it('closes the gate when the rollout is paused, or the node is held, and goes on afterwards', () => {
      for (const [spec, reason] of [
        [{ paused: true }, 'Paused'],
        [{ partition: 3 }, 'Held'],
      ] as const) {
        const set = opened();
        set.spec = spec;
        expect(set.settle()).to.include(`${reason} 0 of 3 nodes are updated; sts-2 waits`);
        expect(set.partition).to.equal(3);
        [set.spec, set.withholdsPods] = [{}, false];
        set.settle();
        expect(set.revisionsOfPods).to.equal('oon');
      }
    });

    it('pauses before the second of two nodes that had their turn together', () => {
      const set = opened([300, 300, 300, 300], { maxUnavailable: 2 });
      expect(set.partition).to.equal(2);
      set.withholdsPods = false;
      // The set takes one, and waits until it is ready.
      set.settle();
      expect(set.revisionsOfPods).to.equal('ooon');
      set.spec = { maxUnavailable: 2, paused: true };
      set.settle();
      expect(set.partition).to.equal(3);
      set.becomeReady(3, 300);
      expect(set.settle()).to.include('Paused');
      expect(set.revisionsOfPods).to.equal('ooon');
    });

    it('takes back turns from the lowest index when maxUnavailable is lowered', () => {
      const set = opened([300, 300, 300, 300], { maxUnavailable: 3 });
      expect(set.partition).to.equal(1);
      set.spec = { maxUnavailable: 2 };
      expect(set.plan().partitions.get('sts')).to.equal(2);
      set.spec = {};
      expect(set.plan().partitions.get('sts')).to.equal(3);
    });

    it('keeps the gate open for a node that cannot work behind one whose turn it is', () => {
      const set = opened();
      const broken = { uid: 'another', isReady: false, problem: 'cannot pull its image', isEmpty: true, report: undefined };
      set.pods[1] = { ...set.pods[1]!, ...broken };
      for (let round = 0; round < 3; round += 1) {
        set.settle();
        expect(set.partition).to.equal(1);
      }
    });
  });

  describe('while the credentials are at fault', () => {
    const credentialsFault = 'Secret default/s (spec.secret) does not exist';
    const hold = `no node is restarted while ${credentialsFault}`;
    const broken = { isReady: false, problem: 'cannot pull its image', isEmpty: true, report: undefined };
    const faulty = (heights: readonly number[], keepsChain = false): SimulatedSet =>
      Object.assign(new SimulatedSet(heights), { keepsChain, credentialsFault });

    it('gives no node its turn, asks none, and says why; goes on when they are usable', () => {
      for (const keepsChain of [false, true]) {
        const set = faulty([300, 300], keepsChain);
        set.change();
        const { asks, planAgainMs, state } = set.plan();
        expect([asks, planAgainMs]).to.deep.equal([[], undefined]);
        expect(state).to.deep.include({
          reason: 'RollingOut',
          message: `0 of 2 nodes are updated; sts-1 waits: ${hold}`,
        });
        set.nowMs += 60_000;
        set.settle();
        expect([set.partition, set.revisionsOfPods]).to.deep.equal([2, 'oo']);
        set.credentialsFault = undefined;
        set.settle();
        expect(set.revisionsOfPods).to.equal('on');
      }
    });

    it('restarts no node that never worked either', () => {
      const set = faulty([300, 300]);
      set.pods[1] = { ...set.pods[1]!, ...broken };
      set.change();
      expect(set.settle()).to.include(`sts-1 waits: ${hold}`);
      expect(set.revisionsOfPods).to.equal('oo');
    });

    it('restarts no other node when one comes back, and says so while that one is waited for', () => {
      const set = new SimulatedSet([300, 300, 300]);
      set.change();
      set.settle();
      set.credentialsFault = credentialsFault;
      expect(set.settle()).to.equal(`RollingOut 0 of 3 nodes are updated; waiting for sts-2: it is not ready; ${hold}`);
      set.becomeReady(2, 300);
      expect(set.settle()).to.equal(`RollingOut 1 of 3 nodes are updated; sts-1 waits: ${hold}`);
      set.pods[2] = { ...set.pods[2]!, isReady: false };
      set.nowMs += 1;
      set.settle();
      set.nowMs += 600_000;
      expect(set.settle()).to.include(`NodeNotBack sts-2 has not come back within 600 s: it is not ready; ${hold}`);
      expect(set.revisionsOfPods).to.equal('oon');
    });

    it('closes the gate for a node that has its turn and still runs', () => {
      const set = new SimulatedSet([300, 300, 300]);
      set.withholdsPods = true;
      set.change();
      set.settle();
      expect(set.partition).to.equal(2);
      set.credentialsFault = credentialsFault;
      expect(set.settle()).to.include(`sts-2 waits: ${hold}`);
      expect(set.partition).to.equal(3);
    });

    it('lets a pod that is gone start in its new version', () => {
      const set = faulty([300, 300]);
      set.pods[1] = undefined;
      set.change();
      set.settle();
      expect(set.revisionsOfPods).to.equal('on');
    });

    it('does not open the gate for a pod that cannot be created as it was while other nodes would be restarted', () => {
      const set = faulty([300, 300, 300], true);
      set.pods[0] = undefined;
      set.createProblems.set(0, 'no PriorityClass');
      set.change();
      expect(set.settle()).to.include(`sts-0 waits: ${hold}; it cannot be created as it was: no PriorityClass`);
      expect(set.revisionsOfPods).to.equal('-oo');
      set.credentialsFault = undefined;
      expect(set.plan().partitions.get('sts')).to.equal(0);
    });

    it('changes nothing at rest', () => {
      const set = faulty([300, 300]);
      expect(set.plan()).to.deep.include({ asks: [], planAgainMs: undefined });
      expect(set.state()).to.equal('AllNodesUpdated 2 of 2 nodes are up to date');
    });
  });

  describe('of a process that has just started', () => {
    it('finds out whether the last node is back before it goes on', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.settle();
      set.memory = emptyMemory;
      set.becomeReady(1, 12);
      expect(set.settle()).to.include('it has 12 of 300 blocks');
      set.becomeReady(1, 300);
      set.settle();
      expect(set.revisionsOfPods).to.equal('nn');
    });

    it('closes the gate that was opened for a node which is still as it was, and decides again', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.partition = 1;
      const { partitions, asks } = set.plan();
      expect(partitions.get('sts')).to.equal(2);
      expect(asks).to.have.length(2);
    });

    it('still reports a node that has not come back', () => {
      const set = new SimulatedSet([300, 300]);
      set.change();
      set.settle();
      [set.memory, set.wasStalled] = [emptyMemory, true];
      expect(set.state()).to.include('NodeNotBack');
    });
  });

  describe('by spec.rollout', () => {
    it('holds the ordinals below partition, and goes on when it is lowered', () => {
      const set = new SimulatedSet([300, 300]);
      set.spec = { partition: 1 };
      set.change();
      set.settle();
      set.becomeReady(1, 300);
      expect(set.settle()).to.equal('Held 1 of 2 nodes are updated; sts-0 waits: spec.rollout.partition is 1');
      expect(set.revisionsOfPods).to.equal('on');
      // A pod that dies comes back in the version that it had.
      expect(set.partition).to.equal(1);
      set.spec = {};
      set.settle();
      expect(set.revisionsOfPods).to.equal('nn');
    });

    it('compares partition with ordinals, and gives the set an index', () => {
      const set = new SimulatedSet([300, 300, 300]);
      set.start = 100;
      set.spec = { partition: 102 };
      set.change();
      set.settle();
      expect([set.revisionsOfPods, set.partition]).to.deep.equal(['oon', 2]);
    });

    it('replaces no more nodes while it is paused', () => {
      const set = new SimulatedSet([300, 300]);
      set.spec = { paused: true };
      set.change();
      expect(set.settle()).to.equal('Paused 0 of 2 nodes are updated; sts-1 waits: spec.rollout.paused is true');
      set.spec = {};
      set.settle();
      expect(set.revisionsOfPods).to.equal('on');
    });

    it('connects the neighbours of a node before it is restarted, until it is back, unless keepConnected is false', () => {
      const set = new SimulatedSet([300, 300, 300]);
      const edge = { from: 0, to: 2 };
      let isThere = false;
      set.detourAround = absent => (absent.has(1) ? [edge] : []);
      set.isSettled = () => isThere;
      set.change();
      set.settle();
      set.becomeReady(2, 300);
      expect(set.settle()).to.include('sts-1 waits: its neighbours are connected to one another first');
      expect(set.plan().detour).to.deep.equal([edge]);
      expect(set.revisionsOfPods).to.equal('oon');
      isThere = true;
      set.settle();
      expect(set.revisionsOfPods).to.equal('onn');
      expect(set.plan().detour).to.deep.equal([edge]);
      set.becomeReady(1, 300);
      set.settle();
      expect(set.plan().detour).to.deep.equal([]);
      const other = new SimulatedSet([300, 300]);
      [other.detourAround, other.isSettled, other.spec] = [() => [edge], () => false, { keepConnected: false }];
      other.change();
      other.settle();
      expect([other.revisionsOfPods, other.plan().detour]).to.deep.equal(['on', []]);
    });

    it('gives maxUnavailable nodes their turn at a time, as long as another one has their blocks', () => {
      for (const [maxUnavailable, partition] of [
        [2, 2],
        ['50%', 2],
        ['10%', 3],
        [4, 1],
      ] as const) {
        const set = new SimulatedSet([300, 300, 300, 300]);
        set.spec = { maxUnavailable };
        set.change();
        set.settle();
        expect(set.partition, String(maxUnavailable)).to.equal(partition);
      }
    });
  });
});
