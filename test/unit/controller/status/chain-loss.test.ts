import { expect } from 'chai';
import type { BitcoinNetworkChain, BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { chainLost, lossEvents, withLoss } from '../../../../src/controller/status/chain-loss.ts';

const chainOf = (height: number, lost?: BitcoinNetworkChain['lost']): BitcoinNetworkChain => ({
  ...{ name: 'regtest', height, tip: `tip-${height}`, tips: 1, forkDepth: 0 },
  ...(lost === undefined ? {} : { lost }),
});
const lost = { height: 300, tip: 'tip-300' };

describe('a chain that a network has lost', () => {
  it('stays in the status until it is certain, and is named there until a node is as high again', () => {
    expect(withLoss(chainOf(0), 'possible', chainOf(300))).to.deep.equal(chainOf(300));
    expect(withLoss(chainOf(0), 'lost', chainOf(300))).to.deep.equal(chainOf(0, lost));
    expect(withLoss(chainOf(299), 'none', chainOf(0, lost))).to.deep.equal(chainOf(299, lost));
    expect(withLoss(chainOf(300), 'none', chainOf(299, lost))).to.deep.equal(chainOf(300));
    expect(withLoss(chainOf(0), 'lost', chainOf(50, lost))).to.deep.equal(chainOf(0, { height: 50, tip: 'tip-50' }));
  });

  it('has the condition ChainLost, which is absent before', () => {
    expect(chainLost(chainOf(300), undefined)).to.equal(undefined);
    const state = chainLost(chainOf(0, lost), undefined);
    expect(state).to.deep.include({ status: 'True', reason: 'BlocksLost' });
    expect(state?.message).to.equal('the chain of height 300 (tip …tip-300) is lost: no node has it any more');
    const conditions = [{ type: 'ChainLost', status: 'True', reason: 'BlocksLost', message: 'm', lastTransitionTime: 't' }];
    const previous = { conditions } as BitcoinNetworkStatus;
    expect(chainLost(chainOf(300), previous)).to.deep.include({ status: 'False', reason: 'HeightReached' });
  });

  it('has one Warning with both heights', () => {
    const before = { chain: chainOf(300) };
    const after = { chain: chainOf(0, lost) };
    expect(lossEvents(before, after)).to.deep.equal([
      {
        ...{ type: 'Warning', reason: 'ChainLost' },
        message: 'Lost the chain of height 300 (tip …tip-300): the nodes came back without its blocks, now at height 0',
      },
    ]);
    expect(lossEvents(after, after)).to.deep.equal([]);
    expect(lossEvents(after, before)).to.deep.equal([]);
  });
});
