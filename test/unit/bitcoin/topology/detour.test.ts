import { expect } from 'chai';
import { componentsOf } from '../../../../src/bitcoin/topology/components.ts';
import { detourAround } from '../../../../src/bitcoin/topology/detour.ts';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import type { Dial } from '../../../../src/bitcoin/topology/topology-plan.ts';
import type { TopologySpec } from '../../../../src/bitcoin/api/topology.ts';
import { membersFrom } from '../../../support/graph.ts';

const edgesOf = (spec: TopologySpec, nodes: number): readonly Dial[] => planTopology(spec, membersFrom(0, nodes)).edges;
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
});
