import { expect } from 'chai';
import { headerOf } from '../../../../src/bitcoin/rpc/block-headers.ts';

const [hash, parent] = ['a'.repeat(64), 'b'.repeat(64)];
const answer = { hash, height: 5, previousblockhash: parent, time: 1_700_000_000, nTx: 3, confirmations: 1 };

describe('the header of a block', () => {
  it('is read from an answer to getblockheader', () => {
    expect(headerOf({ result: answer })).to.deep.equal({ hash, parent, height: 5, timeSeconds: 1_700_000_000, transactions: 3 });
  });

  it('is none in an answer of another form', () => {
    const wrong = [
      { hash: 'x' },
      { previousblockhash: undefined },
      { height: -1 },
      { height: 1.5 },
      { time: 8.64e15 },
      { time: '1' },
      { nTx: null },
    ];
    for (const fields of wrong)
      expect(headerOf({ result: { ...answer, ...fields } }), JSON.stringify(fields)).to.equal(undefined);
    for (const result of [null, 'text', []]) expect(headerOf({ result })).to.equal(undefined);
    expect(headerOf(undefined)).to.equal(undefined);
  });
});
