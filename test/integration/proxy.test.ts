// A real API server behind a proxy that opens tunnels: by the kubeconfig or by the environment, over few connections, for watches too.
import { readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import type { KubeClient, ResourceType } from '../../src/kube/client.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { thrownBy } from '../support/fakes/fake-api-server.ts';
import { accountName, clientOf, tokenOf, whoAmI, writeAccess } from '../support/cluster/kube-access.ts';
import { eventually } from '../support/until.ts';

const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
/** A name that only the proxy can resolve. */
const host = 'kubernetes.default.svc';
const authorization = `Basic ${Buffer.from('user:pass word').toString('base64')}`;

/** Opens tunnels to the API server only, for authenticated clients. */
class TunnelProxy {
  readonly #server: http.Server;
  readonly #sockets = new Set<net.Socket>();
  /** The requested tunnels, in order. */
  readonly asked: string[] = [];

  private constructor(target: URL) {
    this.#server = http.createServer((_, response) => response.writeHead(405).end());
    this.#server.on('connect', (request, client: net.Socket) => {
      this.asked.push(request.url ?? '');
      if (request.headers['proxy-authorization'] !== authorization) {
        client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
        return;
      }
      const upstream = net.connect(Number(target.port), target.hostname, () => {
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        client.pipe(upstream).pipe(client);
      });
      for (const socket of [client, upstream])
        socket.on('error', () => undefined).on('close', () => [client, upstream].forEach(one => one.destroy()));
    });
    this.#server.on('connection', socket => this.#sockets.add(socket));
  }

  static async start(api: TestControlPlane): Promise<TunnelProxy> {
    const proxy = new TunnelProxy(new URL(api.serverUrl));
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  urlFor(credentials: string): string {
    return `http://${credentials}@127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }
}

/** SOCKS 5 (RFC 1928) without authentication: every connection leads to the API server. Returns the server; `hosts` gets what was asked for. */
function socksProxy(target: URL, hosts: string[]): net.Server {
  return net.createServer(client => {
    client.on('error', () => undefined);
    client.once('data', () => {
      client.write(Uint8Array.of(5, 0));
      client.once('data', request => {
        // Version, command, reserved, type of address 3: a name, with its length before it.
        hosts.push(request.subarray(5, 5 + (request[4] ?? 0)).toString());
        const upstream = net.connect(Number(target.port), target.hostname, () => {
          client.write(Uint8Array.of(5, 0, 0, 1, 0, 0, 0, 0, 0, 0));
          client.pipe(upstream).pipe(client);
        });
        upstream.on('error', () => client.destroy());
        client.on('close', () => upstream.destroy());
      });
    });
  });
}

describe('an API server behind a proxy', () => {
  let api: TestControlPlane;
  let proxy: TunnelProxy;
  let user: object;
  let server: string;
  let clients: KubeClient[] = [];

  before(async () => {
    api = await startControlPlane();
    user = { token: await tokenOf(api, 'alice') };
    await api.kubectl('create', 'clusterrolebinding', 'alice', '--clusterrole=cluster-admin', '--serviceaccount=default:alice');
    server = `https://${host}:${new URL(api.serverUrl).port}`;
  });
  beforeEach(async () => {
    proxy = await TunnelProxy.start(api);
  });
  afterEach(async () => {
    await Promise.all(clients.map(client => client.close()));
    clients = [];
    await proxy.stop();
  });
  after(() => api.stop());

  async function clientWith(cluster: object, environment: Record<string, string> = {}): Promise<KubeClient> {
    const client = clientOf(await writeAccess(api, { cluster: { server, ...cluster }, user }), environment);
    clients.push(client);
    return client;
  }

  it('is reached through proxy-url, with one tunnel for successive requests and one for a watch', async () => {
    const client = await clientWith({ 'proxy-url': proxy.urlFor('user:pass%20word') });
    for (let count = 0; count < 3; count += 1) expect(await whoAmI(client)).to.equal(accountName('alice'));
    expect(proxy.asked).to.deep.equal([server.slice('https://'.length)]);
    const watch = client.watch(namespaces, { resourceVersion: '0' });
    await watch.next();
    await whoAmI(client);
    await api.kubectl('create', 'namespace', 'seen');
    for await (const { object } of watch) if (object.metadata?.name === 'seen') break;
    expect(proxy.asked).to.have.length(2);
  });

  it('is reached through HTTPS_PROXY, unless it is on this machine', async () => {
    const environment = { HTTPS_PROXY: proxy.urlFor('user:pass%20word') };
    expect(await whoAmI(await clientWith({}, environment))).to.equal(accountName('alice'));
    const direct = await clientWith({ server: api.serverUrl }, environment);
    expect(await whoAmI(direct)).to.equal(accountName('alice'));
    expect(proxy.asked).to.have.length(1);
  });

  it('is reached through a SOCKS proxy, which resolves its name', async () => {
    const hosts: string[] = [];
    const socks = socksProxy(new URL(api.serverUrl), hosts);
    await new Promise<void>(resolve => socks.listen(0, '127.0.0.1', resolve));
    try {
      const client = await clientWith({ 'proxy-url': `socks5h://127.0.0.1:${(socks.address() as net.AddressInfo).port}` });
      for (let count = 0; count < 3; count += 1) expect(await whoAmI(client)).to.equal(accountName('alice'));
      expect(hosts).to.deep.equal([host]);
      await client.close();
    } finally {
      socks.close();
    }
  });

  it('is verified with the current CA of the kubeconfig, also in new tunnels', async () => {
    const bundle = path.join(api.dir, 'trusted.crt');
    const right = await readFile(path.join(api.dir, 'certificates', 'ca.crt'), 'utf8');
    const wrong = await readFile(path.join(api.dir, 'certificates', 'admin.crt'), 'utf8');
    await writeFile(bundle, wrong);
    const client = await clientWith({ 'proxy-url': proxy.urlFor('user:pass%20word'), 'certificate-authority': bundle });
    expect((await thrownBy(whoAmI(client))).message).to.match(/unable to|self-signed/);
    await writeFile(bundle, right);
    await eventually(async () => (await whoAmI(client).catch(() => '')) === accountName('alice'));
  });

  it('is not reached through a proxy that refuses, and the error does not show the password', async () => {
    const client = await clientWith({ 'proxy-url': proxy.urlFor('user:wrong-password') });
    const error = await thrownBy(client.list(namespaces, { maxTries: 1 }));
    expect(error.message).to.match(/^list namespaces: by proxy 127\.0\.0\.1:\d+: .*407/);
    expect(error.message).not.to.match(/wrong-password/);
  });
});
