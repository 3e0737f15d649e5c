import { Readable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { AnswerError, AnswerScan, readBody, readStart } from '../../../../src/bitcoin/rpc/node-answer.ts';

const isCheap = (json: string, pieceLength = 1_000): boolean => {
  const bytes = Buffer.from(json);
  const scan = new AnswerScan();
  try {
    for (let at = 0; at < bytes.length; at += pieceLength) scan.push(bytes.subarray(at, at + pieceLength));
    return true;
  } catch (error) {
    if (error instanceof AnswerError) return false;
    throw error;
  }
};

describe('AnswerScan', () => {
  it('lets the answer of a node with 999 added nodes and 1,113 connections pass', () => {
    const counts = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`message${index}`, 100]));
    const fields = Object.fromEntries(Array.from({ length: 35 }, (_, index) => [`field${index}`, 'x']));
    const peer = { ...fields, bytessent_per_msg: counts, bytesrecv_per_msg: counts };
    const added = { addednode: '10.0.0.1', connected: true, addresses: [{ address: '10.0.0.1:18444', connected: 'outbound' }] };
    const results = [new Array<unknown>(999).fill(added), new Array<unknown>(1_113).fill(peer)];
    expect(isCheap(JSON.stringify(results.map((result, id) => ({ jsonrpc: '2.0', result, id }))))).to.equal(true);
  });

  it('refuses what is nested by more than 16 levels', () => {
    expect(isCheap(`${'['.repeat(16)}${']'.repeat(16)}`)).to.equal(true);
    expect(isCheap('['.repeat(17))).to.equal(false);
    expect(isCheap('{"a":'.repeat(17))).to.equal(false);
  });

  it('refuses more than 100,000 values', () => {
    expect(isCheap(`[${'0,'.repeat(99_000)}0]`)).to.equal(true);
    for (const value of ['0', '[]', '{}', '""', '"a":0'])
      expect(isCheap(`[${`${value},`.repeat(100_000)}0]`), value).to.equal(false);
  });

  it('counts nothing within strings, however they are escaped', () => {
    expect(isCheap(`["${'[{,'.repeat(100_000)}"]`)).to.equal(true);
    expect(isCheap(`["${'\\"['.repeat(100_000)}"]`)).to.equal(true);
    expect(isCheap(`["\\\\",${'['.repeat(20)}`)).to.equal(false);
  });

  it('refuses lists of more than 4,000 entries in all, and only those', () => {
    const answer = (count: number) => JSON.stringify([{ id: 0, result: Array.from({ length: count }, () => ({ a: 1 })) }]);
    expect(isCheap(answer(4_000))).to.equal(true);
    expect(isCheap(answer(4_001))).to.equal(false);
    expect(isCheap(JSON.stringify(Array.from({ length: 4_001 }, (_, id) => ({ id, error: { code: 1 } }))))).to.equal(true);
  });

  it('finds the same wherever the answer is divided', () => {
    const tail = '['.repeat(17);
    for (const text of ['["a\\\\",', '["\\"",', '["[[[\\"[",'])
      for (const length of [1, 2, 3, 7, 1_000]) expect(isCheap(`${text}${tail}`, length), `${text} ${length}`).to.equal(false);
    for (const length of [1, 2, 3, 7]) expect(isCheap(`["${'\\"['.repeat(30)}"]`, length)).to.equal(true);
  });

  it('lets all small JSON pass, and never takes more than a pass over what is no JSON', () => {
    fc.assert(fc.property(fc.json({ maxDepth: 8 }), json => isCheap(json)));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), bytes => {
        isCheap(Buffer.from(bytes).toString('latin1'));
      }),
    );
  });
});

describe('readBody', () => {
  it('reads all of it, as text or bytes', async () => {
    const body = await readBody(Readable.from([Buffer.from('ab'), 'ç'], { objectMode: true }), 4);
    expect(body.toString('utf8')).to.equal('abç');
  });

  it('stops as soon as it is too long', async () => {
    let sent = 0;
    function* endless() {
      for (;;) {
        sent += 1;
        yield Buffer.alloc(10);
      }
    }
    const failure = await readBody(Readable.from(endless(), { highWaterMark: 1 }), 100).catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(AnswerError);
    expect(sent).to.be.below(15);
    expect(await readStart(Readable.from(endless()), 95)).to.deep.equal({ body: Buffer.alloc(95), isWhole: false });
  });
});
