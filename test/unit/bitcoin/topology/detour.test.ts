import { expect } from 'chai';
import fc from 'fast-check';
import { componentsOf } from '../../../../src/bitcoin/topology/components.ts';
import { detourAround } from '../../../../src/bitcoin/topology/detour.ts';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import { type Dial, pairOf } from '../../../../src/bitcoin/topology/topology-plan.ts';
import type { TopologySpec } from '../../../../src/bitcoin/api/topology.ts';
import { membersFrom } from '../../../support/graph.ts';

const edgesOf = (spec: TopologySpec, nodes: number, start = 0): readonly Dial[] =>
  planTopology(spec, membersFrom(start, nodes)).edges;
const text = (edges: readonly Dial[]): string => edges.map(({ from, to }) => `${from}-${to}`).join(' ');

describe('a detour', () => {
  it('is a ring of the spokes while the hub of a star is away', () => {
    expect(text(detourAround(edgesOf({ type: 'Star' }, 5), new Set([0])))).to.equal('1-2 2-3 3-4 4-1');
  });

  it('is one edge around a node of a line, and none around its end', () => {
    const line = edgesOf({ type: 'Line' }, 5);
    expect(text(detourAround(line, new Set([2])))).to.equal('1-3');
    expect(detourAround(line, new Set([4]))).to.deep.equal([]);
  });

  it('is none where the neighbours have another path', () => {
    expect(detourAround(edgesOf({ type: 'Ring' }, 5), new Set([2]))).to.deep.equal([]);
    expect(detourAround(edgesOf({ type: 'None' }, 5), new Set([2]))).to.deep.equal([]);
  });

  const specs: readonly TopologySpec[] = [
    { type: 'Random', random: { degree: 3 } },
    { type: 'Random', random: { degree: 2 }, seed: 4 },
    { type: 'Tree' },
    { type: 'Star', star: { hub: 3 } },
    { type: 'Line' },
  ];
  for (const spec of specs)
    it(`leaves the others of a ${spec.type} in one piece, whichever node is away`, () => {
      const edges = edgesOf(spec, 12);
      for (let away = 0; away < 12; away += 1) {
        const rest = edges.filter(({ from, to }) => from !== away && to !== away);
        const components = componentsOf([...rest, ...detourAround(edges, new Set([away]))]);
        expect(components.get(away === 0 ? 1 : 0)?.size, `without ${away}`).to.equal(11);
      }
    });

  it('joins what is left around nodes that are away together', () => {
    expect(text(detourAround(edgesOf({ type: 'Line' }, 6), new Set([3, 4])))).to.equal('2-5');
    expect(text(detourAround(edgesOf({ type: 'Line' }, 6), new Set([4, 3])))).to.equal('2-5');
    expect(detourAround(edgesOf({ type: 'Ring' }, 6), new Set([3, 4]))).to.deep.equal([]);
    expect(detourAround(edgesOf({ type: 'Line' }, 6), new Set([4, 5]))).to.deep.equal([]);
  });

  it('keeps the ring around a hub when the hub beside it leaves too', () => {
    const spokes = [2, 3, 4, 5, 6, 7].map(from => ({ from, to: from % 2 }));
    const hubs = [{ from: 1, to: 0 }, ...spokes];
    expect(text(detourAround(hubs, new Set([0])))).to.equal('1-2 2-4 4-6 6-1');
    expect(text(detourAround(hubs, new Set([0, 1])))).to.equal('2-4 4-6 6-2 3-5 5-7 7-3 2-3');
  });

  it('joins two groups while both ends of their bridge are away', () => {
    const bridged = [...edgesOf({ type: 'FullMesh' }, 4), { from: 4, to: 0 }, ...edgesOf({ type: 'FullMesh' }, 4, 4)];
    expect(text(detourAround(bridged, new Set([0, 4])))).to.equal('1-5');
  });

  it('leaves nodes that had a path to one another with one, by new edges of nodes that are there, whichever nodes are away', () => {
    const ordinals = fc.nat({ max: 11 });
    const graphs = fc.uniqueArray(fc.record({ from: ordinals, to: ordinals }), { selector: pairOf, maxLength: 24 });
    const spanning = fc.array(fc.nat(), { minLength: 11, maxLength: 11 });
    fc.assert(
      fc.property(graphs, spanning, fc.boolean(), fc.uniqueArray(ordinals), (some, parents, isConnected, away) => {
        const tree = isConnected ? parents.map((parent, index) => ({ from: index + 1, to: parent % (index + 1) })) : [];
        const edges = [...new Map([...some, ...tree].map(edge => [pairOf(edge), edge])).values()].filter(
          ({ from, to }) => from !== to,
        );
        const rest = edges.filter(({ from, to }) => !away.includes(from) && !away.includes(to));
        const detour = detourAround(edges, new Set(away));
        const whole = componentsOf(edges);
        const left = componentsOf([...rest, ...detour]);
        for (const [ordinal, others] of whole)
          if (!away.includes(ordinal))
            expect([...(left.get(ordinal) ?? [ordinal])].sort()).to.deep.equal(
              [...others].filter(other => !away.includes(other)).sort(),
            );
        expect(new Set([...rest, ...detour].map(pairOf)).size).to.equal(rest.length + detour.length);
        expect(detour.filter(({ from, to }) => from === to || away.includes(from) || away.includes(to))).to.deep.equal([]);
      }),
    );
  });
});
