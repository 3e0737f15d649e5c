import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import type { BitcoinNetwork } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { NetworkController } from '../../../src/controller/network-controller.ts';
import type { AskNode } from '../../../src/controller/nodes/node-monitor.ts';
import { FakeRecorder } from '../../../src/record/core/fake-recorder.ts';
import { network, pod } from '../../support/builders.ts';
import { fakeCaches } from '../../support/fakes/fake-cache.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

/** The two loops together: the caches follow the cluster at once, and nodes answer as the test says. */
describe('NetworkController', () => {
  let clock: Clock;
  let stop: AbortController;
  let running: Promise<void>;
  let cluster: FakeCluster;
  let caches: ReturnType<typeof fakeCaches>;
  let recorder: FakeRecorder;
  let ask: AskNode;

  beforeEach(() => {
    clock = FakeTimers.install({ now: Date.UTC(2026, 0, 1), toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    [cluster, caches, recorder, stop] = [new FakeCluster(), fakeCaches(), new FakeRecorder(), new AbortController()];
    ask = ({ node }) => Promise.resolve({ node, isComplete: true });
    cluster.onStored = (plural, object, old) => {
      const change = old === undefined ? ({ type: 'added', object } as const) : ({ type: 'updated', object, old } as const);
      if (plural === 'services') caches.services.emit(change);
      if (plural === 'statefulsets') caches.statefulSets.emit(change);
      if (plural === 'bitcoinnetworks') caches.networks.emit(change);
    };
    const controller = new NetworkController({
      ...{ name: 'test', client: cluster, caches, recorder, recheckMs: 120_000, concurrency: 1, logger: new RecordingLogger() },
      pods: { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' },
      ask: (...given) => ask(...given),
    });
    running = controller.run(stop.signal);
  });

  afterEach(async () => {
    stop.abort(new Error('the test is over'));
    await clock.tickAsync(0);
    await running;
    expect(clock.countTimers()).to.equal(0);
    clock.uninstall();
  });

  const stored = (name: string) => cluster.object('bitcoinnetworks', `default/${name}`) as BitcoinNetwork;
  const replicas = (name: string) =>
    (cluster.object('statefulsets', `default/${name}-sts`) as { spec?: { replicas?: number } } | undefined)?.spec?.replicas;
  const condition = (name: string, type: string) => {
    const found = stored(name).status?.conditions?.find(each => each.type === type);
    return `${found?.status} ${found?.reason}`;
  };
  const statusWrites = () => cluster.writes.filter(write => write.startsWith('patch bitcoinnetworks'));

  /** A network whose pods run and are ready. */
  async function start(name: string, nodes: number): Promise<void> {
    cluster.put('bitcoinnetworks', network({ nodes }, { name, uid: `uid-${name}` }));
    await clock.tickAsync(100);
    for (let ordinal = 0; ordinal < nodes; ordinal += 1) addPod(name, ordinal);
    await clock.tickAsync(5_000);
  }

  function addPod(name: string, ordinal: number): void {
    const made = pod(`${name}-sts-${ordinal}`, { ip: `10.0.${name.length}.${ordinal}` });
    const uid = cluster.object('statefulsets', `default/${name}-sts`)?.metadata?.uid ?? '';
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: `${name}-sts`, uid, controller: true }];
    caches.pods.emit({ type: 'added', object: { ...made, metadata: { ...made.metadata, ownerReferences } } });
  }

  async function scale(name: string, nodes: number): Promise<void> {
    const { metadata, spec, ...rest } = stored(name);
    const { namespace, uid, generation = 0 } = metadata;
    cluster.put('bitcoinnetworks', {
      ...rest,
      metadata: { name, namespace, uid, generation: generation + 1 },
      spec: { ...spec, nodes },
    });
    await clock.tickAsync(1);
  }

  it('brings a network up, and reports the last ready node and the connected peers in one status', async () => {
    await start('alice', 2);
    expect([condition('alice', 'Ready'), condition('alice', 'Connected')]).to.deep.equal([
      'True AllNodesReady',
      'True PeersConnected',
    ]);
    expect(statusWrites()).to.have.length(2);
    expect(recorder.events.map(event => event.split(' ')[1])).to.deep.equal([
      ...['ServiceCreated', 'StatefulSetCreated', 'DefaultCredentials', 'NodeReady', 'PeersConnected'],
    ]);
  });

  it('makes no request for a stable network, however often it asks the nodes', async () => {
    await start('alice', 2);
    let asks = 0;
    ask = ({ node }) => {
      asks += 1;
      return Promise.resolve({ node, isComplete: true });
    };
    cluster.calls.length = 0;
    await clock.tickAsync(600_000);
    expect(cluster.calls).to.deep.equal([]);
    expect(asks).to.be.within(8, 12);
  });

  describe('when a node hangs', () => {
    beforeEach(async () => {
      await start('alice', 2);
      await start('bob', 2);
      ask = ({ node }, signal) =>
        node.name === 'alice-sts-1'
          ? new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
          : Promise.resolve({ node, isComplete: true });
      await clock.tickAsync(140_000);
    });

    it('scales its network and any other one without delay', async () => {
      await scale('alice', 3);
      expect(replicas('alice')).to.equal(3);
      await scale('bob', 4);
      expect(replicas('bob')).to.equal(4);
    });

    it('connects the other nodes, and reports after a second that this one is not connected', async () => {
      await scale('alice', 3);
      addPod('alice', 2);
      await clock.tickAsync(1_100);
      expect(condition('alice', 'Connected')).to.equal('False ConnectingPeers');
      expect(stored('alice').status?.readyNodes).to.equal(3);
    });
  });

  it('notices within four seconds that a foreign object of its name has gone, however long it was there', async () => {
    const owner = { apiVersion: 'v1', kind: 'Other', name: 'other', uid: 'other', controller: true };
    cluster.put('services', { metadata: { namespace: 'default', name: 'alice-svc', ownerReferences: [owner] } });
    await start('alice', 0);
    await clock.tickAsync(600_000);
    expect(condition('alice', 'Ready')).to.equal('False NameTaken');
    cluster.remove('services', 'default/alice-svc');
    caches.services.remove('default/alice-svc');
    await clock.tickAsync(4_000);
    expect(condition('alice', 'Ready')).to.equal('True AllNodesReady');
  });

  it('records the cause of a failed reconcile', async () => {
    cluster.fail('create', 500, 'services');
    await start('alice', 0);
    expect(recorder.events.find(event => event.includes('ReconcileFailed'))).to.include('create services');
  });

  it('creates a child again that was deleted, although it wrote it a moment ago', async () => {
    await start('alice', 0);
    const object = caches.services.get('default/alice-svc')!;
    cluster.remove('services', 'default/alice-svc');
    caches.services.emit({ type: 'deleted', object });
    await clock.tickAsync(10);
    expect(cluster.writes.filter(write => write === 'create services default/alice-svc')).to.have.length(2);
  });
});
