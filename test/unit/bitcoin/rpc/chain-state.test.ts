import { expect } from 'chai';
import { blockHashOf, chainStateOf, chainTipsOf, knowsBlock, versionOf } from '../../../../src/bitcoin/rpc/chain-state.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';

const hash = 'ab'.repeat(32);
const failed = { error: new BitcoinRpcError('getblockhash', -8, 'Block height out of range') };

describe('chainStateOf', () => {
  it('reads height, tip and the time of the tip', () => {
    const result = { blocks: 5, bestblockhash: hash, time: 1_700_000_000, chain: 'regtest' };
    expect(chainStateOf({ result })).to.deep.equal({ height: 5, tip: hash, timeSeconds: 1_700_000_000 });
  });

  it('needs no time, which old versions do not report', () => {
    expect(chainStateOf({ result: { blocks: 0, bestblockhash: hash } })).to.deep.equal({ height: 0, tip: hash });
  });

  it('reads the size of the blocks on disk, if it is one', () => {
    const result = { blocks: 5, bestblockhash: hash, size_on_disk: 700_000_000_000 };
    expect(chainStateOf({ result })).to.deep.equal({ height: 5, tip: hash, bytes: 700_000_000_000 });
    for (const bytes of ['1', -1, 1.5, null])
      expect(chainStateOf({ result: { ...result, size_on_disk: bytes } })).to.deep.equal({ height: 5, tip: hash });
  });

  it('refuses what is no height or no hash', () => {
    for (const result of [
      null,
      7,
      [],
      { blocks: -1, bestblockhash: hash },
      { blocks: 1.5, bestblockhash: hash },
      { blocks: 1, bestblockhash: `${hash}0` },
    ])
      expect(() => chainStateOf({ result })).to.throw(BitcoinTransportError, 'unexpected form');
  });
});

describe('blockHashOf', () => {
  it('is undefined for a height that the chain does not have, and for what is no hash', () => {
    expect(blockHashOf({ result: hash })).to.equal(hash);
    for (const outcome of [failed, { result: 'x' }, { result: 1 }, undefined]) expect(blockHashOf(outcome)).to.equal(undefined);
  });
});

describe('chainTipsOf', () => {
  it('reads the entries that have the form, and leaves out the others', () => {
    const entry = { height: 103, hash, branchlen: 3, status: 'valid-fork' };
    const result = [entry, { ...entry, hash: 'x' }, { ...entry, branchlen: -1 }, null, 'x'];
    expect(chainTipsOf({ result })).to.deep.equal([{ height: 103, hash, branchLength: 3, status: 'valid-fork' }]);
    expect(chainTipsOf(failed)).to.deep.equal([]);
  });
});

describe('knowsBlock', () => {
  it('is so of a block in any chain, and not of one that the node does not have, nor of its header alone', () => {
    expect(knowsBlock({ result: { confirmations: -1, nTx: 1 } })).to.equal(true);
    expect(knowsBlock({ result: { confirmations: -1, nTx: 0 } })).to.equal(false);
    expect(knowsBlock({ error: new BitcoinRpcError('getblockheader', -5, 'Block not found') })).to.equal(false);
  });

  it('is unknown if the call failed otherwise', () => {
    expect(knowsBlock(failed)).to.equal(undefined);
    expect(knowsBlock(undefined)).to.equal(undefined);
  });
});

describe('versionOf', () => {
  it('is the user agent without comments', () => {
    const result = { subversion: '/Satoshi:29.4.2(alice-sts-0; x)/Knots:20260210/' };
    expect(versionOf({ result })).to.equal('Satoshi:29.4.2/Knots:20260210');
  });

  it('is one printable line of bounded length, whatever a node answers', () => {
    expect(versionOf({ result: { subversion: `/${'x\u001b[2J'.repeat(1_000)}/` } })).to.match(/^[^\u001b]{64}$/);
    expect(versionOf({ result: { subversion: 7 } })).to.equal(undefined);
    expect(versionOf(failed)).to.equal(undefined);
  });
});
