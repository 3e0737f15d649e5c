import { expect } from 'chai';
import { reorgOf } from '../../../../src/bitcoin/chain/reorg.ts';
import type { ChainTip } from '../../../../src/bitcoin/rpc/chain-state.ts';

const chain = { height: 104, tip: 'new' };
const active: ChainTip = { height: 104, hash: 'new', branchLength: 0, status: 'active' };
const fork = (hash: string, height: number, branchLength: number, status = 'valid-fork'): ChainTip => ({
  ...{ hash, height, branchLength, status },
});

describe('reorgOf', () => {
  it('is as deep as the branch that the node left', () => {
    const former = { height: 103, tip: 'old' };
    expect(reorgOf(former, chain, [active, fork('old', 103, 3)])).to.deep.equal({ depth: 3, from: former, to: chain });
  });

  it('counts from the reported tip if the branch had grown before it was left', () => {
    expect(reorgOf({ height: 102, tip: 'older' }, chain, [active, fork('old', 103, 3)])?.depth).to.equal(2);
  });

  it('is none if the node does not know the former chain, as after a restart without its data', () => {
    expect(reorgOf({ height: 103, tip: 'old' }, chain, [active])).to.equal(undefined);
    expect(reorgOf({ height: 103, tip: 'old' }, chain, [active, fork('other', 90, 2)])).to.equal(undefined);
  });

  it('is none for a branch that never was the chain of the node', () => {
    expect(reorgOf({ height: 103, tip: 'old' }, chain, [active, fork('x', 105, 4, 'headers-only')])).to.equal(undefined);
  });
});
