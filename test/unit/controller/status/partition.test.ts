import { expect } from 'chai';
import { planPartition } from '../../../../src/bitcoin/topology/partition.ts';
import type { PartitionState } from '../../../../src/controller/partition-clock.ts';
import type { Observation } from '../../../../src/controller/status/observation.ts';
import { partitionEvents } from '../../../../src/controller/status/partition.ts';
import { statusOf } from '../../../../src/controller/status/status.ts';
import { network, node } from '../../../support/builders.ts';

const now = new Date('2026-01-02T03:04:05.678Z');
const nodes = [node(0), node(1), node(2)];
const partition = { parts: [{ name: 'minority', ordinals: [0] }] };
const alice = network({ partition });

describe('the status of a cut network', () => {
  it('is still cut, without an event, while the network is paused and once it is resumed', () => {
    const plan = planPartition(partition, nodes)!;
    const start = { specHash: 'hash', startMs: now.getTime(), startHeight: 0 };
    const cut: PartitionState = { plan, ...start, healMs: undefined, isCut: true };
    const credentials = { isAvailable: false, reason: 'CredentialsMissing', message: '' } as const;
    const observation: Observation = { nodes, reports: [], credentials, children: [], problems: [], partition: cut };
    const before = statusOf(alice, observation, undefined, now);
    const paused = statusOf(alice, { isPaused: true, nodes }, before, now);
    const resumed = statusOf(alice, observation, paused, now);
    expect(partitionEvents(undefined, before).map(({ reason }) => reason)).to.deep.equal(['PartitionStarted']);
    for (const [was, is] of [
      [before, paused],
      [paused, resumed],
    ] as const) {
      expect(is.conditions?.find(({ type }) => type === 'Partitioned')).to.include({ status: 'True', reason: 'Cut' });
      expect(partitionEvents(was, is)).to.deep.equal([]);
    }
  });
});
