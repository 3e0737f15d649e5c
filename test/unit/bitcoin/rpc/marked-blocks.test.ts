import { expect } from 'chai';
import { isBusyScanning, markedBlocksOf, markedScript } from '../../../../src/bitcoin/rpc/marked-blocks.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';

describe('marked blocks', () => {
  it('pay to a script of their own, which anybody can spend', () => {
    expect(markedScript(['uid', 'step', 'Mining'])).to.match(/^raw\(08[0-9a-f]{16}7551\)$/);
    expect(markedScript(['uid', 'step', 'Mining'])).to.equal(markedScript(['uid', 'step', 'Mining']));
    expect(markedScript(['uid', 'step', 'Mining'])).not.to.equal(markedScript(['uid', 'other', 'Mining']));
  });

  it('are counted by their heights', () => {
    const result = { success: true, unspents: [{ height: 7 }, { height: 8 }, { height: 8 }] };
    expect(markedBlocksOf({ result })).to.equal(2);
    expect(markedBlocksOf({ result: { success: true, unspents: [] } })).to.equal(0);
  });

  it('are not counted from an answer of another form, or from an error', () => {
    for (const result of [null, {}, { success: false, unspents: [] }, { success: true }, 'text'])
      expect(() => markedBlocksOf({ result })).to.throw(BitcoinTransportError);
    const error = new BitcoinRpcError('scantxoutset', -8, 'Scan already in progress');
    expect(() => markedBlocksOf({ error })).to.throw(BitcoinRpcError);
    expect([isBusyScanning(error), isBusyScanning(new Error('other'))]).to.deep.equal([true, false]);
  });
});
