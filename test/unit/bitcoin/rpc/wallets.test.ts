import { expect } from 'chai';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import { addressOf, walletListsOf } from '../../../../src/bitcoin/rpc/wallets.ts';

describe('the answers about wallets', () => {
  it('are undefined for a bitcoind without wallets', () => {
    const error = new BitcoinRpcError('listwallets', -32601, 'Method not found');
    expect(walletListsOf([{ error }, { error }])).to.equal(undefined);
  });

  for (const result of [undefined, null, 5, ['a', 1], { wallets: ['a'] }])
    it(`are refused in another form: ${JSON.stringify(result)}`, () => {
      expect(() => walletListsOf([{ result }, { result: { wallets: [] } }])).to.throw(BitcoinTransportError);
      expect(() => walletListsOf([{ result: [] }, { result }])).to.throw(BitcoinTransportError);
    });

  for (const result of ['bcrt1qab) raw(51', '', 'x'.repeat(101), 5, null])
    it(`are refused as an address: ${JSON.stringify(result).slice(0, 20)}`, () => {
      expect(() => addressOf({ result })).to.throw(BitcoinTransportError);
    });
});
