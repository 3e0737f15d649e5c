// Which servers the client trusts: names and authorities, also when they change, with a real API server behind a TLS proxy of the test.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect } from 'chai';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient, type ResourceType } from '../../src/kube/client.ts';
import { CertificateAuthority } from '../../tools/kubernetes/certificates.ts';
import { providePrograms } from '../../tools/programs.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { thrownBy } from '../support/fakes/fake-api-server.ts';
import { accountName, clientOf, tokenOf, whoAmI, writeAccess } from '../support/cluster/kube-access.ts';
import { RecordingLogger } from '../support/fakes/recording-logger.ts';
import { eventually } from '../support/until.ts';

const name = 'api.example.test';
const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };

/** Terminates TLS with a certificate for `name` and forwards each request. */
class TlsEnd {
  readonly #server: https.Server;

  private constructor(server: https.Server) {
    this.#server = server;
  }

  static async start(api: TestControlPlane): Promise<TlsEnd> {
    const ca = await readFile(path.join(api.dir, 'certificates', 'ca.crt'));
    const agent = new https.Agent({ ca });
    const server = https.createServer((incoming, response) => {
      const { method, headers, url } = incoming;
      const outgoing = https.request(new URL(url ?? '/', api.serverUrl), { method, headers, agent }, answer => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      outgoing.on('error', () => response.destroy());
      response.on('close', () => outgoing.destroy());
      incoming.pipe(outgoing);
    });
    server.on('close', () => agent.destroy());
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return new TlsEnd(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  /** Presents another certificate from now on, also to clients that are connected. */
  async show(authority: CertificateAuthority, alternativeNames: readonly string[]): Promise<void> {
    const files = await authority.issue('front', { commonName: 'front', alternativeNames });
    this.#server.setSecureContext({ cert: await readFile(files.certificate), key: await readFile(files.key) });
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}

describe('TLS to the API server', () => {
  let api: TestControlPlane;
  let end: TlsEnd;
  let authorities: { old: CertificateAuthority; new: CertificateAuthority };
  let token: string;
  let clients: KubeClient[] = [];

  before(async () => {
    api = await startControlPlane();
    token = await tokenOf(api, 'alice');
    end = await TlsEnd.start(api);
    const { openssl } = await providePrograms(['openssl']);
    const authority = (folder: string) => CertificateAuthority.create(openssl, path.join(api.dir, folder));
    authorities = { old: await authority('old'), new: await authority('new') };
  });
  beforeEach(() => end.show(authorities.old, [`DNS:${name}`]));
  afterEach(async () => {
    await Promise.all(clients.map(client => client.close()));
    clients = [];
  });
  after(async () => {
    await end.stop();
    await api.stop();
  });

  async function clientWith(cluster: object): Promise<KubeClient> {
    const trust = { server: end.url, 'certificate-authority': authorities.old.certificate };
    const client = clientOf(await writeAccess(api, { cluster: { ...trust, ...cluster }, user: { token } }));
    clients.push(client);
    return client;
  }

  it('refuses a server whose certificate is for another name, and sends it no token', async () => {
    expect((await thrownBy(whoAmI(await clientWith({})))).message).to.match(/does not match certificate's altnames/);
  });

  it('verifies the name of tls-server-name instead', async () => {
    expect(await whoAmI(await clientWith({ 'tls-server-name': name }))).to.equal(accountName('alice'));
    const other = await clientWith({ 'tls-server-name': 'other.example.test' });
    expect((await thrownBy(whoAmI(other))).message).to.match(/does not match certificate's altnames/);
  });

  it('refuses a server with an unknown CA, unless insecure-skip-tls-verify is set', async () => {
    const unknown = { 'tls-server-name': name, 'certificate-authority': authorities.new.certificate };
    expect((await thrownBy(whoAmI(await clientWith(unknown)))).message).to.match(/unable to verify|self-signed/);
    const careless = { 'insecure-skip-tls-verify': true, 'certificate-authority': undefined };
    expect(await whoAmI(await clientWith(careless))).to.equal(accountName('alice'));
  });

  it("follows a pod's ca.crt to another CA and its token to another account, without ending a watch", async () => {
    await end.show(authorities.old, ['IP:127.0.0.1']);
    const folder = path.join(api.dir, 'pod');
    const account = path.join(folder, 'var/run/secrets/kubernetes.io/serviceaccount');
    await mkdir(account, { recursive: true });
    const mount = async (trusted: readonly CertificateAuthority[], who: string): Promise<void> => {
      const pems = await Promise.all(trusted.map(({ certificate }) => readFile(certificate, 'utf8')));
      await writeFile(path.join(account, 'ca.crt'), pems.join(''));
      await writeFile(path.join(account, 'token'), await tokenOf(api, who));
    };
    await mount([authorities.old], 'alice');
    await api.kubectl('create', 'clusterrolebinding', 'alice', '--clusterrole=cluster-admin', '--serviceaccount=default:alice');
    const client = inCluster(folder, end.port);
    clients.push(client);
    expect(await whoAmI(client)).to.equal(accountName('alice'));
    const watch = client.watch(namespaces, { resourceVersion: '0' });
    await watch.next();

    // As a cluster rotates its CA: first both are trusted, then the server gets its new certificate, then the old CA is removed.
    await mount([authorities.old, authorities.new], 'bob');
    await eventually(async () => (await whoAmI(client)) === accountName('bob'));
    await api.kubectl('create', 'namespace', 'made-meanwhile');
    for await (const { object } of watch) if (object.metadata?.name === 'made-meanwhile') break;
    await end.show(authorities.new, ['IP:127.0.0.1']);
    expect(await whoAmI(client)).to.equal(accountName('bob'));
    await mount([authorities.new], 'carol');
    await eventually(async () => (await whoAmI(client)) === accountName('carol'));
    await end.show(authorities.old, ['IP:127.0.0.1']);
    expect((await thrownBy(whoAmI(client))).message).to.match(/unable to verify|self-signed/);
  });

  it('is not required for a proxy on this machine, such as kubectl proxy', async () => {
    const { kubectl } = await providePrograms(['kubectl']);
    const proxy = spawn(kubectl, [`--kubeconfig=${api.kubeconfigPath}`, 'proxy', '--port=0'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    try {
      const [said] = (await once(proxy.stdout.setEncoding('utf8'), 'data')) as [string];
      const server = `http://${/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? ''}`;
      const client = clientOf(await writeAccess(api, { cluster: { server, 'certificate-authority': undefined } }));
      clients.push(client);
      expect(await whoAmI(client)).to.equal('admin');
    } finally {
      proxy.kill();
    }
  });
});

/** A client as in a pod whose mounts are below `folder`. */
function inCluster(folder: string, port: number): KubeClient {
  const kubeConfig = new KubeConfig();
  Object.assign(process.env, { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) });
  kubeConfig.loadFromCluster(folder);
  delete process.env['KUBERNETES_SERVICE_HOST'];
  delete process.env['KUBERNETES_SERVICE_PORT'];
  return new KubeClient({ kubeConfig, logger: new RecordingLogger() });
}
