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

  // The node had all blocks of the branch in its chain, also those that it did not report.
  it('is as deep as the whole branch if that had grown since the node reported it', () => {
    const reorg = reorgOf({ height: 102, tip: 'older' }, chain, [active, fork('old', 103, 3)]);
    expect(reorg).to.deep.equal({ depth: 3, from: { height: 103, tip: 'old' }, to: chain });
  });

  it('is none for a branch that begins above the former tip', () => {
    expect(reorgOf({ height: 100, tip: 'older' }, chain, [active, fork('old', 103, 3)])).to.equal(undefined);
  });

  it('is none if the node does not know the former chain, as after a restart without its data', () => {
    expect(reorgOf({ height: 103, tip: 'old' }, chain, [active])).to.equal(undefined);
    expect(reorgOf({ height: 103, tip: 'old' }, chain, [active, fork('other', 90, 2)])).to.equal(undefined);
  });

  it('is none for a branch that never was the chain of the node', () => {
    expect(reorgOf({ height: 103, tip: 'old' }, chain, [active, fork('x', 105, 4, 'headers-only')])).to.equal(undefined);
  });
});
