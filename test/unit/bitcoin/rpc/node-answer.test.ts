import { Readable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { assertCheap, AnswerError, readBody, readStart } from '../../../../src/bitcoin/rpc/node-answer.ts';

const isCheap = (json: string): boolean => {
  try {
    assertCheap(Buffer.from(json));
    return true;
  } catch (error) {
    if (error instanceof AnswerError) return false;
    throw error;
  }
};

describe('assertCheap', () => {
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

  it('refuses more than 150,000 values', () => {
    expect(isCheap(`[${'0,'.repeat(149_000)}0]`)).to.equal(true);
    for (const value of ['0', '[]', '{}', '""', '"a":0'])
      expect(isCheap(`[${`${value},`.repeat(150_000)}0]`), value).to.equal(false);
  });

  it('counts nothing within strings, however they are escaped', () => {
    expect(isCheap(`["${'[{,'.repeat(100_000)}"]`)).to.equal(true);
    expect(isCheap(`["${'\\"['.repeat(100_000)}"]`)).to.equal(true);
    expect(isCheap(`["\\\\",${'['.repeat(20)}`)).to.equal(false);
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
