import { expect } from 'chai';
import { paymentAt, paymentsOf, walletProblems } from '../../../../src/bitcoin/chain/funding.ts';

describe('the first blocks of a network', () => {
  const wallets = [{ name: 'miner', blocks: 2 }, { name: 'empty' }, { name: 'user', ordinals: [3, 1], blocks: 1 }];
  const paid = (first: number, heights: readonly number[], ordinals: readonly number[] = [0, 1, 2, 3]) =>
    heights.map(height => {
      const payments = paymentsOf(wallets, first, new Set(ordinals));
      const { name, ordinal } = paymentAt(payments, height)?.wallet ?? { name: '-', ordinal: '' };
      return `${name}${ordinal}`;
    });

  it('pay to the wallets in their order, each to that of its first node, and then to none', () => {
    expect(paid(0, [1, 2, 3, 4, 101])).to.deep.equal(['miner0', 'miner0', 'user3', '-', '-']);
  });

  it('are those after the copied ones', () => {
    expect(paid(300, [301, 302, 303, 304])).to.deep.equal(['miner0', 'miner0', 'user3', '-']);
  });

  it('pay to the first node that exists, and as without wallets if none does, which shifts no others', () => {
    expect(paid(0, [1, 2, 3, 4], [0, 1])).to.deep.equal(['miner0', 'miner0', 'user1', '-']);
    expect(paid(0, [1, 2, 3, 4], [1])).to.deep.equal(['-', '-', 'user1', '-']);
  });

  it('are a problem for a wallet of a node which there is not', () => {
    expect(walletProblems(wallets, [0, 1])).to.deep.equal([
      { reason: 'OrdinalUnknown', message: 'wallets[user].ordinals: there is no node 3 (nodes: 0-1)' },
    ]);
    expect(walletProblems(wallets, [])).to.be.empty;
  });
});
