import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { answer, FakeApiServer, type Handler, pods, silence, thrownBy } from '../../support/fakes/fake-api-server.ts';
import { until } from '../../support/until.ts';

const at = { namespace: 'default', name: 'x' };

describe('a half-open connection', () => {
  let server: FakeApiServer;
  beforeEach(async () => {
    server = await FakeApiServer.start();
  });
  afterEach(() => server.stop());

  it('costs a request one attempt, which is retried over a new connection', async () => {
    const client = server.client({ silenceTimeoutMs: 250 });
    server.queue.push(silence);
    await client.get(pods, at);
    expect(server.requests).to.have.length(2);
    expect(server.connections).to.equal(2);
  });

  it('is closed after the time limit of a call too, together with the idle ones', async () => {
    const client = server.client();
    const open: ServerResponse[] = [];
    const hold: Handler = (_, response) => void open.push(response);
    server.queue.push(hold, hold, hold, silence);
    const calls = [1, 2, 3].map(() => client.get(pods, at));
    await until(() => open.length === 3);
    for (const response of open) answer(response, 200, {});
    await Promise.all(calls);
    await thrownBy(client.get(pods, at, { timeoutMs: 20 }));
    await until(() => server.sockets.size === 0);
    await client.get(pods, at);
    expect(server.connections).to.equal(4);
  });

  it('is closed together with the idle ones when it carries a watch', async () => {
    const client = server.client();
    await client.get(pods, at);
    const open: ServerResponse[] = [];
    const hold: Handler = (_, response) => void open.push(response);
    server.queue.push((_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' }).flushHeaders();
    }, hold);
    const watched = thrownBy(client.watch(pods, { idleTimeoutMs: 1_000 }).next());
    await until(() => server.requests.length === 2);
    const get = client.get(pods, at);
    await until(() => open.length === 1);
    for (const response of open) answer(response, 200, {});
    await get;
    expect((await watched).message).to.match(/no answer within 1000 ms/);
    await until(() => server.sockets.size === 0);
  });

  it('does not cause a retry of a non-idempotent request', async () => {
    const client = server.client({ silenceTimeoutMs: 250 });
    server.queue.push(silence);
    const error = await thrownBy(client.create(pods, { metadata: at }));
    expect(error.message).to.equal('create pods default/x: no answer within 250 ms');
    expect(server.requests).to.have.length(1);
  });

  it('is not confused with a slow response that has started', async () => {
    const client = server.client({ silenceTimeoutMs: 250 });
    let started: ServerResponse | undefined;
    server.queue.push((_, response) => {
      started = response.writeHead(200, { 'Content-Type': 'application/json' });
      response.write('{');
      // Longer than the limit, which does not hold any more.
      setTimeout(() => response.end('}'), 600);
    });
    await client.get(pods, at);
    expect(started?.writableFinished).to.equal(true);
    expect(server.requests).to.have.length(1);
  });
});
