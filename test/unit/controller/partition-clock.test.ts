import { expect } from 'chai';
import type { BitcoinNetwork } from '../../../src/bitcoin/api/bitcoin-network.ts';
import type { PartitionSpec } from '../../../src/bitcoin/api/partition.ts';
import { planNetwork } from '../../../src/controller/network-plan.ts';
import { PartitionClock } from '../../../src/controller/partition-clock.ts';
import { partitionEvents, partitionStatusOf } from '../../../src/controller/status/partition.ts';
import { network } from '../../support/builders.ts';

const startMs = Date.UTC(2026, 0, 1);
const cut = (fields: Partial<PartitionSpec> = {}) =>
  network({ nodes: 4, partition: { parts: [{ name: 'a', ordinals: [0, 1] }], healAfterSeconds: 30, ...fields } });
const observe = (clock: PartitionClock, of: BitcoinNetwork, nowMs: number) => clock.observe(of, planNetwork(of).partition, nowMs);

/** The network with the status that its controller writes at that time. */
function written(of: BitcoinNetwork, nowMs: number): BitcoinNetwork {
  const state = observe(new PartitionClock(), of, nowMs);
  return { ...of, status: { partition: partitionStatusOf(state!, []) } };
}

const isCut = { type: 'Partitioned', status: 'True', reason: 'Cut', message: 'cut', lastTransitionTime: '' } as const;

describe('PartitionClock', () => {
  it('cuts from the first moment, and heals after the time of the spec', () => {
    const clock = new PartitionClock();
    const at = (ms: number) => observe(clock, cut(), startMs + ms)?.isCut;
    expect([at(0), at(29_999), at(30_000), at(3_600_000)]).to.deep.equal([true, true, false, false]);
  });

  it('goes on from the status when the controller has been replaced', () => {
    const stored = written(cut(), startMs);
    const at = (ms: number) => observe(new PartitionClock(), stored, startMs + ms)?.isCut;
    expect([at(10_000), at(29_999), at(30_000)]).to.deep.equal([true, true, false]);
  });

  it('starts again for a partition that has changed, also after it was healed', () => {
    const { status } = written(cut(), startMs);
    const changed = { ...cut({ parts: [{ name: 'a', ordinals: [0] }] }), ...(status === undefined ? {} : { status }) };
    const state = observe(new PartitionClock(), changed, startMs + 60_000);
    expect(state).to.include({ isCut: true, startMs: startMs + 60_000, healMs: startMs + 90_000 });
  });

  it('starts again for the same partition that was removed, before the removal is in the status', () => {
    const clock = new PartitionClock();
    const { status } = written(cut(), startMs);
    const at = { name: 'regtest', height: 105, tip: 'tip', tips: 1, forkDepth: 0 };
    const stored = { status: { chain: at, ...status } };
    observe(clock, { ...network({ nodes: 4 }), ...stored }, startMs + 29_500);
    const state = observe(clock, { ...cut(), ...stored }, startMs + 29_800);
    expect(state).to.include({ isCut: true, startMs: startMs + 29_800, startHeight: 105 });
    const again = { status: { chain: at, partition: partitionStatusOf(state!, []) } };
    expect(observe(clock, { ...cut(), ...again }, startMs + 35_000)).to.include({ startMs: startMs + 29_800 });
    expect(partitionEvents({ ...stored.status, conditions: [isCut] }, { ...again.status, conditions: [isCut] })).to.have.length(
      1,
    );
  });

  it('keeps the height at which the network was cut, also when the controller has been replaced', () => {
    const at = (height: number) => ({ name: 'regtest', height, tip: 'tip', tips: 1, forkDepth: 0 });
    const clock = new PartitionClock();
    const before = { ...cut(), status: { chain: at(101) } };
    expect(observe(clock, before, startMs)).to.include({ startHeight: 101 });
    expect(observe(clock, { ...cut(), status: { chain: at(110) } }, startMs), 'not written yet').to.include({ startHeight: 101 });
    const { partition } = written(before, startMs).status ?? {};
    const stored = { ...cut(), status: { chain: at(120), ...(partition && { partition }) } };
    expect(observe(new PartitionClock(), stored, startMs)).to.include({ startHeight: 101 });
    expect(observe(new PartitionClock(), written(cut(), startMs), startMs), 'without blocks').to.include({ startHeight: 0 });
  });

  it('keeps the height of the whole network when one cut follows on another, and takes the one after it was healed', () => {
    const at = (height: number) => ({ name: 'regtest', height, tip: 'tip', tips: 1, forkDepth: 0 });
    const { partition } = written({ ...cut(), status: { chain: at(101) } }, startMs).status ?? {};
    const stored = { chain: at(120), ...(partition && { partition }) };
    const changed = { ...cut({ parts: [{ name: 'a', ordinals: [0] }] }), status: stored };
    expect(observe(new PartitionClock(), changed, startMs + 29_999)).to.include({ startHeight: 101 });
    expect(observe(new PartitionClock(), changed, startMs + 30_000), 'healed before').to.include({ startHeight: 120 });
    const plan = planNetwork(cut()).partition;
    const byExperiment = (ordinals: number[]) => {
      const startTime = new Date(startMs + 40_000).toISOString();
      return { experiment: 'one', cut: { startTime, parts: [{ name: 'a', ordinals }] } };
    };
    const whole = { ...network({ nodes: 4 }), status: { chain: at(101) } };
    const first = new PartitionClock().observe(whole, plan, startMs, byExperiment([0, 1]));
    const then = { ...whole, status: { chain: at(120), partition: partitionStatusOf(first!, []) } };
    expect(new PartitionClock().observe(then, plan, startMs, byExperiment([0]))).to.include({ startHeight: 101 });
  });

  it('stays cut without a time', () => {
    const { partition = { parts: [] } } = cut().spec;
    const endless = network({ nodes: 4, partition: { parts: partition.parts } });
    expect(observe(new PartitionClock(), endless, startMs + 1e12)).to.include({ isCut: true, healMs: undefined });
  });

  it('is no partition if the spec has none, or one without parts', () => {
    expect(observe(new PartitionClock(), network(), startMs)).to.equal(undefined);
    expect(observe(new PartitionClock(), cut({ parts: [] }), startMs)).to.equal(undefined);
  });
});
