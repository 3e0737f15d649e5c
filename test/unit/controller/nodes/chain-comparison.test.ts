import { expect } from 'chai';
import { ChainComparison } from '../../../../src/controller/nodes/chain-comparison.ts';

describe('ChainComparison', () => {
  const even = [
    { height: 500, tip: 'a' },
    { height: 500, tip: 'a' },
  ];
  const uneven = [
    { height: 500, tip: 'a' },
    { height: 499, tip: 'b' },
  ];
  const none = new Map<number, string>();
  const likely = { isForkLikely: true, blocksUntilAsked: 0 };
  const unlikely = { isForkLikely: false, blocksUntilAsked: 0 };
  let comparison: ChainComparison;
  beforeEach(() => {
    comparison = new ChainComparison();
  });

  it('asks for no hash as long as all nodes have the same tip', () => {
    comparison.note(none, even, likely);
    expect(comparison.heights).to.deep.equal([]);
  });

  it('compares a hundred heights below tips that differ, so that the depth of a fork is exact', () => {
    comparison.note(none, uneven, likely);
    expect(comparison.heights).to.include.members([399, 450, 500, 516]);
    expect(comparison.heights).to.have.lengthOf.above(115);
  });

  it('compares few heights where a block on its way explains the difference', () => {
    comparison.note(none, uneven, unlikely);
    expect(comparison.heights).to.include.members([487, 499, 500, 516]);
    expect(comparison.heights).to.have.lengthOf.below(40);
  });

  it('compares all of them as soon as nodes report different hashes of one height, until the tips are the same again', () => {
    comparison.note(none, uneven, unlikely);
    comparison.note(new Map([[499, 'of one chain']]), uneven, unlikely);
    expect(comparison.heights).to.have.lengthOf.below(40);
    comparison.note(new Map([[499, 'of another']]), uneven, unlikely);
    expect(comparison.heights).to.have.lengthOf.above(115);
    comparison.note(none, even, unlikely);
    comparison.note(none, uneven, unlikely);
    expect(comparison.heights).to.have.lengthOf.below(40);
  });

  it('compares as far above the tips as the chain will have grown when the nodes are asked', () => {
    comparison.note(none, uneven, { isForkLikely: false, blocksUntilAsked: 20 });
    expect(comparison.heights.at(-1)).to.equal(536);
    comparison.note(none, uneven, { isForkLikely: false, blocksUntilAsked: 5_000 });
    expect(comparison.heights.at(-1)).to.equal(616);
  });
});
