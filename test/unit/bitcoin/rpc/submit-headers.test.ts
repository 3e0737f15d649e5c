import { expect } from 'chai';
import { submitHeaders } from '../../../../src/bitcoin/rpc/submit-headers.ts';
import { AnsweringBitcoind } from '../../../support/fakes/answering-bitcoind.ts';

const nowMs = Date.parse('2026-01-01T12:00:00Z');
const hourMs = 3_600_000;
const hashAt = (height: number) => height.toString(16).padStart(64, '0');

describe('submitHeaders', () => {
  const signal = new AbortController().signal;
  let bitcoind: AnsweringBitcoind;
  /** The age of each block of the source, from height 0. */
  let agesMs: readonly number[];
  let submitted: string[];

  /** The version and two hashes come before the time, the bits and the nonce after it. */
  function headerAt(height: number): string {
    const time = Buffer.alloc(4);
    time.writeUInt32LE((nowMs - (agesMs[height] ?? 0)) / 1_000);
    return `${height.toString(16).padStart(8, '0')}${'0'.repeat(128)}${time.toString('hex')}${'0'.repeat(16)}`;
  }

  function resultOf(method: string, [param]: readonly unknown[]): unknown {
    if (method === 'getblockhash') return hashAt(Number(param));
    if (method === 'getblockheader') return headerAt(Number(`0x${String(param)}`));
    submitted.push(String(param));
    return null;
  }

  before(async () => {
    bitcoind = await AnsweringBitcoind.start(resultOf);
  });
  after(() => bitcoind.stop());
  beforeEach(() => {
    submitted = [];
  });

  const submit = (height: number, tip = hashAt(height)) => {
    const { node } = bitcoind;
    return submitHeaders({ source: node, sourceHeight: agesMs.length - 1, target: node, chain: { height, tip }, nowMs }, signal);
  };

  it('submits the first header to a new node of a new network', async () => {
    agesMs = [100_000 * hourMs, 0, 0, 0];
    expect(await submit(0)).to.equal(1);
    expect(submitted).to.deep.equal([headerAt(1)]);
  });

  it('submits those above the chain of the node, up to the first that is younger than a day', async () => {
    agesMs = [100_000 * hourMs, 90 * hourMs, 80 * hourMs, 24 * hourMs, 22 * hourMs, 0];
    expect(await submit(1)).to.equal(3);
    expect(submitted).to.deep.equal([headerAt(2), headerAt(3), headerAt(4)]);
  });

  it('submits none if none is recent, if the node is on another chain, or if it has all blocks', async () => {
    agesMs = [100_000 * hourMs, 90 * hourMs, 80 * hourMs];
    expect(await submit(0)).to.equal(0);
    agesMs = [100_000 * hourMs, 0, 0];
    expect(await submit(1, 'f'.repeat(64))).to.equal(0);
    expect(await submit(2)).to.equal(0);
    expect(submitted).to.deep.equal([]);
  });
});
