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
  let comparison: ChainComparison;
  beforeEach(() => {
    comparison = new ChainComparison();
  });

  it('asks for no hash as long as all nodes have the same tip', () => {
    comparison.note(none, even, true);
    expect(comparison.heights).to.deep.equal([]);
  });

  it('compares a hundred heights below tips that differ, so that the depth of a fork is exact', () => {
    comparison.note(none, uneven, true);
    expect(comparison.heights).to.include.members([399, 450, 500, 516]);
    expect(comparison.heights).to.have.lengthOf.above(115);
  });

  it('compares few heights where a block on its way explains the difference', () => {
    comparison.note(none, uneven, false);
    expect(comparison.heights).to.include.members([487, 499, 500, 516]);
    expect(comparison.heights).to.have.lengthOf.below(40);
  });

  it('compares all of them as soon as nodes report different hashes of one height, until the tips are the same again', () => {
    comparison.note(none, uneven, false);
    comparison.note(new Map([[499, 'of one chain']]), uneven, false);
    expect(comparison.heights).to.have.lengthOf.below(40);
    comparison.note(new Map([[499, 'of another']]), uneven, false);
    expect(comparison.heights).to.have.lengthOf.above(115);
    comparison.note(none, even, false);
    comparison.note(none, uneven, false);
    expect(comparison.heights).to.have.lengthOf.below(40);
  });
});
