import { expect } from 'chai';
import { cutOffPart, externalPeersWithin, planPartition, withinParts } from '../../../../src/bitcoin/topology/partition.ts';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import { membersFrom, pairs } from '../../../support/graph.ts';

const six = membersFrom(0, 6);
const shapeOf = (plan: ReturnType<typeof planPartition>) =>
  plan?.parts.map(({ name, ordinals }) => `${name}: ${ordinals.join(' ')}`);

describe('planPartition', () => {
  it('makes one more part of the nodes that no part names', () => {
    expect(shapeOf(planPartition({ parts: [{ name: 'a', ordinals: [1, 0] }] }, six))).to.deep.equal(['a: 0 1', 'rest: 2 3 4 5']);
  });

  it('puts a node that joins a group later on the side of the group', () => {
    const parts = [
      { name: 'old', groups: ['v27'] },
      { name: 'new', groups: ['default'] },
    ];
    const before = planPartition({ parts }, [...membersFrom(0, 2), ...membersFrom(100, 1, 'v27')]);
    const after = planPartition({ parts }, [...membersFrom(0, 3), ...membersFrom(100, 2, 'v27')]);
    expect(shapeOf(before)).to.deep.equal(['old: 100', 'new: 0 1']);
    expect(shapeOf(after)).to.deep.equal(['old: 100 101', 'new: 0 1 2']);
  });

  it('leaves out nodes and groups that there are not, and names the field', () => {
    const plan = planPartition({ parts: [{ name: 'a', ordinals: [0, 9], groups: ['old'] }] }, six);
    expect(shapeOf(plan)).to.deep.equal(['a: 0', 'rest: 1 2 3 4 5']);
    expect(plan?.problems).to.deep.equal([
      { reason: 'OrdinalUnknown', message: 'partition.parts[a].ordinals: there is no node 9 (nodes: 0-5)' },
      { reason: 'GroupUnknown', message: 'partition.parts[a].groups: there is no group old with nodes (groups: default)' },
    ]);
  });

  it('leaves a node that two parts name in the first of them, and says so', () => {
    const parts = [
      { name: 'a', ordinals: [0, 1, 2] },
      { name: 'b', ordinals: [2, 3] },
    ];
    const plan = planPartition({ parts }, six);
    expect(shapeOf(plan)).to.deep.equal(['a: 0 1 2', 'b: 3', 'rest: 4 5']);
    expect(plan?.problems).to.deep.equal([
      { reason: 'PartsOverlap', message: 'partition.parts[b]: node 2 is also in part a, which comes first' },
    ]);
  });

  it('cuts nothing without parts', () => {
    expect(planPartition({ parts: [] }, six)).to.equal(undefined);
  });

  it('leaves the edges within the parts as they are, and no other', () => {
    const partition = planPartition({ parts: [{ name: 'a', ordinals: [0, 1] }] }, six)!;
    const ring = planTopology({ type: 'Ring' }, six);
    expect(pairs(withinParts(ring, partition).edges)).to.deep.equal(['0-1', '2-3', '3-4', '4-5']);
  });

  it('leaves external peers to the first part: they would join two', () => {
    const partition = planPartition({ parts: [{ name: 'a', ordinals: [4] }] }, six)!;
    const peers = new Map([
      [0, ['one']],
      [4, ['two']],
    ]);
    expect([...externalPeersWithin(peers, partition)]).to.deep.equal([[4, ['two']]]);
  });

  describe('with nodes that a step of an experiment cuts off', () => {
    const peers = new Map([0, 1, 2, 3, 4, 5].map(ordinal => [ordinal, ['peer']]));
    const off = (...ordinals: number[]) =>
      ordinals.map(ordinal => ({ name: cutOffPart('isolated', ordinal), ordinals: [ordinal] }));
    const keptBy = (parts: Parameters<typeof planPartition>[0]['parts']) => [
      ...externalPeersWithin(peers, planPartition({ parts }, six)!).keys(),
    ];
    const named = [
      { name: 'a', ordinals: [0, 1] },
      { name: 'b', ordinals: [2, 3] },
    ];

    it('takes their external peers from them, and from no other node', () => {
      expect(keptBy(off(1, 2))).to.deep.equal([0, 3, 4, 5]);
      expect(keptBy(off(0, 1, 2, 3, 4, 5))).to.deep.equal([]);
    });

    it('leaves external peers to the first part that the user named', () => {
      expect(keptBy([...off(1, 2), ...named])).to.deep.equal([0]);
      expect(keptBy([...off(5), ...named])).to.deep.equal([0, 1]);
    });

    it('gives none to the second part, which would get the blocks of the first from them', () => {
      expect(keptBy([...off(0, 1), ...named])).to.deep.equal([]);
    });
  });
});
