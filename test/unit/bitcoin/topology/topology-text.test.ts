import { expect } from 'chai';
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
});
