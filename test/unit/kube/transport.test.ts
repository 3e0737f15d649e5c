import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import dns from 'node:dns';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { KubeClient } from '../../../src/kube/client.ts';
import { FakeApiServer, kubeConfigFor, pods, thrownBy } from '../../support/fakes/fake-api-server.ts';
import { until } from '../../support/until.ts';

const at = { namespace: 'default', name: 'x' };

/** A proxy that a test makes answer, or not. */
class FakeProxy {
  readonly #server = http.createServer();
  readonly sockets = new Set<Duplex>();
  /** What tunnels were asked for, and the connections on which. */
  readonly asked: { readonly target: string; readonly client: Duplex }[] = [];

  static async start(): Promise<FakeProxy> {
    const proxy = new FakeProxy();
    proxy.#server.on('connect', (request: http.IncomingMessage, client: Duplex) => {
      proxy.sockets.add(client);
      client.on('close', () => proxy.sockets.delete(client)).on('error', () => undefined);
      // Who does not read hears of no end.
      client.on('end', () => client.destroy()).resume();
      proxy.asked.push({ target: request.url ?? '', client });
    });
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Leads every tunnel that was asked for to this server. */
  connect(server: string): void {
    for (const { client } of this.asked) {
      const upstream = net.connect(Number(new URL(server).port), '127.0.0.1', () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
      client.on('close', () => upstream.destroy());
    }
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }
}

describe('a connection through a proxy', () => {
  let server: FakeApiServer;
  let proxy: FakeProxy;
  beforeEach(async () => {
    server = await FakeApiServer.start();
    proxy = await FakeProxy.start();
  });
  afterEach(async () => {
    await server.stop();
    await proxy.stop();
  });

  function clientFor(url = server.url): KubeClient {
    const kubeConfig = new KubeConfig();
    const cluster = { name: 'fake', server: url, skipTLSVerify: true, proxyUrl: proxy.url };
    kubeConfig.loadFromClusterAndUser(cluster, { name: 'user' });
    return server.client({ kubeConfig });
  }

  it('is kept alive for later requests', async () => {
    const client = clientFor();
    const first = client.get(pods, at);
    await until(() => proxy.asked.length === 1);
    proxy.connect(server.url);
    await first;
    await client.get(pods, at);
    expect(proxy.asked).to.have.length(1);
    expect(proxy.asked[0]?.target).to.equal(new URL(server.url).host);
  });

  for (const url of ['http://127.0.0.1:1', 'https://127.0.0.1:1'])
    it(`is closed at once while the proxy does not answer, when the signal aborts, at the time limit, or when the client is closed (${new URL(url).protocol})`, async () => {
      const client = clientFor(url);
      const stop = new AbortController();
      const reason = new Error('stop');
      const stopped = thrownBy(client.get(pods, at, { signal: stop.signal }));
      await until(() => proxy.sockets.size === 1);
      stop.abort(reason);
      expect(await stopped).to.equal(reason);
      expect(reason.message).to.equal('stop');
      await until(() => proxy.sockets.size === 0);

      const late = await thrownBy(client.get(pods, at, { timeoutMs: 20 }));
      expect(late.message).to.equal('get pods default/x: no answer within 20 ms');
      await until(() => proxy.sockets.size === 0);

      const closed = thrownBy(client.get(pods, at));
      await until(() => proxy.sockets.size === 1);
      await client.close();
      expect((await closed).message).to.equal('get pods default/x: the Kubernetes client is closed');
      await until(() => proxy.sockets.size === 0);
    });

  it('is requested with brackets around an IPv6 address', async () => {
    const client = clientFor('https://[fd00::1]:6443');
    const call = thrownBy(client.get(pods, at, { timeoutMs: 1_000 }));
    await until(() => proxy.asked.length === 1);
    expect(proxy.asked[0]?.target).to.equal('[fd00::1]:6443');
    await client.close();
    await call;
  });

  it('does not carry a write that the write guard refuses once the tunnel is established', async () => {
    let isLeading = true;
    const guarded = clientFor().withWriteGuard(() => {
      if (!isLeading) throw new Error('not the leader');
    });
    const write = thrownBy(guarded.create(pods, { metadata: at }));
    await until(() => proxy.asked.length === 1);
    isLeading = false;
    proxy.connect(server.url);
    expect((await write).message).to.equal('not the leader');
    expect(server.requests).to.deep.equal([]);
  });
});

describe('a connection through a SOCKS proxy', () => {
  it("lets the proxy resolve the API server's name", async () => {
    const server = await FakeApiServer.start();
    const asked: Buffer[] = [];
    const proxy = net.createServer(client => {
      client.once('data', () => {
        client.write(Uint8Array.of(5, 0));
        client.once('data', request => {
          asked.push(request);
          client.destroy();
        });
      });
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const kubeConfig = new KubeConfig();
      const proxyUrl = `socks5://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      const cluster = { name: 'fake', server: 'https://api.invalid:6443', skipTLSVerify: true, proxyUrl };
      kubeConfig.loadFromClusterAndUser(cluster, { name: 'user' });
      await thrownBy(server.client({ kubeConfig }).get(pods, at, { maxTries: 1 }));
      // After version, command and a reserved byte: a name (3) of 11 letters.
      expect(asked[0]?.subarray(3, 16).toString('latin1')).to.equal('\x03\x0bapi.invalid');
    } finally {
      await server.stop();
      proxy.close();
    }
  });
});

describe('a host with several addresses', () => {
  it('fails with the error of each address', async () => {
    const server = await FakeApiServer.start();
    const { port } = new URL(server.url);
    await server.stop();
    const client = server.client({ kubeConfig: kubeConfigFor(`http://api.invalid:${port}`) });
    const { lookup } = dns;
    const addresses = ['127.0.0.1', '127.0.0.2'].map(address => ({ address, family: 4 }));
    const both = (_: string, __: object, callback: (error: null, found: object) => void): void => callback(null, addresses);
    Object.assign(dns, { lookup: both });
    try {
      expect((await thrownBy(client.get(pods, at, { maxTries: 1 }))).message).to.equal(
        `get pods default/x: connect ECONNREFUSED 127.0.0.1:${port}, connect ECONNREFUSED 127.0.0.2:${port}`,
      );
    } finally {
      Object.assign(dns, { lookup });
      await client.close();
    }
  });
});

describe('a write', () => {
  it('is not sent when the write guard refuses it while its connection is being established', async () => {
    const server = await FakeApiServer.start();
    let isLeading = true;
    // The moment at which a process may be frozen: the connection is being established.
    const onSocket = (): void => void (isLeading = false);
    subscribe('net.client.socket', onSocket);
    try {
      const guarded = server.client().withWriteGuard(() => {
        if (!isLeading) throw new Error('not the leader');
      });
      expect((await thrownBy(guarded.create(pods, { metadata: at }))).message).to.equal('not the leader');
      expect(server.requests).to.deep.equal([]);
    } finally {
      unsubscribe('net.client.socket', onSocket);
      await server.stop();
    }
  });
});
