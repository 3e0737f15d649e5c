import { expect } from 'chai';
import { peerTargets } from '../../../../src/bitcoin/topology/peer-target.ts';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import { node } from '../../../support/builders.ts';
import { membersFrom } from '../../../support/graph.ts';

const ordinals = (nodes: readonly { readonly ordinal: number }[] | undefined): number[] | undefined =>
  nodes?.map(({ ordinal }) => ordinal);

describe('peerTargets', () => {
  const nodes = [node(0), node(1), node(2), node(3)];

  it('gives each edge to both of its nodes: one dials, and the other accepts', () => {
    const targets = peerTargets(planTopology({ type: 'Star' }, membersFrom(0, 4)), nodes);
    expect(ordinals(targets.get(0)?.accepted)).to.deep.equal([1, 2, 3]);
    expect(targets.get(2)).to.deep.equal({ listed: [node(0)], held: [], accepted: [], external: [] });
  });

  it('distinguishes the listed nodes from those that are held by the controller', () => {
    const target = peerTargets(
      planTopology({ type: 'FullMesh' }, membersFrom(0, 4), () => 1),
      nodes,
    ).get(0);
    expect([ordinals(target?.listed), ordinals(target?.held), ordinals(target?.accepted)]).to.deep.equal([[1], [3], [2]]);
  });

  it('leaves out nodes that are not there, or that terminate', () => {
    const targets = peerTargets(planTopology({ type: 'Star' }, membersFrom(0, 4)), [
      node(0),
      node(1),
      node(3, { isTerminating: true }),
    ]);
    expect([...targets.keys()]).to.deep.equal([0, 1]);
    expect(ordinals(targets.get(0)?.accepted)).to.deep.equal([1]);
  });

  it('has the external peers of each node', () => {
    const external = (ordinal: number) => (ordinal === 1 ? ['seed.example:18444'] : []);
    const targets = peerTargets({ edges: [], problems: [] }, nodes, external);
    expect([0, 1].map(ordinal => targets.get(ordinal)?.external)).to.deep.equal([[], ['seed.example:18444']]);
  });
});
