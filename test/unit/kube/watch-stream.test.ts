import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'chai';
import type { KubeClient, WatchEvent } from '../../../src/kube/client.ts';
import { FakeApiServer, type Handler, fail, pods } from '../../support/fakes/fake-api-server.ts';
import { until } from '../../support/until.ts';

const line = (name: string): string => `${JSON.stringify({ type: 'ADDED', object: { metadata: { name } } })}\n`;

/** Answers a watch with these pieces, each in a packet of its own, and then does `finish`. */
const streaming =
  (
    pieces: readonly (string | Buffer)[],
    finish: (response: Parameters<Handler>[1]) => void = response => response.end(),
  ): Handler =>
  (_, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    const next = (index: number): void => {
      const piece = pieces[index];
      if (piece === undefined) finish(response);
      else response.write(piece, () => setImmediate(() => next(index + 1)));
    };
    next(0);
  };

describe('KubeClient.watch', () => {
  let server: FakeApiServer;
  let client: KubeClient;
  beforeEach(async () => {
    server = await FakeApiServer.start();
    client = server.client();
  });
  afterEach(() => server.stop());

  const namesOf = async (watch: AsyncIterable<WatchEvent<object>>): Promise<{ names: string[]; error?: Error }> => {
    const names: string[] = [];
    try {
      for await (const { object } of watch) names.push((object as { metadata: { name: string } }).metadata.name);
    } catch (error) {
      return { names, error: error as Error };
    }
    return { names };
  };

  it('yields each event once, wherever the network splits the stream: in a line, in a character, or not at all', async () => {
    const stream = Buffer.from(`${line('ä€😀')}\n${line('b')}${line('c')}`);
    for (const size of [1, 3, 7, 1_000]) {
      const pieces = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
        stream.subarray(index * size, (index + 1) * size),
      );
      server.queue.push(streaming(pieces));
      expect(await namesOf(client.watch(pods, {}))).to.deep.equal({ names: ['ä€😀', 'b', 'c'] });
    }
  });

  it('fails when the connection breaks, after the events before that', async () => {
    server.queue.push(streaming([line('a'), '{"type":'], response => response.destroy()));
    const { names, error } = await namesOf(client.watch(pods, {}));
    expect(names).to.deep.equal(['a']);
    expect(error?.message).to.equal('watch pods: aborted');
  });

  it('fails at a line that is not an event, without quoting it', async () => {
    for (const garbage of ['hunter2', '"hunter2"', '{"hunter2":1}', '{"type":"ADDED","object":"hunter2"}', 'null']) {
      server.queue.push(streaming([`${line('a')}${garbage}\n`]));
      const { names, error } = await namesOf(client.watch(pods, { namespace: 'n' }));
      expect(names).to.deep.equal(['a']);
      expect(error?.message).to.match(/^watch pods in n: a line that is not (JSON|a watch event)$/);
    }
  });

  it('does not take the page of a proxy, whole or truncated, for a watch that ended', async () => {
    server.handler = (_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<h1>hunter2</h1>');
    expect((await namesOf(client.watch(pods, {}))).error?.message).to.equal('watch pods: the answer (text/html) is not JSON');
    await until(() => server.sockets.size === 0);
    server.handler = streaming([`${line('a')}{"type":"hunter2`]);
    const { names, error } = await namesOf(client.watch(pods, {}));
    expect(names).to.deep.equal(['a']);
    expect(error?.message).to.equal('watch pods: a line that is not JSON');
  });

  it('yields the last event also if its line does not end', async () => {
    server.handler = streaming([line('a'), line('b').trimEnd()]);
    expect(await namesOf(client.watch(pods, {}))).to.deep.equal({ names: ['a', 'b'] });
  });

  it('names the call when the API server cannot be reached', async () => {
    await server.stop();
    const { error } = await namesOf(server.client().watch(pods, {}));
    expect(error?.message).to.match(/^watch pods: connect ECONNREFUSED/);
    server = await FakeApiServer.start();
  });

  it("fails with the API server's error if it refuses", async () => {
    server.handler = fail(410, 'Expired');
    expect((await namesOf(client.watch(pods, {}))).error).to.have.property('code', 410);
    expect(server.requests).to.have.length(1);
  });

  it('closes its connection when the loop is left or its signal aborts', async () => {
    server.handler = streaming([line('a'), line('b')], () => undefined);
    for await (const event of client.watch(pods, {})) if (event.type === 'ADDED') break;
    await until(() => server.sockets.size === 0);
    const stop = new AbortController();
    const reason = new Error('stop');
    const watching = namesOf(client.watch(pods, { signal: stop.signal }));
    await until(() => server.requests.length === 2);
    stop.abort(reason);
    expect((await watching).error).to.equal(reason);
    await until(() => server.sockets.size === 0);
  });

  it('fails when it receives no data for its idle limit, which every chunk restarts', async () => {
    const clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      let send: ((text: string) => void) | undefined;
      server.handler = streaming([line('a')], response => (send = text => response.write(text)));
      const names: string[] = [];
      const watching = (async () => {
        for await (const { object } of client.watch(pods, { idleTimeoutMs: 1_000 })) names.push(object.metadata?.name ?? '');
      })().catch((error: unknown) => error as Error);
      await until(() => names.length === 1 && send !== undefined);
      clock.tick(900);
      send?.(line('b'));
      await until(() => names.length === 2);
      clock.tick(999);
      expect(clock.countTimers()).to.equal(1);
      clock.tick(1);
      expect(await watching).to.have.property('message', 'watch pods: no answer within 1000 ms');
      expect(clock.countTimers()).to.equal(0);
    } finally {
      clock.uninstall();
    }
  });
});
