import { expect } from 'chai';
import { type BlockHeader, headerOf, readHeaders } from '../../../../src/bitcoin/rpc/block-headers.ts';
import { AnsweringBitcoind } from '../../../support/fakes/answering-bitcoind.ts';

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

describe('readHeaders', () => {
  const signal = new AbortController().signal;
  /** The hash of the block at a height; each branch has its own above the fork. */
  const hashAt = (height: number, branch = 0, forkHeight = 0) =>
    ((height > forkHeight ? branch * 1_000 : 0) + height).toString(16).padStart(64, '0');
  const headerAt = (height: number, branch?: number, forkHeight?: number): BlockHeader => ({
    height,
    hash: hashAt(height, branch, forkHeight),
    parent: hashAt(height - 1, branch, forkHeight),
    timeSeconds: 1_700_000_000 + height,
    transactions: 1,
  });
  const knownOf = (...headers: readonly BlockHeader[]) => new Map(headers.map(header => [header.hash, header]));
  const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

  let bitcoind: AnsweringBitcoind;
  /** The chain of the node. */
  let chain: readonly BlockHeader[];
  /** What it was asked for, by batch. */
  let asked: string[][];

  const resultOf = (method: string, [param]: readonly unknown[]): unknown => {
    if (method === 'getblockhash') return chain.find(({ height }) => height === param)?.hash;
    const header = chain.find(({ hash: one }) => one === param);
    return header && { ...header, previousblockhash: header.parent, time: header.timeSeconds, nTx: header.transactions };
  };

  before(async () => {
    bitcoind = await AnsweringBitcoind.start(resultOf, calls =>
      asked.push(calls.map(([method, param = '']) => `${method} ${param.length === 64 ? Number(`0x${param}`) : param}`)),
    );
  });
  after(() => bitcoind.stop());
  beforeEach(() => {
    asked = [];
  });

  async function read(known: ReadonlyMap<string, BlockHeader>, count = 5): Promise<BlockHeader[]> {
    const newest = chain.at(-1);
    if (newest === undefined) throw new Error('an empty chain');
    return await readHeaders({ ...bitcoind.node, chain: { height: newest.height, tip: newest.hash }, count, known }, signal);
  }

  it('reads the newest blocks, the lowest first, if none is known', async () => {
    chain = range(1, 8).map(height => headerAt(height));
    expect(await read(new Map())).to.deep.equal(range(4, 8).map(height => headerAt(height)));
    expect(asked).to.deep.equal([range(4, 7).map(h => `getblockhash ${h}`), range(4, 8).map(h => `getblockheader ${h}`)]);
  });

  it('asks only for the blocks above the highest known one', async () => {
    chain = range(1, 10).map(height => headerAt(height));
    const known = knownOf(...range(4, 8).map(height => headerAt(height)));
    expect(await read(known)).to.deep.equal([headerAt(9), headerAt(10)]);
    expect(asked).to.deep.equal([['getblockhash 9'], ['getblockheader 9', 'getblockheader 10']]);
  });

  it('costs one batch if only the tip is new', async () => {
    chain = range(1, 9).map(height => headerAt(height));
    expect(await read(knownOf(...range(4, 8).map(height => headerAt(height))))).to.deep.equal([headerAt(9)]);
    expect(asked).to.deep.equal([['getblockheader 9']]);
  });

  it('reads the replaced blocks as well if the chain has left the known one', async () => {
    const [branch, fork] = [1, 6];
    chain = range(1, 10).map(height => headerAt(height, branch, fork));
    const known = knownOf(...range(4, 8).map(height => headerAt(height)));
    const headers = await read(known);
    expect(headers).to.deep.equal(range(7, 10).map(height => headerAt(height, branch, fork)));
  });

  it('reads what is missing between the known blocks', async () => {
    chain = range(1, 9).map(height => headerAt(height));
    const known = knownOf(headerAt(5), headerAt(7), headerAt(8));
    expect(await read(known)).to.deep.equal([headerAt(6), headerAt(9)]);
  });

  it('reads the newest blocks alone if the known ones are far below', async () => {
    chain = range(1, 30).map(height => headerAt(height));
    const known = knownOf(...range(1, 8).map(height => headerAt(height)));
    expect(await read(known)).to.deep.equal(range(26, 30).map(height => headerAt(height)));
  });
});
