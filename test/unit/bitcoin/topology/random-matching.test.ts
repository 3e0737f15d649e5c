import { expect } from 'chai';
import fc from 'fast-check';
import { randomMatching } from '../../../../src/bitcoin/topology/random-matching.ts';

const ordinalsTo = (count: number): number[] => [...Array(count).keys()];
const nothing = () => false;
/** Each node and the next `reach` ones are no pair. */
const near = (count: number, reach: number) => (one: number, other: number) => {
  const distance = Math.abs(one - other);
  return Math.min(distance, count - distance) <= reach;
};

describe('randomMatching', () => {
  it('gives every node a partner, and of an odd number of nodes all but one', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(49), (count, seed) => {
        const nodes = randomMatching(ordinalsTo(count), seed, nothing).flat();
        expect([nodes.length, new Set(nodes).size]).to.deep.equal([count - (count % 2), count - (count % 2)]);
      }),
    );
  });

  it('makes no forbidden pair, even where a third of the nodes is forbidden to each', () => {
    fc.assert(
      fc.property(fc.integer({ min: 13, max: 60 }), fc.nat(49), (count, seed) => {
        const isForbidden = near(count, Math.floor((count - 1) / 6));
        const pairs = randomMatching(ordinalsTo(count), seed, isForbidden);
        expect(new Set(pairs.flat()).size).to.equal(count - (count % 2));
        expect(pairs.filter(([one, other]) => isForbidden(one, other))).to.deep.equal([]);
      }),
    );
  });

  it('changes only the pairs of one branch of the tree with one more node, in the middle as well', () => {
    const text = (ordinals: readonly number[], seed: number) =>
      new Set(randomMatching(ordinals, seed, nothing).map(pair => [...pair].sort((a, b) => a - b).join('-')));
    fc.assert(
      fc.property(fc.nat(255), fc.nat(49), (added, seed) => {
        const before = text(
          ordinalsTo(256).filter(ordinal => ordinal !== added),
          seed,
        );
        const after = text(ordinalsTo(256), seed);
        expect([...after].filter(pair => !before.has(pair)).length).to.be.at.most(16);
      }),
    );
  });
});
