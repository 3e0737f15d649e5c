import { expect } from 'chai';
import { RecentBlocks } from '../../../../src/bitcoin/chain/recent-blocks.ts';
import type { BlockHeader } from '../../../../src/bitcoin/rpc/block-headers.ts';

/** A block of a chain; chains part after height 10. */
const hashOf = (chain: string, height: number) => (height <= 10 ? `c${height}` : `${chain}${height}`);
const header = (chain: string, height: number): BlockHeader => ({
  ...{ height, hash: hashOf(chain, height), parent: hashOf(chain, height - 1) },
  ...{ timeSeconds: 1_000 + height, transactions: 1 },
});
const headers = (chain: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => header(chain, from + index));

/** As "a12" on the longest chain, as "b12<b11" beside it. */
const texts = (blocks: RecentBlocks, tip: string) =>
  blocks.shown(tip).map(({ hash, parent }) => (parent === undefined ? hash : `${hash}<${parent}`));

describe('RecentBlocks', () => {
  it('are the newest 24 of the longest chain, the highest first', () => {
    const blocks = new RecentBlocks();
    blocks.add(headers('a', 1, 40));
    expect(texts(blocks, 'a40')).to.deep.equal(Array.from({ length: 24 }, (_, index) => `a${40 - index}`));
    expect(blocks.has('a16'), 'forgets the others').to.equal(false);
  });

  it('have the blocks of a fork after those of the longest chain, also when it is over', () => {
    const blocks = new RecentBlocks();
    blocks.add([...headers('a', 9, 12), ...headers('b', 11, 13)]);
    expect(texts(blocks, 'b13')).to.deep.equal(['b13', 'b12', 'a12<a11', 'b11', 'a11<c10', 'c10', 'c9']);
    blocks.add([header('a', 13), header('a', 14)]);
    expect(texts(blocks, 'a14')).to.deep.equal(['a14', 'a13', 'b13<b12', 'a12', 'b12<b11', 'a11', 'b11<c10', 'c10', 'c9']);
  });

  it('stay as they are until a new tip has been read', () => {
    const blocks = new RecentBlocks();
    blocks.add(headers('a', 9, 12));
    expect(texts(blocks, 'a13')).to.deep.equal(['a12', 'a11', 'c10', 'c9']);
  });

  it('go on from what a former process has shown', () => {
    const former = new RecentBlocks();
    former.add([...headers('a', 9, 12), ...headers('b', 11, 11)]);
    const blocks = new RecentBlocks(former.shown('a12'));
    expect(blocks.shown('a13')).to.deep.equal(former.shown('a12'));
    blocks.add([header('a', 13)]);
    expect(texts(blocks, 'a13')).to.deep.equal(['a13', 'a12', 'a11', 'b11<c10', 'c10', 'c9']);
  });

  it('are none of a former chain when the nodes have lost it', () => {
    const blocks = new RecentBlocks();
    blocks.add(headers('a', 1, 40));
    blocks.shown('a40');
    blocks.add([{ ...header('x', 1), hash: 'x1' }]);
    expect(texts(blocks, 'x1')).to.deep.equal(['x1']);
  });

  it('are at most 24 of other chains', () => {
    const blocks = new RecentBlocks();
    blocks.add(headers('a', 1, 40));
    for (const chain of ['b', 'd', 'e']) blocks.add(headers(chain, 11, 40));
    expect(texts(blocks, 'a40')).to.have.length(48);
  });
});
