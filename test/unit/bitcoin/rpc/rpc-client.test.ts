import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { BitcoinRpcError, BitcoinTransportError, RpcClient } from '../../../../src/bitcoin/rpc/rpc-client.ts';

const credentials = { user: 'alice', password: 'a secret, and with ünicode' };

describe('RpcClient', () => {
  let server: Server | undefined;

  /** A bitcoind that answers as `listener` does: well-formed or hostile. */
  async function serve(listener: RequestListener): Promise<RpcClient> {
    const started = createServer(listener);
    server = started;
    await new Promise<void>(resolve => started.listen(0, '127.0.0.1', resolve));
    return new RpcClient({ host: '127.0.0.1', port: (started.address() as AddressInfo).port, credentials });
  }

  const answer =
    (status: number, body: string): RequestListener =>
    (_, response) =>
      response.writeHead(status).end(body);

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

  it('gives up a node that is silent after the time it was told', async () => {
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
      response.writeHead(200);
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
