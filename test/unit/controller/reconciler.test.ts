import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import type { V1Container, V1Pod, V1Secret, V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { credentialsAnnotation, lastEventAnnotation, pausedAnnotation } from '../../../src/bitcoin/api/names.ts';
import type { Credentials } from '../../../src/bitcoin/rpc/rpc-client.ts';
import { BitcoinTransportError } from '../../../src/bitcoin/rpc/rpc-errors.ts';
import type { Node } from '../../../src/bitcoin/topology/peer-plan.ts';
import type { PeerPlan } from '../../../src/controller/nodes/node-target.ts';
import type { ReadableCaches } from '../../../src/controller/caches.ts';
import type { NodeObservation } from '../../../src/controller/nodes/node-monitor.ts';
import { LostStatus } from '../../../src/controller/status/lost-status.ts';
import type { Diagnosis } from '../../../src/controller/diagnosis/pod-diagnosis.ts';
import { Reconciler } from '../../../src/controller/reconciler.ts';
import type { Request } from '../../../src/runtime/controller.ts';
import type { KubeObject } from '../../../src/kube/resource.ts';
import { FakeRecorder } from '../../../src/record/core/fake-recorder.ts';
import { network, node, pod } from '../../support/builders.ts';
import { type FakeCache, fakeCaches } from '../../support/fakes/fake-cache.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';

const recheckMs = 120_000;
const { signal } = new AbortController();

/** Reports what the test wants, and remembers what it was asked. */
class FakeMonitor {
  observation: NodeObservation = { reports: [], reorgs: [], settlesInMs: 0 };
  plans: PeerPlan[] = [];
  observed: { readonly nodes: readonly Node[]; readonly credentials: Credentials | undefined }[] = [];
  forgotten: string[] = [];
  asked: string[] = [];

  observe(_: BitcoinNetwork, nodes: readonly Node[], credentials: Credentials | undefined, plan: PeerPlan): NodeObservation {
    this.observed.push({ nodes, credentials });
    this.plans.push(plan);
    return this.observation;
  }

  forget(key: string): void {
    this.forgotten.push(key);
  }

  reportsOf(): NodeObservation['reports'] {
    return this.observation.reports;
  }

  askNow(_: string, names: readonly string[]): void {
    this.asked.push(...names);
  }
}

/** Finds what the test wants. */
class FakeDiagnosis {
  diagnosis: Diagnosis = { problems: [], lookAgainMs: undefined };
  forgotten: string[] = [];

  diagnose(): Promise<Diagnosis> {
    return Promise.resolve(this.diagnosis);
  }

  forget(key: string): void {
    this.forgotten.push(key);
  }
}

describe('Reconciler', () => {
  let clock: Clock;
  let cluster: FakeCluster;
  let caches: ReturnType<typeof fakeCaches>;
  let monitor: FakeMonitor;
  let diagnosis: FakeDiagnosis;
  let recorder: FakeRecorder;
  let reconciler: Reconciler;
  /** The heights of the network that its block producer was given. */
  const produced: number[] = [];

  beforeEach(() => {
    clock = FakeTimers.install({ now: Date.UTC(2026, 0, 1), toFake: ['Date'] });
    [cluster, caches, monitor, diagnosis] = [new FakeCluster(), fakeCaches(), new FakeMonitor(), new FakeDiagnosis()];
    startProcess();
  });
  afterEach(() => clock.uninstall());

  /** A controller that remembers nothing, as after a restart. */
  function startProcess(read: ReadableCaches = caches): void {
    recorder = new FakeRecorder();
    const pods = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };
    const lost = new LostStatus(new RecordingLogger());
    reconciler = new Reconciler({
      client: cluster,
      caches: read,
      recorder,
      monitor,
      blocks: {
        observe: of => void produced.push(of.status?.chain?.height ?? 0),
        forget: () => undefined,
      },
      wallets: { observe: () => undefined, forget: () => undefined },
      copier: { isHeld: () => false, observe: () => undefined, forget: () => undefined },
      diagnosis,
      lost,
      pods,
      controllerPods: [],
      recheckMs,
      mayExpandVolumes: false,
    });
  }

  /** Stores the network in the cluster and in the cache. */
  function put(object: BitcoinNetwork): void {
    caches.networks.put(cluster.put('bitcoinnetworks', object));
  }

  /** Updates the caches as the informers do. */
  function sync(): void {
    for (const [plural, cache] of [
      ['bitcoinnetworks', caches.networks],
      ['configmaps', caches.configMaps],
      ['services', caches.services],
      ['networkpolicies', caches.networkPolicies],
      ['poddisruptionbudgets', caches.podDisruptionBudgets],
      ['statefulsets', caches.statefulSets],
    ] as const)
      for (const object of cluster.all(plural)) (cache as FakeCache<KubeObject>).put(object);
  }

  function reconcile(key = 'default/alice') {
    // Events are named by their millisecond.
    clock.tick(1);
    return reconciler.reconcile(key, signal);
  }
  const errorOf = () =>
    reconcile().then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
  const status = () => (cluster.object('bitcoinnetworks', 'default/alice') as BitcoinNetwork).status;
  const condition = (type: string) => {
    const found = status()?.conditions?.find(each => each.type === type);
    return `${found?.status} ${found?.reason}`;
  };
  /** The reasons of the recorded events, in order. */
  const reasons = () => recorder.events.map(event => event.split(' ')[1]);

  /** A network whose objects and status are up to date. */
  async function settled(spec: Parameters<typeof network>[0] = { nodes: 0 }): Promise<void> {
    put(network(spec));
    await reconcile();
    sync();
    [cluster.calls.length, monitor.observed.length, monitor.forgotten.length] = [0, 0, 0];
    startProcess();
    await reconcile();
    cluster.calls.length = 0;
  }

  /** A pod of the StatefulSet that there is. */
  function ownPod(name: string): V1Pod {
    const made = pod(name);
    const { uid = '' } = cluster.object('statefulsets', 'default/alice-sts')?.metadata ?? {};
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'alice-sts', uid, controller: true }];
    return { ...made, metadata: { ...made.metadata, ownerReferences } };
  }

  function putSecret(user = 'me'): void {
    const data = { BC_RPC_USER: Buffer.from(user).toString('base64'), BC_RPC_PASSWORD: Buffer.from('secret').toString('base64') };
    cluster.put<V1Secret>('secrets', { metadata: { namespace: 'default', name: 's', uid: 'uid-s' }, data });
  }

  describe('of a new network', () => {
    it('creates the Service, reads the Secret, creates the StatefulSet and writes the status, in this order', async () => {
      putSecret();
      put(network({ secret: 's' }));
      await reconcile();
      expect(cluster.calls.map(({ verb, key }) => `${verb} ${key}`)).to.deep.equal([
        'create services default/alice-svc',
        'get secrets default/s',
        'create statefulsets default/alice-sts',
        'patch bitcoinnetworks default/alice',
      ]);
      expect(reasons()).to.deep.equal(['ServiceCreated', 'StatefulSetCreated', 'CredentialsFound']);
      expect(condition('Ready')).to.equal('False NodesNotReady');
    });

    it('hands the nodes and the credentials to the monitor, and writes what the nodes report', async () => {
      put(network({ nodes: 1 }));
      await reconcile();
      sync();
      caches.pods.put(ownPod('alice-sts-0'));
      const [node] = [{ name: 'alice-sts-0', ordinal: 0, ip: '10.0.0.1', isReady: true, isTerminating: false }];
      monitor.observation = { reports: [{ node, isComplete: true }], reorgs: [], settlesInMs: 0 };
      await reconcile();
      expect(monitor.observed.at(-1)).to.deep.equal({
        nodes: [{ ...node, isNew: true }],
        credentials: { user: 'user', password: 'password' },
      });
      expect([condition('Ready'), condition('Connected')]).to.deep.equal(['True AllNodesReady', 'True PeersConnected']);
      expect(reasons().slice(-2)).to.deep.equal(['NodeReady', 'PeersConnected']);
    });

    it('acts on its own writes while the caches have not seen them', async () => {
      put(network({ nodes: 0 }));
      await reconcile();
      const writes = cluster.writes.length;
      await reconcile();
      expect(cluster.writes).to.have.length(writes);
    });
  });

  describe('of a network that is up to date', () => {
    beforeEach(() => settled());

    it('writes nothing, and comes again after the recheck interval, 10 % more or less', async () => {
      const result = await reconcile();
      expect(cluster.writes).to.deep.equal([]);
      expect('requeueAfterMs' in result && result.requeueAfterMs).to.be.within(0.9 * recheckMs, 1.1 * recheckMs);
    });

    it('reverts drift of an object, with an event', async () => {
      caches.services.put({ ...caches.services.get('default/alice-svc'), spec: {} });
      await reconcile();
      expect(cluster.writes).to.include('apply services default/alice-svc');
      expect(reasons()).to.include('ServiceRepaired');
    });

    it('scales the StatefulSet, with an event', async () => {
      put(network({ nodes: 2 }, { generation: 2 }));
      await reconcile();
      expect(recorder.events.find(event => event.includes('StatefulSetScaled'))).to.include(
        'Scaled StatefulSet alice-sts from 0 to 2',
      );
      expect(status()?.observedGeneration).to.equal(2);
    });

    it('writes nothing but its status while it is paused, once, and its nodes are not asked', async () => {
      put(network({ nodes: 2 }, { generation: 2, annotations: { [pausedAnnotation]: 'True' } }));
      cluster.calls.length = 0;
      expect(await reconcile()).to.deep.equal({});
      sync();
      expect(await reconcile()).to.deep.equal({});
      expect(cluster.calls.map(({ verb, key }) => `${verb} ${key}`)).to.deep.equal(['patch bitcoinnetworks default/alice']);
      expect([condition('Paused'), condition('Connected')]).to.deep.equal(['True Paused', 'Unknown Paused']);
      expect(reasons().filter(reason => reason === 'Paused')).to.have.length(1);
      expect(monitor.forgotten).to.include('default/alice');
      expect(diagnosis.forgotten).to.include('default/alice');
    });

    it('does nothing once it is being deleted or gone: the garbage collector deletes its objects', async () => {
      const deletionTimestamp = '2026-01-01T00:00:00Z';
      put({ ...network({ nodes: 2 }), metadata: { ...network().metadata, ...({ deletionTimestamp } as object) } });
      expect(await reconcile()).to.deep.equal({});
      caches.networks.remove('default/alice');
      expect(await reconcile()).to.deep.equal({});
      expect([cluster.calls, monitor.forgotten]).to.deep.equal([[], ['default/alice', 'default/alice']]);
    });

    it('asks the API server for the network before it creates a missing object again, and creates none for one that is gone', async () => {
      caches.services.remove('default/alice-svc');
      cluster.remove('bitcoinnetworks', 'default/alice');
      expect(await reconcile()).to.deep.equal({});
      expect(cluster.calls.map(({ verb, key }) => `${verb} ${key}`)).to.deep.equal(['get bitcoinnetworks default/alice']);
    });

    it('creates a missing object again for a network that still exists', async () => {
      caches.services.remove('default/alice-svc');
      cluster.remove('services', 'default/alice-svc');
      await reconcile();
      expect(cluster.writes).to.include('create services default/alice-svc');
    });
  });

  describe('of a network that is cut for a time', () => {
    it('comes when the time is over, also while a node refuses the credentials and it is retried with backoff', async () => {
      const partition = { parts: [{ name: 'minority', ordinals: [0] }], healAfterSeconds: 10 };
      await settled({ nodes: 2, partition });
      sync();
      caches.pods.put(ownPod('alice-sts-0'));
      const failure = new BitcoinTransportError('unauthorized', 'the credentials are refused');
      monitor.observation = { reports: [{ node: node(0), isComplete: false, failure }], reorgs: [], settlesInMs: 0 };
      const requests: Request[] = [];
      reconciler.requests.subscribe(request => requests.push(request));
      clock.tick(4_000);
      expect(await reconcile()).to.deep.equal({ requeue: 'rateLimited' });
      expect(requests.map(({ key }) => key)).to.deep.equal(['default/alice']);
      expect(requests[0]?.afterMs).to.be.within(5_900, 6_000);
    });
  });

  describe('of a network with groups and a topology', () => {
    const groups = [{ name: 'old', nodes: 1, ordinals: { start: 100 }, image: 'bitcoind:0' }];
    const declared = { nodes: 2, groups, topology: { type: 'Ring' as const }, podDisruptionBudget: {} };
    beforeEach(() => settled(declared));

    it('has a StatefulSet for each group, and what they start with comes first', async () => {
      const fresh = { ...network(declared, { name: 'bob', uid: 'uid-bob' }) };
      put(fresh);
      await reconcile('default/bob');
      expect(cluster.writes).to.deep.equal([
        'create configmaps default/bob-conf',
        'create services default/bob-svc',
        'create poddisruptionbudgets default/bob-pdb',
        'create statefulsets default/bob-sts',
        'create statefulsets default/bob-sts-old',
        'patch bitcoinnetworks default/bob',
      ]);
    });

    it('deletes what the spec asks for no more, with one event for each kind', async () => {
      put(network({ nodes: 1, topology: { type: 'Ring' } }, { generation: 2 }));
      await reconcile();
      expect(cluster.writes.filter(write => write.startsWith('delete'))).to.deep.equal([
        'delete configmaps default/alice-conf',
        'delete poddisruptionbudgets default/alice-pdb',
        'delete statefulsets default/alice-sts-old',
      ]);
      expect(reasons().filter(reason => reason?.endsWith('Deleted'))).to.deep.equal([
        'ResourceDeleted',
        'ResourceDeleted',
        'StatefulSetDeleted',
      ]);
    });

    for (const [status, plural, kept, other] of [
      [403, 'poddisruptionbudgets', 'alice-pdb', 'statefulsets default/alice-sts-old'],
      [422, 'statefulsets', 'alice-sts-old', 'poddisruptionbudgets default/alice-pdb'],
    ] as const)
      it(`deletes the rest of it, and reports what a policy of the cluster keeps until it may be deleted: ${plural}`, async () => {
        put(network({ nodes: 1, topology: { type: 'Ring' } }, { generation: 2 }));
        cluster.fail('delete', status, plural);
        expect(await errorOf()).to.include(`delete ${plural}`);
        expect(cluster.writes).to.include.members([`delete ${other}`, 'patch bitcoinnetworks default/alice']);
        expect(condition('SpecAccepted')).to.equal('False ObjectRefused');
        cluster.succeed();
        sync();
        await reconcile();
        expect(condition('SpecAccepted')).to.equal('True Accepted');
        expect(cluster.object(plural, `default/${kept}`)).to.equal(undefined);
      });

    it('keeps the ConfigMap that it needs no more until every pod that starts from it has been replaced', async () => {
      const withRevisions = (currentRevision: string) => {
        for (const set of cluster.all('statefulsets') as V1StatefulSet[])
          cluster.put('statefulsets', { ...set, status: { replicas: 1, currentRevision, updateRevision: 'new' } });
        sync();
      };
      put(network({ nodes: 1, topology: { type: 'Ring' } }, { generation: 2 }));
      withRevisions('old');
      await reconcile();
      withRevisions('old');
      await reconcile();
      expect(cluster.writes).not.to.include('delete configmaps default/alice-conf');
      withRevisions('new');
      await reconcile();
      expect(cluster.writes).to.include('delete configmaps default/alice-conf');
    });

    it('deletes no object of the name that another owner has', async () => {
      const foreign = cluster.object('statefulsets', 'default/alice-sts-old');
      caches.statefulSets.put({ ...foreign, metadata: { ...foreign?.metadata, ownerReferences: [] } });
      put(network({ nodes: 1 }, { generation: 2 }));
      await reconcile();
      expect(cluster.writes).not.to.include('delete statefulsets default/alice-sts-old');
    });

    it('hands the plan of the spec to the monitor, and the same one as long as the spec stays', async () => {
      await reconcile();
      await reconcile();
      const [first, second] = monitor.plans.slice(-2);
      expect(first?.topology?.edges).to.deep.equal([{ from: 100, to: 0, isListed: true }]);
      expect(second).to.equal(first);
    });

    it('scales every set to 0 and back when it is suspended and resumed, and writes nothing else', async () => {
      const nodesIn = () => (cluster.all('statefulsets') as V1StatefulSet[]).map(({ spec }) => spec?.replicas);
      for (const [generation, suspend, expected] of [
        [2, true, [0, 0]],
        [3, false, [1, 1]],
      ] as const) {
        cluster.calls.length = 0;
        put({ ...network({ ...declared, suspend }, { generation, resourceVersion: `${generation}000` }), status: status()! });
        await reconcile();
        sync();
        expect(nodesIn()).to.deep.equal(expected);
        expect(cluster.writes.filter(write => !write.includes('bitcoinnetworks'))).to.deep.equal([
          'apply statefulsets default/alice-sts',
          'apply statefulsets default/alice-sts-old',
        ]);
        expect(condition('Suspended')).to.equal(suspend ? 'True Suspended' : 'False Running');
        expect(condition('SpecAccepted')).to.equal('True Accepted');
      }
      const all = reasons();
      expect(all).to.include.members(['Suspended', 'Resumed', 'StatefulSetScaled']);
      expect(all).not.to.include.oneOf(['TopologyChanged', 'EdgesLost', 'NodeLost', 'RolloutStarted', 'ResourceDeleted']);
    });

    it('applies nothing of a spec that is too large to keep, and says so', async () => {
      const message = 'spec.podTemplate has 20000 bytes as JSON: at most 16384 bytes are allowed';
      put({ ...network({ nodes: 2 }, { generation: 2 }), unusableSpec: { reason: 'SpecTooLarge', message } });
      await reconcile();
      expect(cluster.writes).to.deep.equal(['patch bitcoinnetworks default/alice']);
      expect(condition('SpecAccepted')).to.equal('False SpecTooLarge');
      expect(recorder.events.find(event => event.includes('SpecRejected'))).to.include(message);
    });

    it('reports a pod template that the API server refuses', async () => {
      put(network({ ...declared, podTemplate: { metadata: { labels: { a: 'b' } } } }, { generation: 2 }));
      cluster.fail('apply', 422, 'statefulsets');
      cluster.fail('create', 422, 'statefulsets');
      await errorOf();
      expect(condition('SpecAccepted')).to.equal('False PodTemplateRefused');
    });

    it('reports a container that is no container, which the API server refuses, and applies the rest', async () => {
      const container = { name: 'lnd', image: 'lnd', env: { A: 'b' } } as unknown as V1Container;
      put(network({ ...declared, podTemplate: { spec: { containers: [container] } }, networkPolicy: {} }, { generation: 2 }));
      cluster.fail('apply', 422, 'statefulsets');
      cluster.fail('create', 422, 'statefulsets');
      expect(await errorOf()).to.include('apply statefulsets');
      expect(condition('SpecAccepted')).to.equal('False PodTemplateRefused');
      expect(cluster.writes).to.include('create networkpolicies default/alice-netpol');
    });

    it('is scaled and suspended although the API server refuses its pod template', async () => {
      const podTemplate = { metadata: { labels: { a: 'b' } } };
      cluster.fail('apply', 422, 'statefulsets');
      cluster.fail('create', 422, 'statefulsets');
      const edit = async (fields: Partial<BitcoinNetwork['spec']>, generation: number) => {
        const asked = network({ ...declared, ...fields, podTemplate }, { generation, resourceVersion: `${generation}000` });
        put({ ...asked, status: status()! });
        expect(await errorOf()).to.include('apply statefulsets');
        sync();
        const { spec } = cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet;
        expect(spec?.template.metadata?.labels).not.to.have.property('a');
        return spec?.replicas;
      };
      expect(await edit({ nodes: 5 }, 2)).to.equal(4);
      expect(await edit({ nodes: 5, suspend: true }, 3)).to.equal(0);
      expect(condition('SpecAccepted')).to.equal('False PodTemplateRefused');
      expect(reasons().filter(reason => reason === 'StatefulSetScaled')).to.have.length(3);
    });

    it('gets the number of its spec again from the next process when a refused pod template is taken back', async () => {
      const replicas = () => (cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet).spec?.replicas;
      const podTemplate = { metadata: { labels: { a: 'b' } } };
      cluster.fail('apply', 422, 'statefulsets');
      cluster.fail('create', 422, 'statefulsets');
      put({ ...network({ ...declared, nodes: 5, podTemplate }, { generation: 2, resourceVersion: '2000' }), status: status()! });
      await errorOf();
      expect(replicas()).to.equal(4);
      cluster.succeed();
      sync();
      startProcess(caches);
      put({ ...network(declared, { generation: 3, resourceVersion: '3000' }), status: status()! });
      await reconcile();
      expect(replicas()).to.equal(1);
    });

    it('leaves its number of nodes to another writer who keeps changing it while its pod template is refused', async () => {
      const podTemplate = { metadata: { labels: { a: 'b' } } };
      cluster.fail('apply', 422, 'statefulsets');
      cluster.fail('create', 422, 'statefulsets');
      put({ ...network({ ...declared, podTemplate }, { generation: 2, resourceVersion: '2000' }), status: status()! });
      for (let round = 1; round <= 9; round += 1) {
        const set = cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet;
        const metadata = { ...set.metadata };
        delete metadata.resourceVersion;
        cluster.put('statefulsets', { ...set, metadata, spec: { ...set.spec!, replicas: 7 } });
        sync();
        await errorOf();
      }
      expect(cluster.writes.filter(write => write === 'patch statefulsets default/alice-sts')).to.have.length(5);
    });

    it('is not accepted while a policy or a quota of the cluster refuses an object of it', async () => {
      put(network({ ...declared, networkPolicy: {} }, { generation: 2 }));
      cluster.fail('create', 403, 'networkpolicies');
      expect(await errorOf()).to.include('create networkpolicies');
      expect(condition('SpecAccepted')).to.equal('False ObjectRefused');
      cluster.succeed();
      await reconcile();
      expect(condition('SpecAccepted')).to.equal('True Accepted');
    });

    it('blames no other writer for a change that the API server refuses again and again', async () => {
      put(network({ ...declared, podTemplate: { metadata: { labels: { a: 'b' } } } }, { generation: 2 }));
      cluster.fail('apply', 422, 'statefulsets');
      cluster.fail('create', 422, 'statefulsets');
      for (let attempt = 1; attempt <= 10; attempt += 1) expect(await errorOf()).to.include('apply statefulsets');
      expect(recorder.events.filter(event => event.includes('RepairContested'))).to.deep.equal([]);
    });
  });

  describe('of a network whose nodes are reached from outside', () => {
    const services = { p2pPerNode: { type: 'LoadBalancer' as const } };
    const addresses = () => status()?.nodes?.map(({ externalAddress }) => externalAddress);
    /** Of the Service of the node. */
    function putIngress(fields: object = {}): void {
      const service = caches.services.get('default/alice-sts-0-p2p');
      const loadBalancer = { ingress: [{ ip: '203.0.113.9' }] };
      caches.services.put({ ...service, metadata: { ...service?.metadata, ...fields }, status: { loadBalancer } });
    }
    function setPaused(): void {
      const current = cluster.object('bitcoinnetworks', 'default/alice') as BitcoinNetwork;
      put({ ...current, metadata: { ...current.metadata, annotations: { [pausedAnnotation]: 'true' } } });
    }

    beforeEach(async () => {
      await settled({ nodes: 1, services });
      sync();
      caches.pods.put(ownPod('alice-sts-0'));
    });

    it('shows their addresses, and writes nothing as long as those stay', async () => {
      putIngress();
      await reconcile();
      expect(addresses()).to.deep.equal(['203.0.113.9:18444']);
      caches.networks.put(cluster.object('bitcoinnetworks', 'default/alice') as BitcoinNetwork);
      cluster.calls.length = 0;
      startProcess();
      await reconcile();
      expect(cluster.writes).to.deep.equal([]);
    });

    it('comes again soon for an address that is known later', async () => {
      await reconcile();
      sync();
      expect(addresses()).to.deep.equal([undefined]);
      putIngress();
      const result = await reconcile();
      expect('requeueAfterMs' in result && result.requeueAfterMs).to.be.within(1, 2_000);
    });

    it('shows none of a Service that another owner has', async () => {
      putIngress({ ownerReferences: [] });
      setPaused();
      await reconcile();
      expect(addresses()).to.deep.equal([undefined]);
    });

    it('shows them also while it is paused', async () => {
      putIngress();
      setPaused();
      await reconcile();
      expect(addresses()).to.deep.equal(['203.0.113.9:18444']);
    });
  });

  describe('of a network whose edges are all connected', () => {
    const declared = { nodes: 3, secret: 's', topology: { type: 'Line' as const } };
    const edgesWere = { topology: 'Line', wanted: 2, connected: 2, heldByController: 0, missing: [], summary: '2/2' };
    const names = ['alice-sts-0', 'alice-sts-1', 'alice-sts-2'];
    const report = (ordinal: number, peers: readonly number[] | undefined): NodeObservation['reports'][number] => ({
      node: { name: `alice-sts-${ordinal}`, ordinal, ip: `10.0.0.${ordinal}`, isReady: true, isTerminating: false },
      isComplete: true,
      ...(peers === undefined ? {} : { connections: peers.map(peer => ({ ordinal: peer, isInbound: false })) }),
    });
    const connected = [report(0, [1]), report(1, [0, 2]), report(2, [1])];

    function putPod(ordinal: number, isReady = true): void {
      const status = { podIP: `10.0.0.${ordinal}`, conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False' }] };
      caches.pods.put({ ...ownPod(names[ordinal] ?? ''), status });
    }
    function setPaused(isPaused: boolean, resourceVersion: string): void {
      const current = cluster.object('bitcoinnetworks', 'default/alice') as BitcoinNetwork;
      const annotations: Record<string, string> = isPaused ? { [pausedAnnotation]: 'true' } : {};
      put({ ...current, metadata: { ...current.metadata, annotations, resourceVersion } });
    }
    /** Restarts the controller, whose recorder forgets its events. */
    function restart(): void {
      sync();
      startProcess();
    }

    beforeEach(async () => {
      putSecret();
      put(network(declared));
      await reconcile();
      sync();
      for (const ordinal of [0, 1, 2]) putPod(ordinal);
      monitor.observation = { reports: connected, reorgs: [], settlesInMs: 0 };
      await reconcile();
      sync();
      expect([status()?.edges, condition('Connected')]).to.deep.equal([edgesWere, 'True EdgesConnected']);
    });

    it('keeps them while it is paused, and records no change of them when it is resumed', async () => {
      setPaused(true, '1000');
      await reconcile();
      expect([status()?.edges, condition('Connected')]).to.deep.equal([edgesWere, 'Unknown Paused']);
      restart();
      setPaused(false, '2000');
      monitor.observation = { reports: [], reorgs: [], settlesInMs: 0 };
      await reconcile();
      expect([status()?.edges, condition('Connected')]).to.deep.equal([edgesWere, 'False EdgesMissing']);
      expect(reasons()).not.to.include.oneOf(['TopologyChanged', 'EdgesLost']);
    });

    it('keeps them while its spec is too large to be read', async () => {
      const current = cluster.object('bitcoinnetworks', 'default/alice') as BitcoinNetwork;
      const metadata = { ...current.metadata, generation: 2, resourceVersion: '1000' };
      put({ ...current, metadata, spec: { nodes: 3 }, unusableSpec: { reason: 'SpecTooLarge', message: 'it is too large' } });
      await reconcile();
      expect([status()?.edges, condition('Connected')]).to.deep.equal([edgesWere, 'Unknown SpecTooLarge']);
      expect(reasons()).not.to.include.oneOf(['TopologyChanged', 'EdgesLost']);
    });

    it('records no PeersConnected when it is resumed and its nodes report the same edges', async () => {
      setPaused(true, '1000');
      await reconcile();
      setPaused(false, '2000');
      await reconcile();
      expect([status()?.edges, condition('Connected')]).to.deep.equal([edgesWere, 'True EdgesConnected']);
      expect(reasons().slice(-3)).to.deep.equal(['PeersConnected', 'Paused', 'Resumed']);
    });

    it('keeps them while it is not known what its Secret holds, and records no loss', async () => {
      cluster.remove('secrets', 'default/s');
      restart();
      monitor.observation = { reports: [], reorgs: [], settlesInMs: 0 };
      await reconcile();
      expect([status()?.edges, condition('Connected')]).to.deep.equal([edgesWere, 'False CredentialsMissing']);
      expect(reasons()).not.to.include('EdgesLost');
    });

    it('records a loss whose node reports it, or is not ready, although no other node answers', async () => {
      monitor.observation = { reports: [report(0, []), report(1, undefined), report(2, undefined)], reorgs: [], settlesInMs: 0 };
      await reconcile();
      expect(recorder.events.join('\n')).to.include('Warning EdgesLost Lost 1 of 2 edges: 0-1 ');
      expect(status()?.edges?.missing).to.deep.equal(['0-1']);
      putPod(2, false);
      await reconcile();
      expect(status()?.edges?.missing).to.deep.equal(['0-1', '1-2']);
    });

    it('records in another process that lost edges are restored, whatever else has happened meanwhile', async () => {
      const earlier = new Set(recorder.events);
      putPod(2, false);
      monitor.observation = { reports: [report(0, [1]), report(1, [0])], reorgs: [], settlesInMs: 0 };
      await reconcile();
      expect(reasons()).to.include('EdgesLost');
      restart();
      putPod(2);
      monitor.observation = { reports: [report(0, [1]), report(1, [0]), report(2, [])], reorgs: [], settlesInMs: 0 };
      await reconcile();
      expect(reasons()).to.include('NodeReady');
      restart();
      monitor.observation = { reports: connected, reorgs: [], settlesInMs: 0 };
      await reconcile();
      expect(reasons()).to.include('EdgesRestored');
      expect(recorder.events.filter(event => !earlier.has(event)).join()).not.to.include('PeersConnected');
      expect(status()?.lastEvents?.map(({ reason }) => reason)).not.to.include('EdgesLost');
    });
  });

  describe('without the right to a kind of object', () => {
    it('applies the rest of a network that asks for one, and names the value of the chart', async () => {
      const { networks, pods, services, statefulSets } = caches;
      startProcess({ networks, pods, services, statefulSets });
      put(network({ networkPolicy: {} }));
      await reconcile();
      expect(cluster.writes).to.include('create statefulsets default/alice-sts');
      expect(condition('SpecAccepted')).to.equal('False RightMissing');
      expect(status()?.conditions?.find(({ type }) => type === 'SpecAccepted')?.message).to.include('rbac.networkPolicies');
    });

    it('reports UpToDate as it was while a set is left as it is', async () => {
      await settled({ nodes: 2 });
      const { networks, pods, services, statefulSets } = caches;
      startProcess({ networks, pods, services, statefulSets });
      const before = { status: 'True', reason: 'AllNodesUpdated', message: '2 of 2 nodes are up to date' } as const;
      const conditions = [{ type: 'UpToDate', ...before, lastTransitionTime: '2026-01-01T00:00:00Z' }];
      put({ ...network({ nodes: 2, bitcoinConf: ['txindex=1'] }, { generation: 2 }), status: { ...status(), conditions } });
      await reconcile();
      expect(status()?.conditions?.find(({ type }) => type === 'UpToDate')).to.deep.include(before);
    });

    it('leaves nodes as they are that would wait for a ConfigMap, and deletes none of them', async () => {
      await settled({ nodes: 2 });
      const { networks, pods, services, statefulSets } = caches;
      startProcess({ networks, pods, services, statefulSets });
      put(network({ nodes: 2, bitcoinConf: ['txindex=1'] }, { generation: 2 }));
      await reconcile();
      expect(cluster.writes).to.deep.equal(['patch bitcoinnetworks default/alice']);
      expect(condition('SpecAccepted')).to.equal('False RightMissing');
    });
  });

  describe('when the API server fails', () => {
    it('continues after a refusal with the rest of the network, and throws the refusal at the end', async () => {
      put(network());
      cluster.fail('create', 403, 'services');
      expect(await errorOf()).to.include('create services');
      expect(cluster.writes.slice(-2)).to.deep.equal([
        'create statefulsets default/alice-sts',
        'patch bitcoinnetworks default/alice',
      ]);
      expect(condition('Ready')).to.equal('False ReconcileFailed');
    });

    it('does nothing further without an answer', async () => {
      put(network());
      cluster.fail('create', new Error('connect ECONNREFUSED'), 'services');
      expect(await errorOf()).to.equal('connect ECONNREFUSED');
      expect(cluster.calls).to.have.length(1);
    });

    it('publishes no event of a status that was not written, and each one once when it is', async () => {
      put(network({ nodes: 0 }));
      cluster.fail('patch', 500, 'bitcoinnetworks');
      await errorOf();
      expect(reasons()).not.to.include('PeersConnected');
      cluster.succeed();
      await reconcile();
      await reconcile();
      expect(reasons().filter(reason => reason === 'PeersConnected')).to.have.length(1);
    });

    it('comes again soon when another writer changed the network meanwhile', async () => {
      put(network({ nodes: 0 }));
      cluster.put('bitcoinnetworks', network({ nodes: 0 }, { resourceVersion: '2' }));
      expect(await reconcile()).to.deep.equal({ requeueAfterMs: 500 });
    });
  });

  describe('when an object is not its own', () => {
    it('names its owner, leaves it alone, and retries with backoff', async () => {
      const owner = { apiVersion: 'v1', kind: 'Other', name: 'other', uid: 'other', controller: true };
      cluster.put('services', { metadata: { namespace: 'default', name: 'alice-svc', ownerReferences: [owner] } });
      put(network());
      expect(await reconcile()).to.deep.equal({ requeue: 'rateLimited' });
      expect(recorder.events.find(event => event.includes('NameTaken'))).to.include('belongs to Other other');
      expect(condition('Ready')).to.equal('False NameTaken');
    });

    it('backs off from another writer that keeps changing it, with an event', async () => {
      await settled();
      const drift = async () => {
        sync();
        caches.services.put({ ...caches.services.get('default/alice-svc'), spec: {} });
        return reconcile();
      };
      for (let revert = 0; revert < 5; revert += 1) await drift();
      const result = await drift();
      expect('requeueAfterMs' in result && result.requeueAfterMs).to.be.within(1, 1_000);
      expect(reasons().at(-1)).to.equal('RepairContested');
    });
  });

  describe('with a node that does not run', () => {
    const exited = { subject: 'alice-sts-0', reason: 'NodeExited', cause: 'container bitcoind exited with code 1' } as const;

    it('names the cause in Ready and Connected, records it once, and looks again when there may be more to say', async () => {
      diagnosis.diagnosis = { problems: [exited], lookAgainMs: 4_000 };
      put(network({ nodes: 2 }));
      expect(await reconcile()).to.deep.equal({ requeueAfterMs: 4_000 });
      sync();
      await reconcile();
      expect([condition('Ready'), condition('Connected')]).to.deep.equal(['False NodeExited', 'False NodeExited']);
      expect(status()?.conditions?.[0]?.message).to.equal(
        '0 of 2 nodes are ready; alice-sts-0: container bitcoind exited with code 1',
      );
      expect(reasons().filter(reason => reason === 'NodeExited')).to.have.length(1);
    });

    it('records another cause that takes its place, and says nothing of either when it is over', async () => {
      diagnosis.diagnosis = { problems: [exited], lookAgainMs: undefined };
      put(network({ nodes: 2 }));
      await reconcile();
      sync();
      diagnosis.diagnosis = { problems: [{ ...exited, reason: 'ImagePullFailed', cause: 'no image' }], lookAgainMs: undefined };
      await reconcile();
      sync();
      diagnosis.diagnosis = { problems: [], lookAgainMs: undefined };
      await reconcile();
      expect(condition('Ready')).to.equal('False NodesNotReady');
      expect(reasons().filter(reason => /NodeExited|ImagePullFailed/.test(reason ?? ''))).to.deep.equal([
        'NodeExited',
        'ImagePullFailed',
      ]);
    });
  });

  it('recreates the StatefulSet that a killed process has deleted as its pods were created, so that they stay', async () => {
    putSecret();
    await settled({ nodes: 1, secret: 's' });
    const annotations = {
      [credentialsAnnotation]: 'uid-s.older',
      'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z',
    };
    const { spec } = (cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet).spec?.template ?? {};
    const left = pod('alice-sts-0');
    caches.pods.put(left);
    cluster.put('pods', { ...left, ...(spec && { spec }), metadata: { ...left.metadata, annotations } });
    const nodes = [{ ordinal: 0, ready: true, ip: '10.0.0.1', nodeName: 'alice-sts-0', dnsName: 'alice-sts-0.alice-svc' }];
    put({ ...network({ nodes: 1, secret: 's' }), status: { ...status(), nodes } });
    cluster.remove('statefulsets', 'default/alice-sts');
    caches.statefulSets.remove('default/alice-sts');
    startProcess();
    await reconcile();
    const { template } = (cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet).spec ?? {};
    expect(template?.metadata?.annotations).to.deep.include(annotations);
    expect(reasons()).to.include('StatefulSetRecreated');
  });

  describe('without credentials', () => {
    it('creates no StatefulSet, whose nodes would start with the default ones; says so, and reads the Secret again soon', async () => {
      put(network({ secret: 's' }));
      expect(await reconcile()).to.deep.equal({ requeueAfterMs: 3_000 });
      expect(cluster.writes).not.to.include('create statefulsets default/alice-sts');
      expect(monitor.observed.at(-1)?.credentials).to.equal(undefined);
      expect(reasons()).to.include('CredentialsMissing');
      expect(condition('CredentialsAvailable')).to.equal('False CredentialsMissing');
    });

    it('scales a StatefulSet that exists, whose pods keep the credentials that they have', async () => {
      putSecret();
      await settled({ nodes: 1, secret: 's' });
      const template = () =>
        JSON.stringify((cluster.object('statefulsets', 'default/alice-sts') as { spec?: { template?: unknown } }).spec?.template);
      const before = template();
      put(network({ nodes: 3, secret: 'other' }, { generation: 2 }));
      await reconcile();
      expect(cluster.writes).to.include('apply statefulsets default/alice-sts');
      expect(template()).to.equal(before);
    });

    it('holds a rollout, says why in UpToDate, and reads the Secret as seldom as without a rollout', async () => {
      putSecret();
      await settled({ nodes: 1, secret: 's' });
      caches.pods.put(ownPod('alice-sts-0'));
      put(network({ nodes: 1, secret: 'other' }, { generation: 2 }));
      await reconcile();
      const set = cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet;
      const observedGeneration = set.metadata?.generation ?? 0;
      const revisions = { currentRevision: 'old', updateRevision: 'new', observedGeneration };
      caches.statefulSets.put(cluster.put('statefulsets', { ...set, status: { replicas: 1, ...revisions } }));
      expect(await reconcile()).to.deep.equal({ requeueAfterMs: 3_000 });
      expect(monitor.asked).to.deep.equal([]);
      expect(status()?.conditions?.find(({ type }) => type === 'UpToDate')?.message).to.equal(
        '0 of 1 nodes are updated; alice-sts-0 waits: no node is restarted while Secret default/other (spec.secret) does not exist',
      );
    });
  });

  describe('writes the status', () => {
    it('only when the nodes have had a moment to answer after a change', async () => {
      put(network({ nodes: 0 }));
      monitor.observation = { reports: [], reorgs: [], settlesInMs: 700 };
      expect(await reconcile()).to.deep.equal({ requeueAfterMs: 700 });
      expect(cluster.writes).not.to.include('patch bitcoinnetworks default/alice');
    });

    it('with each reorganisation that the nodes reported before it, once', async () => {
      await settled({ nodes: 3 });
      const chain = (height: number, branch: string) => ({ height, tip: `${branch}-${height}` });
      const reorgs = [
        { depth: 1, from: chain(5, 'a'), to: chain(6, 'b') },
        { depth: 2, from: chain(6, 'b'), to: chain(7, 'c') },
      ].map(reorg => ({ nodeName: 'alice-sts-0', ordinal: 0, reorg }));
      monitor.observation = { reports: [], reorgs: reorgs.slice(0, 1), settlesInMs: 700 };
      await reconcile();
      expect(cluster.writes).to.deep.equal([]);
      monitor.observation = { reports: [], reorgs, settlesInMs: 0 };
      await reconcile();
      const stored = status()?.lastEvents?.filter(({ reason }) => reason === 'ReorgObserved') ?? [];
      expect(stored.map(({ message }) => message)).to.deep.equal([
        'alice-sts-0 replaced 1 block: height 5 (tip …a-5) became height 6 (tip …b-6)',
        'alice-sts-0 replaced 2 blocks: height 6 (tip …b-6) became height 7 (tip …c-7)',
      ]);
      cluster.calls.length = 0;
      await reconcile();
      expect(cluster.writes).to.deep.equal([]);
    });

    it('later if it only reports progress', async () => {
      await settled({ nodes: 3 });
      caches.pods.objects = [ownPod('alice-sts-0')];
      expect(await reconcile()).to.deep.equal({ requeueAfterMs: 2_000 });
      expect(cluster.writes).to.deep.equal([]);
    });
  });

  it('comes again at once when the chain of the status has become lower, so that the producers stop waiting for lost blocks', async () => {
    const chain = { name: 'regtest', height: 101, tip: 'tip', tips: 1, forkDepth: 0 };
    await settled({ nodes: 1, blockProduction: { initialBlocks: 101 } });
    put({ ...(cluster.object('bitcoinnetworks', 'default/alice') as BitcoinNetwork), status: { ...status(), chain } });
    caches.pods.objects = [ownPod('alice-sts-0')];
    const own = { ...node(0), name: 'alice-sts-0', ip: '10.0.0.1' };
    const report = { node: own, isComplete: true, chain: { height: 0, tip: 'genesis' }, askedAtMs: Infinity };
    monitor.observation = { reports: [report], reorgs: [], settlesInMs: 0 };
    produced.length = 0;
    expect(await reconcile()).to.deep.equal({ requeueAfterMs: 1 });
    const next = await reconcile();
    expect('requeueAfterMs' in next && next.requeueAfterMs, 'once').to.be.at.least(recheckMs);
    expect(produced).to.deep.equal([101, 0]);
  });

  describe('publishes events', () => {
    const published = (text: string) => recorder.events.filter(event => event.includes(text));

    it('under the name that is stored in the changed object', async () => {
      put(network());
      await reconcile();
      const stored = cluster.object('services', 'default/alice-svc')?.metadata?.annotations?.[lastEventAnnotation] ?? '';
      const { name } = JSON.parse(stored) as { name: string };
      expect(published('ServiceCreated')[0]).to.include(name);
      const [event] = (status() as BitcoinNetworkStatus).lastEvents ?? [];
      expect(published(event?.reason ?? '')[0]).to.include(event?.name ?? 'no event');
    });

    it('again, under the same names, when the process that stored them was killed', async () => {
      put(network());
      await reconcile();
      sync();
      const before = recorder.events.map(event => /event-name:(\S+)\]/.exec(event)?.[1]).sort();
      startProcess();
      await reconcile();
      expect(recorder.events.map(event => /event-name:(\S+)\]/.exec(event)?.[1]).sort()).to.deep.equal(before);
    });

    it('that a predecessor stored before it overwrites them', async () => {
      put(network());
      await reconcile();
      sync();
      put({ ...network({ nodes: 5 }, { generation: 2 }), status: status() ?? {} });
      startProcess();
      await reconcile();
      expect([published('StatefulSetCreated'), published('StatefulSetScaled')].map(events => events.length)).to.deep.equal([
        1, 1,
      ]);
    });

    it('once, however often it reconciles', async () => {
      put(network());
      for (let number = 0; number < 3; number += 1) {
        await reconcile();
        sync();
      }
      for (const reason of ['ServiceCreated', 'StatefulSetCreated', 'DefaultCredentials'])
        expect(published(reason)).to.have.length(1);
    });

    it('publishes a dropped event again', async () => {
      put(network());
      await reconcile();
      sync();
      await reconcile();
      reconciler.republish('default/alice');
      await reconcile();
      for (const reason of ['ServiceCreated', 'StatefulSetCreated', 'DefaultCredentials'])
        expect(published(reason)).to.have.length(2);
    });
  });

  describe('while as many networks as are applied at once wait for the API server', () => {
    let release: () => void;
    let waiting: Promise<unknown>;

    beforeEach(() => {
      const gate = new Promise<void>(resolve => (release = resolve));
      cluster.onCall = ({ key }) => (key.startsWith('services default/other') ? gate : undefined);
      const others = Array.from({ length: 10 }, (_, index) => network({}, { name: `other-${index}`, uid: `uid-${index}` }));
      others.forEach(put);
      waiting = Promise.all(others.map(({ metadata }) => reconcile(`default/${metadata.name}`)));
      put(network());
    });

    it('applies a further one when one of them has ended', async () => {
      const alice = reconcile();
      expect(cluster.writes).not.to.include('create services default/alice-svc');
      release();
      await Promise.all([alice, waiting]);
      expect(cluster.writes).to.include('create services default/alice-svc');
    });

    it('does nothing about one that changes while it waits: its key is queued again', async () => {
      const alice = reconcile();
      caches.networks.put(network({ nodes: 7 }, { generation: 2 }));
      release();
      await waiting;
      expect(await alice).to.deep.equal({});
      expect(cluster.writes).not.to.include('create services default/alice-svc');
    });
  });
});
