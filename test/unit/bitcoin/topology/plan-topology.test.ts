import { expect } from 'chai';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import { largestInbound } from '../../../../src/bitcoin/topology/topology-plan.ts';
import type { TopologySpec } from '../../../../src/bitcoin/api/topology.ts';
import { arrows, membersFrom, neighbours, pairs } from '../../../support/graph.ts';

const dials = (topology: TopologySpec, nodes: number): string[] => arrows(planTopology(topology, membersFrom(0, nodes)).edges);

describe('planTopology', () => {
  it('FullMesh connects every two nodes once: of an odd and an even ordinal the lower one dials, of two like ones the higher', () => {
    expect(dials({ type: 'FullMesh' }, 4)).to.deep.equal(['0>1', '0>3', '1>2', '2>0', '2>3', '3>1']);
  });

  it('Ring connects each node with the next, and the last with the first', () => {
    expect(pairs(planTopology({ type: 'Ring' }, membersFrom(0, 5)).edges)).to.deep.equal(['0-1', '0-4', '1-2', '2-3', '3-4']);
    expect(dials({ type: 'Ring' }, 2)).to.deep.equal(['0>1']);
    expect(dials({ type: 'Ring' }, 1)).to.deep.equal([]);
  });

  it('Line connects each node with the next', () => {
    expect(dials({ type: 'Line' }, 4)).to.deep.equal(['0>1', '1>2', '2>3']);
  });

  it('Star has every node dial the hub, node 0 by default', () => {
    expect(dials({ type: 'Star' }, 4)).to.deep.equal(['1>0', '2>0', '3>0']);
    expect(dials({ type: 'Star', star: { hub: 2 } }, 4)).to.deep.equal(['0>2', '1>2', '3>2']);
  });

  it('Tree has every node but the first dial its parent, each of which has two children by default', () => {
    expect(dials({ type: 'Tree' }, 7)).to.deep.equal(['1>0', '2>0', '3>1', '4>1', '5>2', '6>2']);
    expect(dials({ type: 'Tree', tree: { arity: 3 } }, 7)).to.deep.equal(['1>0', '2>0', '3>0', '4>1', '5>1', '6>1']);
  });

  it('Random with a degree gives every node as many connections, in a graph that the seed draws', () => {
    const members = membersFrom(0, 12);
    const draw = (seed?: number) =>
      planTopology({ type: 'Random', random: { degree: 3 }, ...(seed === undefined ? {} : { seed }) }, members).edges;
    expect(draw(7)).to.have.length(18);
    for (const peers of neighbours(draw(7), [...members.keys()]).values()) expect(peers).to.have.length(3);
    expect(draw(7)).to.deep.equal(draw(7)).and.not.deep.equal(draw(8));
    expect(draw()).to.deep.equal(draw(0));
  });

  it('Random with a degree gives one node one connection less if nodes and degree are odd, and up to degree + 1 nodes a full mesh', () => {
    const random: TopologySpec = { type: 'Random', random: { degree: 3 } };
    const degrees = [...neighbours(planTopology(random, membersFrom(0, 7)).edges, [0, 1, 2, 3, 4, 5, 6]).values()].map(
      peers => peers.length,
    );
    expect(degrees.sort()).to.deep.equal([2, 3, 3, 3, 3, 3, 3]);
    expect(dials(random, 4)).to.have.length(6);
    expect(dials(random, 3)).to.have.length(3);
  });

  it('Random with outbound lets every node dial as many others', () => {
    const members = membersFrom(0, 20);
    const draw = (seed: number) => planTopology({ type: 'Random', random: { outbound: 4 }, seed }, members).edges;
    for (const { ordinal } of members) expect(draw(1).filter(({ from }) => from === ordinal)).to.have.length(4);
    expect(draw(1)).not.to.deep.equal(draw(2));
  });

  it('Groups gives each group a shape, and each two groups a bridge; nodes in no group are a group', () => {
    const members = [...membersFrom(0, 3), ...membersFrom(100, 3, 'a'), ...membersFrom(200, 2, 'b')];
    const { edges } = planTopology({ type: 'Groups', groups: { within: 'Line' } }, members);
    const groupOf = (ordinal: number) => Math.floor(ordinal / 100);
    const isBridge = ({ from, to }: { from: number; to: number }) => groupOf(from) !== groupOf(to);
    expect(pairs(edges.filter(edge => !isBridge(edge)))).to.deep.equal(['0-1', '1-2', '100-101', '101-102', '200-201']);
    const bridges = edges.filter(isBridge).map(({ from, to }) => [groupOf(from), groupOf(to)].sort().join('-'));
    expect(bridges.sort()).to.deep.equal(['0-1', '0-2', '1-2']);
  });

  it('Groups has the first node of each group as the hub of its star, and every bridge on other nodes, as far as there are some', () => {
    const members = [...membersFrom(0, 4), ...membersFrom(10, 2, 'a')];
    const { edges } = planTopology({ type: 'Groups', groups: { within: 'Star', bridges: 3 } }, members);
    const bridges = edges.filter(({ from, to }) => from < 10 !== to < 10);
    expect(pairs(edges.filter(edge => !bridges.includes(edge)))).to.deep.equal(['0-1', '0-2', '0-3', '10-11']);
    expect(bridges).to.have.length(2);
    expect(new Set(bridges.flatMap(({ from, to }) => [from, to])).size).to.equal(4);
  });

  it('Edges takes the edges as they are: from dials', () => {
    const edges = [
      { from: 3, to: 1 },
      { from: 0, to: 3 },
    ];
    expect(dials({ type: 'Edges', edges }, 4)).to.deep.equal(['0>3', '3>1']);
  });

  it('None connects no nodes', () => {
    expect(dials({ type: 'None' }, 4)).to.deep.equal([]);
  });

  it('lists the 8 peers of the lowest ordinals that a node dials, and leaves the others to the controller', () => {
    const edges = Array.from({ length: 10 }, (_, index) => ({ from: 0, to: index + 1 }));
    const topology: TopologySpec = { type: 'Edges', edges };
    const listedOf = (slots?: (ordinal: number) => number) =>
      planTopology(topology, membersFrom(0, 11), slots).edges.flatMap(({ to, isListed }) => (isListed ? [to] : []));
    expect(listedOf()).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(listedOf(() => 6)).to.deep.equal([1, 2, 3, 4, 5, 6]);
    expect(listedOf(() => 10)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(listedOf(() => -1)).to.deep.equal([]);
  });

  it('lists every edge of a full mesh of 17 nodes, and not of 18', () => {
    const held = (nodes: number) =>
      planTopology({ type: 'FullMesh' }, membersFrom(0, nodes)).edges.filter(edge => !edge.isListed);
    expect([held(17).length, held(18).length]).to.deep.equal([0, 9]);
  });
});

describe('planTopology with a part of the spec that cannot be applied', () => {
  it('plans no star around a hub that is no node', () => {
    expect(planTopology({ type: 'Star', star: { hub: 7 } }, [...membersFrom(0, 6), ...membersFrom(100, 1)])).to.deep.equal({
      edges: [],
      problems: [{ reason: 'OrdinalUnknown', message: 'topology.star.hub: there is no node 7 (nodes: 0-5, 100)' }],
    });
  });

  it('leaves out the edges of nodes that there are not, and plans the others', () => {
    const edges = [
      { from: 0, to: 9 },
      { from: 1, to: 0 },
      { from: 8, to: 9 },
    ];
    const plan = planTopology({ type: 'Edges', edges }, membersFrom(0, 3));
    expect(arrows(plan.edges)).to.deep.equal(['1>0']);
    expect(plan.problems.map(({ reason, message }) => `${reason} ${message}`)).to.deep.equal([
      'OrdinalUnknown topology.edges[0].to: there is no node 9 (nodes: 0-2)',
      'OrdinalUnknown topology.edges[2].from: there is no node 8 (nodes: 0-2)',
      'OrdinalUnknown topology.edges[2].to: there is no node 9 (nodes: 0-2)',
    ]);
  });

  it('keeps the first of two edges of the same nodes', () => {
    const edges = [
      { from: 1, to: 0 },
      { from: 1, to: 2 },
      { from: 0, to: 1 },
    ];
    const plan = planTopology({ type: 'Edges', edges }, membersFrom(0, 3));
    expect(arrows(plan.edges)).to.deep.equal(['1>0', '1>2']);
    expect(plan.problems).to.deep.equal([
      { reason: 'EdgeDoubled', message: 'topology.edges[2]: 0-1 joins the same nodes as topology.edges[0]' },
    ]);
  });

  it('has no problem without nodes: a network that is scaled to 0 keeps its topology', () => {
    const topologies: TopologySpec[] = [
      { type: 'Star', star: { hub: 7 } },
      { type: 'Edges', edges: [{ from: 0, to: 1 }] },
    ];
    for (const topology of topologies) expect(planTopology(topology, [])).to.deep.equal({ edges: [], problems: [] });
  });
});

describe('largestInbound', () => {
  it('is the number of spokes for a star, half of the others for a full mesh, and 0 without edges', () => {
    const inbound = (type: TopologySpec['type']) => largestInbound(planTopology({ type }, membersFrom(0, 121)));
    expect([inbound('Star'), inbound('FullMesh'), inbound('None')]).to.deep.equal([120, 60, 0]);
  });
});
