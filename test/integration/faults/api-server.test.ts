import { expect } from 'chai';
import { statefulSets } from '../../../src/controller/resource-types.ts';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ApiProxy, type Verdict } from '../../support/fakes/api-proxy.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { TcpProxy } from '../../support/fakes/tcp-proxy.ts';
import { eventually } from '../../support/until.ts';
import { holds, World } from './world.ts';

const nodes = 2;
const names = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index}`);

describe('a controller whose API server fails', function () {
  this.timeout(180_000);
  let world: World;
  let tcp: TcpProxy;
  /** Returns the path of a kubeconfig for the server behind `tcp`. */
  let tcpKubeconfig: string;
  let namespace: string;
  let controller: ControllerProcess;
  let count = 0;

  before(async () => {
    world = await World.start();
    const { controlPlane } = world;
    tcp = await TcpProxy.start(controlPlane.serverUrl);
    tcpKubeconfig = path.join(controlPlane.dir, 'tcp-proxy.kubeconfig');
    await writeFile(tcpKubeconfig, controlPlane.adminKubeconfig.replaceAll(controlPlane.serverUrl, tcp.url));
  });
  after(async () => {
    await tcp.stop();
    await world.stop();
  });
  beforeEach(async () => {
    namespace = `trouble-${(count += 1)}`;
    await world.createNamespace(namespace);
  });
  afterEach(() => controller.kill());

  async function start(kubeconfig: string, args: readonly string[] = []): Promise<void> {
    controller = await ControllerProcess.start({ kubeconfig, args: ['--namespace', namespace, ...args] });
    await controller.ready();
  }

  /** Each network is as its spec says, and each of its events was emitted once. */
  async function expectAllTold(all: readonly string[]): Promise<void> {
    for (const name of all) {
      await world.untilRight(namespace, name);
      await eventually(async () => holds(world.expectAllEvents(namespace, name, nodes, await world.uidOf(namespace, name))));
    }
    expect(await controller.stop()).to.equal(0);
    for (const name of all) await world.expectAllEvents(namespace, name, nodes, await world.uidOf(namespace, name));
  }

  it('completes a creation and emits each event once when the API server is killed meanwhile and restarted', async () => {
    await start(world.controlPlane.kubeconfigPath);
    const before = names(6, 'before');
    await Promise.all(before.map(name => world.createNetwork(namespace, name, nodes)));
    await eventually(async () => (await world.eventsOf(namespace, 'before-0')).size > 0);
    await world.controlPlane.restartApiServer('abruptly');
    const after = names(2, 'after');
    await Promise.all(after.map(name => world.createNetwork(namespace, name, nodes)));
    await expectAllTold([...before, ...after]);
  });

  /** Deletes networks, and waits until the garbage collector has deleted the objects that they owned. */
  async function remove(...gone: readonly string[]): Promise<void> {
    const { controlPlane } = world;
    await controlPlane.kubectl('delete', 'bitcoinnetworks', ...gone, '--namespace', namespace);
    const owned = ['statefulsets,services,pods', '--selector', `app in (${gone.join()})`, '--namespace', namespace];
    await controlPlane.kubectl('wait', '--for=delete', '--timeout=120s', ...owned);
  }

  it('relists and misses no change, deletions included, when its last version was compacted', async () => {
    const { controlPlane } = world;
    await start(controlPlane.kubeconfigPath);
    for (const name of ['stays', 'goes', 'changes']) await world.createNetwork(namespace, name, nodes);
    for (const name of ['stays', 'goes', 'changes']) await eventually(() => holds(world.expectAllEvents(namespace, name, nodes)));
    const gone = await world.uidOf(namespace, 'changes');
    controller.freeze();
    await remove('goes', 'changes');
    for (const name of ['changes', 'comes']) await world.createNetwork(namespace, name, nodes);
    await controlPlane.compact();
    await controlPlane.restartApiServer('abruptly');
    controller.thaw();
    await controller.logged(({ message }) => message === 'Watch expired, relisting');
    await expectAllTold(['stays', 'changes', 'comes']);
    await world.expectAllEvents(namespace, 'goes', nodes);
    await world.expectAllEvents(namespace, 'changes', nodes, gone);
    expect(await controlPlane.kubectl('get', 'all', '--selector=app=goes', '--output=name', '--namespace', namespace)).to.equal(
      '',
    );
  });

  /** Hides all networks from the controller's lists and watches from now on. Returns how often it asked for alice. */
  function hideNetworks(proxy: ApiProxy): () => number {
    let lookedAt = 0;
    proxy.onRequest = ({ method, path: target }) => {
      if (method === 'GET' && target.endsWith('/bitcoinnetworks/alice')) lookedAt += 1;
      return target.includes('/bitcoinnetworks?') ? { status: 500, reason: 'InternalError' } : 'pass';
    };
    proxy.cutWatches();
    return () => lookedAt;
  }

  it('recreates nothing for a deleted network whose objects it sees deleted first', async () => {
    const proxy = await ApiProxy.start(world.controlPlane);
    try {
      await start(proxy.kubeconfigPath);
      await world.createNetwork(namespace, 'alice', nodes);
      await eventually(() => holds(world.expectAllEvents(namespace, 'alice', nodes)));
      const written = proxy.writes.length;
      const lookedAt = hideNetworks(proxy);
      await remove('alice');
      await eventually(() => lookedAt() > 0);
      proxy.onRequest = () => 'pass';
      await world.createNetwork(namespace, 'bob', nodes);
      await expectAllTold(['bob']);
      // The API server refuses its status, because the network no longer exists.
      const writes = proxy.writes.slice(written).filter(write => write.includes('/alice') && !write.endsWith('/status'));
      expect(writes).to.deep.equal([]);
      await world.expectAllEvents(namespace, 'alice', nodes);
    } finally {
      await controller.kill();
      await proxy.stop();
    }
  });

  it('leaves orphaned objects unchanged when it sees them orphaned before it sees their network deleted', async () => {
    const proxy = await ApiProxy.start(world.controlPlane);
    try {
      await start(proxy.kubeconfigPath);
      await world.createNetwork(namespace, 'alice', nodes);
      await eventually(() => holds(world.expectAllEvents(namespace, 'alice', nodes)));
      const lookedAt = hideNetworks(proxy);
      const { controlPlane } = world;
      await controlPlane.kubectl('delete', 'bitcoinnetwork', 'alice', '--namespace', namespace, '--cascade=orphan');
      const owners = () =>
        controlPlane.kubectl(
          'get',
          'statefulsets',
          '--namespace',
          namespace,
          '--output=jsonpath={.items[*].metadata.ownerReferences}',
        );
      await eventually(async () => (await owners()) === '' && lookedAt() > 0);
      proxy.onRequest = () => 'pass';
      await world.createNetwork(namespace, 'bob', nodes);
      await expectAllTold(['bob']);
      const { items } = await world.client.list(statefulSets, { namespace });
      expect(items.map(({ metadata }) => [metadata?.name, metadata?.ownerReferences?.length ?? 0])).to.deep.equal([
        ['alice-sts', 0],
        ['bob-sts', 1],
      ]);
    } finally {
      await controller.kill();
      await proxy.stop();
    }
  });

  it('loses and duplicates no event when every connection is cut every second for a minute', async () => {
    await start(tcpKubeconfig);
    const all = names(12, 'cut');
    for (let second = 0; second < 60; second += 1) {
      const name = second % 5 === 0 ? all[second / 5] : undefined;
      if (name !== undefined) await world.createNetwork(namespace, name, nodes);
      await new Promise(resolve => setTimeout(resolve, 1_000));
      tcp.cut();
    }
    await expectAllTold(all);
  });

  it('continues over new connections when the open ones are half-open', async () => {
    await start(tcpKubeconfig, ['--watch-idle-seconds', '3']);
    await world.createNetwork(namespace, 'before', nodes);
    await world.untilRight(namespace, 'before');
    tcp.freeze();
    await world.createNetwork(namespace, 'after', nodes);
    await expectAllTold(['before', 'after']);
  });

  const storms: Readonly<Record<string, Verdict>> = {
    '429, with Retry-After': { status: 429, reason: 'TooManyRequests', headers: { 'retry-after': '1' } },
    '500': { status: 500, reason: 'InternalError' },
  };
  for (const [what, verdict] of Object.entries(storms))
    it(`recovers after a storm in which every request is answered with ${what}`, async () => {
      const proxy = await ApiProxy.start(world.controlPlane);
      try {
        await start(proxy.kubeconfigPath);
        const all = names(4, 'storm');
        await Promise.all(all.slice(0, 2).map(name => world.createNetwork(namespace, name, nodes)));
        await eventually(() => proxy.writes.length > 0);
        let refused = 0;
        proxy.onRequest = () => {
          refused += 1;
          return verdict;
        };
        proxy.cutWatches();
        await Promise.all(all.slice(2).map(name => world.createNetwork(namespace, name, nodes)));
        await eventually(() => refused >= 12);
        proxy.onRequest = () => 'pass';
        await expectAllTold(all);
      } finally {
        await controller.kill();
        await proxy.stop();
      }
    });
});
