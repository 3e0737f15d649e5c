import { expect } from 'chai';
import { addedNodesIn, peerListsOf } from '../../../../src/bitcoin/rpc/network.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';

const added = { addednode: '10.0.0.1', connected: true, addresses: [{ address: '10.0.0.1:18444', connected: 'outbound' }] };
const peer = { id: 7, addr: '10.0.0.1:18444', inbound: false, subver: '/Satoshi:29.0.0/' };

function failureOf(addedNodes: unknown, peers: unknown): unknown {
  try {
    peerListsOf([{ result: addedNodes }, { result: peers }]);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('peerListsOf', () => {
  it('keeps what is needed of each entry', () => {
    expect(peerListsOf([{ result: [added] }, { result: [peer] }])).to.deep.equal({
      added: [{ addednode: '10.0.0.1', connected: true }],
      peers: [{ id: 7, addr: '10.0.0.1:18444', inbound: false, subver: '/Satoshi:29.0.0/' }],
    });
  });

  it('takes a user agent for none that is no text, or longer than bitcoind accepts', () => {
    const longest = 'x'.repeat(256);
    const subverOf = (subver: unknown) => peerListsOf([{ result: [] }, { result: [{ ...peer, subver }] }]).peers[0]?.subver;
    expect([undefined, null, 1, {}, `${longest}x`, longest].map(subverOf)).to.deep.equal(['', '', '', '', '', longest]);
  });

  it('throws the error of a call', () => {
    const error = new BitcoinRpcError('getpeerinfo', -28, 'Loading…');
    expect(() => peerListsOf([{ result: [] }, { error }])).to.throw(BitcoinRpcError, 'Loading…');
  });

  for (const [what, list] of [
    ['no list', {}],
    ['null', null],
    ['a list of numbers', [0]],
    ['a list of nulls', [null]],
    ['a list of lists', [[]]],
    ['entries without what is needed', [{}]],
    ['an address that is no text', [{ addednode: 1, connected: true }]],
  ] as const)
    it(`refuses ${what}`, () => {
      expect(failureOf(list, [])).to.be.instanceOf(BitcoinTransportError).and.have.property('failure', 'unusable');
      expect(failureOf([], list)).to.be.instanceOf(BitcoinTransportError).and.have.property('failure', 'unusable');
    });

  it('stops at the first wrong entry', () => {
    let read = 0;
    const entry = {
      get addednode() {
        read += 1;
        return 0;
      },
    };
    failureOf(
      Array.from({ length: 1_000 }, () => entry),
      [],
    );
    expect(read).to.equal(1);
  });

  it('reads no list of more than 2,000 entries', () => {
    const failure = failureOf([], new Array<unknown>(2_001).fill(peer));
    expect(failure).to.include({ failure: 'oversized', message: 'the result of getpeerinfo has more than 2000 entries' });
    expect(failureOf(new Array<unknown>(2_000).fill(added), new Array<unknown>(2_000).fill(peer))).to.equal(undefined);
  });
});

describe('addedNodesIn', () => {
  const answer = (names: readonly string[]) =>
    JSON.stringify([{ jsonrpc: '2.0', result: names.map(addednode => ({ ...added, addednode })), id: 0 }]);

  it('finds the entries of which the name is whole, wherever the answer was cut', () => {
    const whole = answer(['10.0.0.1', '10.0.0.2']);
    for (let end = 0; end <= whole.length; end += 1) {
      const names = addedNodesIn(whole.slice(0, end)).map(({ addednode }) => addednode);
      expect(names).to.deep.equal(['10.0.0.1', '10.0.0.2'].slice(0, names.length));
    }
    expect(addedNodesIn(whole)).to.have.length(2);
  });

  it('finds no more than 2,000, and takes nothing else for an entry', () => {
    expect(addedNodesIn(answer(Array.from({ length: 5_000 }, (_, index) => `n${index}`)))).to.have.length(2_000);
    expect(addedNodesIn('{"addednode":"a\\"b","connected":true}')).to.deep.equal([]);
  });

  it('takes time in proportion to the text, whatever that is', () => {
    const texts = ['{"addednode":"', '{"addednode":"x', '{"addednode":"x"', '{"addednode":"x","connected":t', '"'];
    for (const text of texts) expect(addedNodesIn(text.repeat((1 << 20) / text.length))).to.deep.equal([]);
  });
});
