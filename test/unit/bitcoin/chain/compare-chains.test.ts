import { expect } from 'chai';
import fc from 'fast-check';
import { branchesOf, type ChainView, heightsToCompare } from '../../../../src/bitcoin/chain/compare-chains.ts';

/** The block of a chain at a height: chains that part at a height have other blocks above it. */
const blockOf = (chain: string, fork: number, height: number): string =>
  height <= fork ? `common-${height}` : `${chain}-${height}`;

interface Side {
  readonly chain: string;
  readonly height: number;
}

/** A node on a chain that parts from the others at height `fork`, with the hashes that it was asked for. */
function view(ordinal: number, { chain, height }: Side, fork: number, asked: readonly number[]): ChainView {
  const known = asked.filter(at => at <= height).map(at => [at, blockOf(chain, fork, at)] as const);
  return { ordinal, height, tip: blockOf(chain, fork, height), hashes: new Map(known) };
}

/** Nodes as they answer when they are asked at the heights that their tips call for. */
function viewsOf(sides: readonly Side[], fork: number): ChainView[] {
  const asked = heightsToCompare(sides.map(({ chain, height }) => ({ height, tip: blockOf(chain, fork, height) })));
  return sides.map((side, ordinal) => view(ordinal, side, fork, asked));
}

describe('branchesOf', () => {
  it('is one branch of all nodes with the same tip', () => {
    const same = [0, 1, 2].map(ordinal => ({ ordinal, height: 7, tip: 'seven' }));
    expect(branchesOf(same)).to.deep.equal([
      { height: 7, tip: 'seven', ordinals: [0, 1, 2], behind: [], depth: 0, isCertain: true },
    ]);
  });

  it('is certain about a node without blocks beside a fork: the genesis block is on every branch', () => {
    const views = viewsOf(
      [
        { chain: 'a', height: 9 },
        { chain: 'b', height: 8 },
      ],
      5,
    );
    const branches = branchesOf([...views, { ordinal: 2, height: 0, tip: 'genesis', hashes: new Map() }]);
    expect(branches.map(({ ordinals, isCertain }) => [ordinals, isCertain])).to.deep.equal([
      [[0, 2], true],
      [[1], true],
    ]);
  });

  it('is one branch of a node that only lacks the newest blocks', () => {
    const [branch, ...others] = branchesOf(
      viewsOf(
        [
          { chain: 'a', height: 9 },
          { chain: 'a', height: 7 },
        ],
        0,
      ),
    );
    expect(others).to.deep.equal([]);
    expect(branch).to.deep.include({ height: 9, ordinals: [0, 1], behind: [1], isCertain: true });
  });

  it('names the longest branch first, and how many blocks the others have that it does not have', () => {
    const views = viewsOf(
      [
        { chain: 'a', height: 103 },
        { chain: 'b', height: 104 },
        { chain: 'b', height: 104 },
      ],
      100,
    );
    expect(branchesOf(views).map(({ height, ordinals, depth }) => ({ height, ordinals, depth }))).to.deep.equal([
      { height: 104, ordinals: [1, 2], depth: 0 },
      { height: 103, ordinals: [0], depth: 3 },
    ]);
  });

  it('of two branches of one height puts that of more nodes first', () => {
    const views = viewsOf(
      [
        { chain: 'a', height: 5 },
        { chain: 'b', height: 5 },
        { chain: 'b', height: 5 },
      ],
      4,
    );
    expect(branchesOf(views).map(({ ordinals }) => ordinals)).to.deep.equal([[1, 2], [0]]);
  });

  it('takes nodes of unknown relation for one branch, and says that this is not certain', () => {
    const views = [
      { ordinal: 0, height: 9, tip: 'x' },
      { ordinal: 1, height: 8, tip: 'y' },
    ];
    expect(branchesOf(views)).to.have.length(1);
    expect(branchesOf(views)[0]?.isCertain).to.equal(false);
  });

  it('finds every fork and its depth, as far as 100 blocks back exactly, and no fork where there is none', () => {
    const side = fc.record({ chain: fc.constantFrom('a', 'b', 'c'), above: fc.integer({ min: 0, max: 90 }) });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5_000 }), fc.array(side, { minLength: 1, maxLength: 12 }), (fork, given) => {
        const sides = given.map(({ chain, above }) => ({ chain, height: fork + above }));
        const branches = branchesOf(viewsOf(sides, fork));
        const chains = new Set(sides.filter(({ height }) => height > fork).map(({ chain }) => chain));
        expect(branches).to.have.length(Math.max(1, chains.size));
        for (const { depth, height } of branches.slice(1)) expect(depth).to.equal(height - fork);
      }),
    );
  });
});

describe('heightsToCompare', () => {
  it('is empty as long as all have one tip, so that nothing more is asked', () => {
    expect(
      heightsToCompare([
        { height: 3, tip: 'x' },
        { height: 3, tip: 'x' },
      ]),
    ).to.deep.equal([]);
  });

  it('is some hundred heights at most, however far apart the tips are, and reaches back to the first block', () => {
    const heights = heightsToCompare([
      { height: 900_000, tip: 'x' },
      { height: 40, tip: 'y' },
    ]);
    expect(heights.length).to.be.below(500);
    expect(
      heightsToCompare([
        { height: 900_000, tip: 'x' },
        { height: 900_000, tip: 'y' },
      ])[0],
    ).to.be.below(450_000);
    expect(heights).to.include(40);
  });
});
