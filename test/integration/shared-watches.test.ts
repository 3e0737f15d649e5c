// Watches share HTTP/2 connections where the API server offers that, and work without.
import { expect } from 'chai';
import type { KubeClient, KubeObject, ResourceType, WatchEvent } from '../../src/kube/client.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { clientOf, writeAccess } from '../support/cluster/kube-access.ts';
import { TcpProxy } from '../support/fakes/tcp-proxy.ts';
import { eventually } from '../support/until.ts';

const configMaps: ResourceType = { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true };
const namespace = 'default';
/** The API server allows 100 streams on a connection. */
const count = 250;

describe('watches of one client', function () {
  this.timeout(120_000);
  let api: TestControlPlane;
  let proxy: TcpProxy;
  let client: KubeClient;
  let admin: KubeClient;
  before(async () => {
    api = await startControlPlane();
  });
  beforeEach(async () => {
    proxy = await TcpProxy.start(api.serverUrl);
    client = await clientThrough(proxy);
    admin = clientOf(api.kubeconfigPath);
  });
  afterEach(async () => {
    await client.close();
    await admin.close();
    await proxy.stop();
  });
  after(() => api.stop());

  async function clientThrough({ url }: TcpProxy): Promise<KubeClient> {
    const certificates = `${api.dir}/certificates`;
    const user = { 'client-certificate': `${certificates}/admin.crt`, 'client-key': `${certificates}/admin.key` };
    return clientOf(await writeAccess(api, { cluster: { server: url }, user }));
  }
  /** Follows the ConfigMap of this name from its creation on: notes each event in `seen`, and resolves when the watch has ended. */
  async function follow(name: string, seen: string[], idleTimeoutMs?: number): Promise<unknown> {
    try {
      const selection = { namespace, fieldSelector: `metadata.name=${name}`, sendInitialEvents: true, allowWatchBookmarks: true };
      const options = { ...selection, resourceVersionMatch: 'NotOlderThan' as const, idleTimeoutMs };
      for await (const event of client.watch(configMaps, options)) if (!isLaterBookmark(event)) seen.push(described(event));
      return 'ended';
    } catch (error) {
      return error;
    }
  }
  /** The API server sends one about every minute, beside the one that ends the initial events. */
  const isLaterBookmark = ({ type, object }: WatchEvent<KubeObject>): boolean =>
    type === 'BOOKMARK' && object.metadata?.annotations?.['k8s.io/initial-events-end'] !== 'true';
  const described = ({ type, object }: WatchEvent<{ metadata?: { name?: string } }>): string =>
    type === 'BOOKMARK' ? type : `${type} ${object.metadata?.name ?? ''}`;

  async function startAll(prefix: string): Promise<{ seen: string[][]; ends: Promise<unknown>[] }> {
    const seen = Array.from({ length: count }, (): string[] => []);
    const ends = seen.map((each, index) => follow(`${prefix}-${index}`, each));
    await eventually(() => seen.every(each => each.length > 0));
    return { seen, ends };
  }

  it('share three connections, and each receives its events and no other', async () => {
    const { seen, ends } = await startAll('shared');
    expect(proxy.connections).to.equal(3);
    await Promise.all(seen.map((_, index) => admin.create(configMaps, { metadata: { namespace, name: `shared-${index}` } })));
    await eventually(() => seen.every(each => each.length > 1));
    expect(seen).to.deep.equal(seen.map((_, index) => ['BOOKMARK', `ADDED shared-${index}`]));
    await client.close();
    expect((await Promise.all(ends)).map(String)).to.deep.equal(
      ends.map(() => `Error: watch configmaps in default: the Kubernetes client is closed`),
    );
    await eventually(() => proxy.connections === 0);
  });

  it('all fail when their connection breaks, and the next ones use a new connection', async () => {
    const seen: string[][] = [[], []];
    const ends = seen.map((each, index) => follow(`broken-${index}`, each));
    await eventually(() => seen.every(each => each.length > 0));
    proxy.cut();
    for (const end of await Promise.all(ends)) expect(String(end)).to.match(/^Error: watch configmaps in default: /);
    const again: string[] = [];
    void follow('broken-again', again);
    await eventually(() => again.length > 0);
    expect(proxy.connections).to.equal(1);
  });

  it('leave a half-open connection together when one of them has been silent for its limit', async () => {
    const seen: string[][] = [[], []];
    const ends = [follow('frozen-0', seen[0]!, 500), follow('frozen-1', seen[1]!)];
    await eventually(() => seen.every(each => each.length > 0));
    proxy.freeze();
    const [idle, other] = (await Promise.all(ends)).map(String);
    expect(idle).to.match(/no answer within 500 ms/);
    expect(other).to.match(/the connection was closed/);
    const again: string[] = [];
    void follow('frozen-again', again);
    await eventually(() => again.length > 0);
  });

  it('closes its stream, and not the connection, when a loop is left or a signal aborts', async () => {
    const kept: string[] = [];
    void follow('kept', kept);
    await eventually(() => kept.length > 0);
    const stop = new AbortController();
    const aborted = (async () => {
      for await (const event of client.watch(configMaps, { namespace, signal: stop.signal })) described(event);
    })().catch((error: unknown) => error);
    await admin.create(configMaps, { metadata: { namespace, name: 'left' } });
    for await (const event of client.watch(configMaps, { namespace, resourceVersion: '0' }))
      if (described(event) === 'ADDED left') break;
    stop.abort(new Error('enough'));
    expect(await aborted).to.have.property('message', 'enough');
    await admin.create(configMaps, { metadata: { namespace, name: 'kept' } });
    await eventually(() => kept.includes('ADDED kept'));
    expect(proxy.connections).to.equal(1);
  });

  it('fail with the answer of an API server that refuses', async () => {
    const watch = client.watch({ ...configMaps, plural: 'nothing' }, {});
    const error = await watch.next().catch((each: unknown) => each);
    expect(error).to.include({ code: 404, reason: 'NotFound' });
  });

  it('use a connection each where the API server offers HTTP/1.1 only', async () => {
    await api.stopApiServer();
    await api.startApiServer(['--disable-http2-serving=true']);
    const seen: string[][] = [[], [], []];
    for (const [index, each] of seen.entries()) void follow(`plain-${index}`, each);
    await eventually(() => seen.every(each => each.length > 0));
    expect(proxy.connections).to.equal(3);
    await admin.create(configMaps, { metadata: { namespace, name: 'plain-1' } });
    await eventually(() => seen[1]!.includes('ADDED plain-1'));
  });
});
