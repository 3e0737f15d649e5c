import { expect } from 'chai';
import type { TopologySpec } from '../../../../src/bitcoin/api/topology.ts';
import { describeTopology } from '../../../../src/bitcoin/topology/topology-text.ts';

const edgesTo = (last: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ from: index, to: index === count - 1 ? last : index + 1 }));

describe('describeTopology', () => {
  it('names up to ten given edges', () => {
    expect(describeTopology({ type: 'Edges', edges: edgesTo(2, 2) })).to.equal('Edges (0-1, 1-2)');
  });

  it('differs for two lists that differ after the tenth edge, and is the same for the same list', () => {
    const text = (last: number) => describeTopology({ type: 'Edges', edges: edgesTo(last, 12) });
    expect(text(12)).to.match(/^Edges \(0-1, .*, 9-10, and 2 more, hash [0-9a-z]{1,7}\)$/);
    expect(text(12)).to.equal(text(12));
    expect(text(12)).not.to.equal(text(13));
  });

  it('is the same with a default as without it', () => {
    const text = (groups?: TopologySpec['groups']) => describeTopology({ type: 'Groups', ...(groups && { groups }) });
    expect(text({ within: 'Random' })).to.equal('Groups (within Random, degree 3, bridges 1, seed 0)');
    expect(text({ within: 'Random', degree: 3, bridges: 1 })).to.equal(text({ within: 'Random' }));
    expect(text({ within: 'FullMesh', bridges: 1 })).to.equal(text());
  });
});
