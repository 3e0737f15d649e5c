import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { AnswerBudget } from '../../../../src/bitcoin/rpc/answer-budget.ts';
import { RpcClient } from '../../../../src/bitcoin/rpc/rpc-client.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import { eventually } from '../../../support/until.ts';

const credentials = { user: 'alice', password: 'a secret, and with ünicode' };

const answer =
  (status: number, body: string): RequestListener =>
  (_, response) =>
    response.writeHead(status, { 'content-length': Buffer.byteLength(body) }).end(body);
const gzipped = gzipSync('[{"id":0,"result":[]}]');
const compressed: RequestListener = (_, response) =>
  response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': gzipped.length }).end(gzipped);
const announced =
  (length: number): RequestListener =>
  (_, response) =>
    response.writeHead(200, { 'content-length': length }).write('[');
/** Answers on the socket itself. */
const raw =
  (use: (socket: Socket) => void): RequestListener =>
  ({ socket }) =>
    use(socket.on('error', () => undefined));
/** Sends `text` for as long as the other side takes it. */
function pour(socket: Socket, head: string, text: string): void {
  const more = () => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.write(head);
  socket.on('drain', more);
  more();
}
const chunkedHead = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n';

describe('RpcClient', function () {
  // Both ends of what is sent without end are this process.
  this.timeout(30_000);
  let server: Server | undefined;

  /** A bitcoind that answers as `listener` does: well-formed or hostile. */
  async function serve(listener: RequestListener, budget?: AnswerBudget): Promise<RpcClient> {
    const started = createServer(listener);
    server = started;
    await new Promise<void>(resolve => started.listen(0, '127.0.0.1', resolve));
    const { port } = started.address() as AddressInfo;
    return new RpcClient({ host: '127.0.0.1', port, credentials, ...(budget === undefined ? {} : { budget }) });
  }

  async function failureOf(client: RpcClient, timeoutMs = 5_000): Promise<BitcoinTransportError> {
    try {
      await client.batch([{ method: 'getpeerinfo' }], { timeoutMs });
    } catch (error) {
      if (error instanceof BitcoinTransportError) return error;
      throw error;
    }
    throw new Error('the batch was answered');
  }

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    server = undefined;
  });

  it('sends one JSON-RPC 2.0 batch with basic authentication and gives the results in the order of the calls', async () => {
    const requests: unknown[] = [];
    const client = await serve((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        const calls = JSON.parse(body) as { id: number; method: string }[];
        requests.push(request.headers.authorization, calls);
        response.end(JSON.stringify(calls.toReversed().map(({ id, method }) => ({ jsonrpc: '2.0', id, result: method }))));
      });
    });
    const outcomes = await client.batch([{ method: 'getaddednodeinfo' }, { method: 'addnode', params: ['10.0.0.2', 'add'] }], {
      timeoutMs: 5_000,
    });
    expect(outcomes).to.deep.equal([{ result: 'getaddednodeinfo' }, { result: 'addnode' }]);
    expect(requests).to.deep.equal([
      `Basic ${Buffer.from('alice:a secret, and with ünicode').toString('base64')}`,
      [
        { jsonrpc: '2.0', id: 0, method: 'getaddednodeinfo', params: [] },
        { jsonrpc: '2.0', id: 1, method: 'addnode', params: ['10.0.0.2', 'add'] },
      ],
    ]);
  });

  it('gives a call that failed its own error, with the first line of the message alone', async () => {
    const client = await serve(
      answer(200, JSON.stringify([{ id: 0, error: { code: -23, message: 'already added\nand the whole help' } }])),
    );
    const [outcome] = await client.batch([{ method: 'addnode' }], { timeoutMs: 5_000 });
    expect(outcome).to.have.property('error').that.is.instanceOf(BitcoinRpcError);
    expect(outcome).to.have.nested.property('error.code', -23);
    expect(outcome).to.have.nested.property('error.message', 'addnode: already added (-23)');
  });

  it('gives every call the error that answers the whole batch, as while bitcoind warms up', async () => {
    const client = await serve(answer(500, JSON.stringify({ id: null, error: { code: -28, message: 'Loading block index…' } })));
    const outcomes = await client.batch([{ method: 'a' }, { method: 'b' }], { timeoutMs: 5_000 });
    expect(outcomes.map(outcome => 'error' in outcome && outcome.error.code)).to.deep.equal([-28, -28]);
  });

  for (const [what, listener, failure] of [
    ['401 with an empty body', answer(401, ''), 'unauthorized'],
    ['403 with an empty body', answer(403, ''), 'unauthorized'],
    ['503 with a line of text', answer(503, 'Work queue depth exceeded'), 'busy'],
    ['something that is not JSON', answer(200, '<html>'), 'unusable'],
    ['JSON that is no JSON-RPC', answer(200, '"hello"'), 'unusable'],
    ['null', answer(200, 'null'), 'unusable'],
    ['an empty body', answer(200, ''), 'unusable'],
    ['fewer results than calls', answer(200, '[]'), 'unusable'],
    ['results that are null', answer(200, '[null]'), 'unusable'],
    ['a result of another call', answer(200, '[{"id":1,"result":[]}]'), 'unusable'],
    ['a result without a call', answer(200, '[{"result":[]}]'), 'unusable'],
    ['compressed JSON', compressed, 'unusable'],
    ['2 MiB of objects', answer(200, `[${'{},'.repeat(690_000)}{}]`), 'oversized'],
    ['lists in lists', answer(200, '['.repeat(1_000_000)), 'unusable'],
    ['a length of 1 TB', announced(1e12), 'oversized'],
    ['a header that does not end', raw(socket => pour(socket, 'HTTP/1.1 200 OK\r\nx: ', 'x'.repeat(10_000))), 'unusable'],
    ['interim responses without end', raw(socket => pour(socket, '', 'HTTP/1.1 103 x\r\n\r\n'.repeat(500))), 'unusable'],
    ['empty lines without end', raw(socket => pour(socket, '', '\r\n'.repeat(5_000))), 'unusable'],
    [
      'a switch of protocols',
      raw(socket => socket.end('HTTP/1.1 101 x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n')),
      'unusable',
    ],
    ['one byte a chunk', raw(socket => pour(socket, `${chunkedHead}\r\n`, '1\r\nx\r\n'.repeat(1_000))), 'unusable'],
    ['no HTTP', raw(socket => socket.end('SSH-2.0-x\r\n')), 'unusable'],
    ['a body that breaks off', raw(socket => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n[')), 'unreachable'],
    ['10 MB', answer(200, `[{"id":0,"result":"${'x'.repeat(10_000_000)}"}]`), 'oversized'],
    [
      'a redirect',
      ((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()) satisfies RequestListener,
      'unreachable',
    ],
    ['a connection that breaks', (request => request.socket.destroy()) satisfies RequestListener, 'unreachable'],
  ] as const)
    it(`calls ${what} ${failure}`, async () => {
      expect(await failureOf(await serve(listener))).to.have.property('failure', failure);
    });

  it('has no control character of a node in an error, and no more than 200 characters', async () => {
    const message = `\u001b[2J\u0007\rforged ${'x'.repeat(1_000)}`;
    const client = await serve(answer(200, JSON.stringify([{ id: 0, error: { code: -1, message } }])));
    const [outcome] = await client.batch([{ method: 'addnode' }], { timeoutMs: 5_000 });
    expect(outcome)
      .to.have.nested.property('error.message')
      .that.matches(/^addnode: \ufffd\[2J\ufffd\ufffdforged x+… \(-1\)$/);
    expect(outcome).to.have.nested.property('error.message').with.length.below(220);
  });

  it('makes one error without a stack for a batch that failed as a whole', async () => {
    const client = await serve(answer(500, JSON.stringify({ error: { code: -28, message: 'Loading…' } })));
    const outcomes = await client.batch(new Array(2_000).fill({ method: 'addnode' }), { timeoutMs: 5_000 });
    expect(new Set(outcomes.map(outcome => 'error' in outcome && outcome.error)).size).to.equal(1);
    expect(outcomes[0]).to.have.nested.property('error.stack', 'BitcoinRpcError: addnode: Loading… (-28)');
  });

  it('refuses to send more than 2,000 calls at once', async () => {
    const client = await serve(answer(200, '[]'));
    const failure = await client
      .batch(new Array(2_001).fill({ method: 'addnode' }), { timeoutMs: 5_000 })
      .catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(RangeError);
  });

  it('reads how an answer begins, however long it is, and closes the connection', async () => {
    let closed: Promise<unknown> | undefined;
    const client = await serve((request, response) => {
      closed = new Promise(resolve => request.socket.on('error', () => undefined).once('close', resolve));
      response.writeHead(200, { 'content-length': 1e12 });
      response.flushHeaders();
      pour(request.socket, '', 'x'.repeat(0x10000));
    });
    const beginning = await client.beginningOf({ method: 'getaddednodeinfo' }, { timeoutMs: 5_000, maxBytes: 1_000 });
    expect(beginning).to.equal('x'.repeat(1_000));
    await closed;
  });

  it('waits for the bytes that other answers hold, and cuts off those that stall', async () => {
    const budget = new AnswerBudget({ shortBytes: 0, shortTotalBytes: 0, longTotalBytes: 30, maxWaiting: 9, holdMs: 20 });
    const json = '[{"id":0,"result":[]}]';
    let isFirst = true;
    const client = await serve((_, response) => {
      response.writeHead(200, { 'content-length': json.length });
      if (isFirst) response.write('[');
      else response.end(json);
      isFirst = false;
    }, budget);
    const stalled = failureOf(client, 60_000);
    await eventually(() => budget.heldBytes > 0);
    const call = { method: 'getaddednodeinfo' };
    expect(await client.batch([call], { timeoutMs: 60_000 })).to.deep.equal([{ result: [] }]);
    expect(await stalled).to.include({ failure: 'timeout', message: 'the answer was not complete in time' });
    expect(budget).to.include({ heldBytes: 0, waiting: 0 });
  });

  for (const kib of [20, 100])
    it(`reads an answer of ${kib} KiB that waited, although the node has closed the connection`, async () => {
      const budget = new AnswerBudget({
        shortBytes: 0,
        shortTotalBytes: 0,
        longTotalBytes: 2 << 20,
        maxWaiting: 9,
        holdMs: 60_000,
      });
      const other = await budget.hold(2 << 20, () => undefined, new AbortController().signal);
      const result = 'x'.repeat(kib << 10);
      const json = JSON.stringify([{ id: 0, result }]);
      let hasClosed = false;
      const client = await serve((_, response) => {
        response.socket?.once('close', () => (hasClosed = true));
        response.writeHead(200, { 'content-length': json.length, connection: 'close' }).end(json);
      }, budget);
      const answered = client.batch([{ method: 'getpeerinfo' }], { timeoutMs: 10_000 });
      await eventually(() => budget.waiting === 1 && hasClosed);
      other?.release();
      expect(await answered).to.deep.equal([{ result }]);
    });

  it('fails after its timeout when a node is silent', async () => {
    expect(await failureOf(await serve(() => undefined), 20)).to.have.property('failure', 'timeout');
  });

  it('ends with the reason of a signal that aborts, before or while it waits, and blames no node for it', async () => {
    const client = await serve(() => stop.abort(new Error('stopping')));
    const stop = new AbortController();
    const batch = () =>
      client
        .batch([{ method: 'getpeerinfo' }], { timeoutMs: 5_000, signal: stop.signal })
        .catch((error: unknown) => String(error));
    expect(await batch()).to.equal('Error: stopping');
    expect(await batch()).to.equal('Error: stopping');
  });

  it('gives up a node whose answer never ends', async () => {
    const client = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 9 });
      response.write('[');
    });
    expect(await failureOf(client, 20)).to.have.property('failure', 'timeout');
  });

  it('calls a refused connection unreachable and says why', async () => {
    const client = await serve(answer(200, ''));
    server?.close();
    const error = await failureOf(client);
    expect(error.failure).to.equal('unreachable');
    expect(error.message).to.equal('no connection (ECONNREFUSED)');
  });

  it('has no credentials in any error, whatever it holds', async () => {
    const error = await failureOf(await serve(answer(401, '')));
    const everything = JSON.stringify([error, error.message, error.stack, String(error.cause)]);
    expect(everything).not.to.contain(credentials.password);
    expect(everything).not.to.contain(Buffer.from(`alice:${credentials.password}`).toString('base64'));
  });
});
