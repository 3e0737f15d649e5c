// Volumes grow with the spec, and no pod is restarted: a real API server with its StatefulSet, volume and garbage collector controllers. The
// test is the storage driver: it makes a volume larger when its claim asks for it.
import { isDeepStrictEqual } from 'node:util';
import type { V1PersistentVolume, V1PersistentVolumeClaim, V1StatefulSet, V1StorageClass } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { ownedClaimsAnnotation } from '../../../src/bitcoin/api/names.ts';
import { networks, persistentVolumeClaims, pods, statefulSets } from '../../../src/controller/resource-types.ts';
import type { ResourceType } from '../../../src/kube/resource.ts';
import { ApiProxy } from '../../support/fakes/api-proxy.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const name = 'alice';
const storageClasses: ResourceType<V1StorageClass> = {
  ...{ group: 'storage.k8s.io', version: 'v1', plural: 'storageclasses', kind: 'StorageClass', namespaced: false },
};
const persistentVolumes: ResourceType<V1PersistentVolume> = {
  ...{ group: '', version: 'v1', plural: 'persistentvolumes', kind: 'PersistentVolume', namespaced: false },
};

/** How many cases run at once. */
const concurrency = 3;

/** A network with volumes in a namespace of its own, and its controller. */
class Case {
  readonly namespace: string;
  readonly proxy: ApiProxy;
  readonly #world: World;
  #controller: ControllerProcess | undefined;

  private constructor(world: World, namespace: string, proxy: ApiProxy) {
    this.#world = world;
    this.namespace = namespace;
    this.proxy = proxy;
  }

  static async start(world: World, namespace: string): Promise<Case> {
    await world.createNamespace(namespace);
    return new Case(world, namespace, await ApiProxy.start(world.controlPlane));
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.proxy.stop();
  }

  async kill(): Promise<void> {
    await this.#controller?.kill();
  }

  async control(mayExpand = true): Promise<void> {
    const args = ['--namespace', this.namespace, '--recheck-seconds', '5', `--expand-volumes=${mayExpand}`];
    this.#controller = await ControllerProcess.start({ kubeconfig: this.proxy.kubeconfigPath, args });
    await this.#controller.ready();
  }

  /** A network whose volumes are mounted. */
  async startNetwork(spec: BitcoinNetworkSpec, className = 'grows'): Promise<void> {
    const { namespace } = this;
    const world = this.#world;
    for (let volume = 0; volume < spec.nodes + 1; volume += 1)
      await world.client.create(persistentVolumes, {
        metadata: { name: `${namespace}-${volume}` },
        spec: {
          ...{ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: className },
          ...{ hostPath: { path: `/nowhere/${namespace}/${volume}` }, persistentVolumeReclaimPolicy: 'Retain' },
        },
      });
    await world.declare(namespace, name, { storage: { size: '1Gi', storageClassName: className }, ...spec });
    await world.untilRight(namespace, name);
    await this.untilReason('True VolumesReady');
    await eventually(async () => (await this.claims()).every(({ status }) => status?.phase === 'Bound'));
  }

  edit(spec: object): Promise<unknown> {
    return this.#world.client.patch(networks, { namespace: this.namespace, name }, { spec }, { patchType: 'merge' });
  }

  /** Creates the network again that `delete` deleted. */
  declare(spec: BitcoinNetworkSpec): Promise<void> {
    return this.#world.declare(this.namespace, name, spec);
  }

  /** Resolves when the network, its StatefulSet and its pods are gone. */
  async delete(): Promise<void> {
    const { namespace } = this;
    await this.#world.client.delete(networks, { namespace, name }, { propagationPolicy: 'Background' });
    await eventually(async () => {
      const sets = (await this.#world.client.list(statefulSets, { namespace })).items;
      return sets.length === 0 && (await this.podUids()).length === 0;
    });
  }

  untilRight(): Promise<void> {
    return this.#world.untilRight(this.namespace, name);
  }

  async claims(): Promise<V1PersistentVolumeClaim[]> {
    return (await this.#world.client.list(persistentVolumeClaims, { namespace: this.namespace })).items;
  }

  /** By the name of the claim, the kinds of its owners. A claim that is being deleted has none. */
  async owners(): Promise<Record<string, string>> {
    const entries = (await this.claims()).map(({ metadata }) => {
      const kinds = metadata?.ownerReferences?.map(({ kind }) => kind) ?? [];
      return [metadata?.name ?? '', metadata?.deletionTimestamp === undefined ? kinds.join() : 'deleted'];
    });
    return Object.fromEntries(entries) as Record<string, string>;
  }

  async untilOwners(wanted: Record<string, string>): Promise<void> {
    await eventually(async () => isDeepStrictEqual(await this.owners(), wanted));
  }

  /** By the name of the claim. */
  async requests(): Promise<Record<string, string>> {
    const entries = (await this.claims()).map(({ metadata, spec }) => [
      metadata?.name ?? '',
      spec?.resources?.requests?.['storage'] ?? '',
    ]);
    return Object.fromEntries(entries) as Record<string, string>;
  }

  set(): Promise<V1StatefulSet> {
    return this.#world.client.get(statefulSets, { namespace: this.namespace, name: `${name}-sts` });
  }

  async podUids(): Promise<string[]> {
    return (await this.#world.client.list(pods, { namespace: this.namespace })).items
      .map(({ metadata }) => metadata?.uid ?? '')
      .sort();
  }

  events(): Promise<Map<string, string[]>> {
    return this.#world.eventsOf(this.namespace, name);
  }

  /** The condition StorageReady: STATUS REASON MESSAGE. */
  async storageReady(): Promise<string> {
    return (await this.#world.conditions(this.namespace, name))['StorageReady'] ?? '';
  }

  untilReason(wanted: string, type = 'StorageReady'): Promise<void> {
    return this.#world.untilCondition(this.namespace, name, type, wanted);
  }

  /** What a storage driver does. */
  async enlarge(): Promise<void> {
    for (const { metadata, spec, status } of await this.claims()) {
      const storage = spec?.resources?.requests?.['storage'] ?? '';
      if (status?.phase !== 'Bound' || status.capacity?.['storage'] === storage) continue;
      const options = { patchType: 'merge', subresource: 'status' } as const;
      const claim = { namespace: this.namespace, name: metadata?.name ?? '' };
      await this.#world.client.patch(persistentVolumeClaims, claim, { status: { capacity: { storage } } }, options);
    }
  }

  /** Resolves when the volumes have grown so many times, with an event each. */
  untilGrown(times = 1): Promise<void> {
    return eventually(async () => {
      await this.enlarge();
      const isReady = (await this.storageReady()).startsWith('True VolumesReady');
      return isReady && (await this.events()).get('VolumesExpanded')?.length === times;
    });
  }

  /** No event says that a node or its StatefulSet was lost or restarted. */
  async expectQuiet(what: string): Promise<void> {
    const events = await this.events();
    for (const reason of ['NodeLost', 'StatefulSetDeleted', 'RolloutStarted'])
      expect(events.has(reason), `${what}: ${JSON.stringify([...events])}`).to.equal(false);
  }
}

const templateSize = ({ spec }: V1StatefulSet): string | undefined =>
  spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.['storage'];

describe('volumes that have to grow', function () {
  this.timeout(300_000);
  let world: World;
  const cases: Case[] = [];

  before(async () => {
    world = await World.start();
    world.kubelet.onGone = ip => world.bitcoind.restart(ip);
    for (const className of ['grows', 'fixed'])
      await world.client.create(storageClasses, {
        metadata: { name: className },
        provisioner: 'kubernetes.io/no-provisioner',
        allowVolumeExpansion: className === 'grows',
      });
  });
  after(() => world.stop());
  afterEach(async () => {
    for (const one of cases.splice(0)) await one.stop();
  });

  async function open(namespace: string, mayExpand = true): Promise<Case> {
    const opened = await Case.start(world, namespace);
    cases.push(opened);
    await opened.control(mayExpand);
    return opened;
  }

  it('grow before the StatefulSet is recreated, whose pods keep running, claims with an owner as well', async () => {
    const network = await open('grown');
    const storage = { size: '1Gi', storageClassName: 'grows' };
    const group = { name: 'old', nodes: 1, ordinals: { start: 100 }, storage };
    await network.startNetwork({ nodes: 3, groups: [group], storage: { ...storage, retention: { whenDeleted: 'Delete' } } });
    const [before, setBefore] = [await network.podUids(), await network.set()];
    await network.edit({ storage: { size: '2Gi' } });
    await eventually(async () => templateSize(await network.set().catch(() => setBefore)) === '2Gi');
    expect(await network.storageReady()).to.match(/^False Expanding /);
    await network.untilGrown();
    await network.edit({ groups: [{ ...group, storage: { ...storage, size: '3Gi' } }] });
    await network.untilGrown(2);
    expect(await network.requests()).to.deep.equal({
      ...{ 'data-alice-sts-0': '2Gi', 'data-alice-sts-1': '2Gi', 'data-alice-sts-old-100': '3Gi' },
    });
    expect(await network.podUids()).to.deep.equal(before);
    const { metadata, spec } = await network.set();
    expect(metadata?.uid).not.to.equal(setBefore.metadata?.uid);
    expect(spec?.updateStrategy).to.deep.equal(setBefore.spec?.updateStrategy);
    const isOwned = (claim: V1PersistentVolumeClaim): boolean => claim.metadata?.ownerReferences?.[0]?.uid === metadata?.uid;
    await eventually(async () => (await network.claims()).filter(isOwned).length === 2);
    await network.untilRight();
    await network.untilReason('True AllNodesUpdated', 'UpToDate');
    await network.expectQuiet('grown twice');
    expect((await network.events()).get('StatefulSetRecreated')).to.have.length(2);
  });

  it('leave the StatefulSet alone if their class cannot grow, and say so in the words of the API server', async () => {
    const network = await open('refused');
    await network.startNetwork({ nodes: 2 }, 'fixed');
    const before = await network.set();
    await network.edit({ nodes: 3, storage: { size: '2Gi' } });
    await network.untilReason('False ExpansionRefused');
    await network.untilRight();
    expect(await network.storageReady()).to.match(/only dynamically provisioned pvc can be resized/);
    const after = await network.set();
    expect([after.metadata?.uid, templateSize(after)]).to.deep.equal([before.metadata?.uid, '1Gi']);
    expect(Object.values(await network.requests())).to.deep.equal(['1Gi', '1Gi', '1Gi']);
    await eventually(async () => (await network.events()).get('VolumeExpansionFailed')?.length === 1);
    await world.client.patch(storageClasses, { name: 'fixed' }, { allowVolumeExpansion: true }, { patchType: 'merge' });
    await network.untilGrown();
    expect(templateSize(await network.set())).to.equal('2Gi');
  });

  it('name the value of the chart if the controller has no right to them, and grow when it has', async () => {
    const network = await open('forbidden', false);
    await network.startNetwork({ nodes: 1 });
    await network.edit({ storage: { size: '2Gi' } });
    await network.untilReason('False ExpansionRefused');
    expect(await network.storageReady()).to.include('chart value rbac.persistentVolumeClaims');
    expect(templateSize(await network.set())).to.equal('1Gi');
    expect(await network.requests()).to.deep.equal({ 'data-alice-sts-0': '1Gi' });
    await network.kill();
    await network.control();
    await network.untilGrown();
  });

  it('grow without a restart of nodes that kubectl rollout restart has restarted, and so do later changes', async () => {
    const network = await open('restarted');
    await network.startNetwork({ nodes: 2 });
    const first = await network.podUids();
    const metadata = { annotations: { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z', team: 'a' } };
    await world.client.patch(
      statefulSets,
      { namespace: 'restarted', name: `${name}-sts` },
      { spec: { template: { metadata } } },
      { patchType: 'merge' },
    );
    await eventually(async () => {
      const now = await network.podUids();
      return now.length === 2 && now.every(uid => !first.includes(uid));
    });
    await network.untilReason('True AllNodesUpdated', 'UpToDate');
    const before = await network.podUids();
    const rollouts = (await network.events()).get('RolloutStarted');
    for (const [size, times] of [
      ['2Gi', 1],
      ['3Gi', 2],
    ] as const) {
      await network.edit({ storage: { size } });
      await network.untilGrown(times);
      await network.untilRight();
      expect(await network.podUids()).to.deep.equal(before);
    }
    await network.edit({ nodes: 3 });
    await network.untilRight();
    await network.untilReason('True AllNodesUpdated', 'UpToDate');
    expect(await network.podUids()).to.include.members(before);
    expect((await network.events()).get('RolloutStarted')).to.deep.equal(rollouts);
    expect((await network.set()).spec?.template.metadata?.annotations).to.include(metadata.annotations);
  });

  it('of a deleted network of the same name grow to the size of the new one', async () => {
    const network = await open('recreated');
    await network.startNetwork({ nodes: 2 });
    await network.delete();
    expect(await network.requests()).to.deep.equal({ 'data-alice-sts-0': '1Gi', 'data-alice-sts-1': '1Gi' });
    await network.declare({ nodes: 2, storage: { size: '2Gi', storageClassName: 'grows' } });
    await network.untilGrown();
    await network.untilRight();
    expect(await network.requests()).to.deep.equal({ 'data-alice-sts-0': '2Gi', 'data-alice-sts-1': '2Gi' });
    expect(templateSize(await network.set())).to.equal('2Gi');
    await network.untilReason('True AllNodesUpdated', 'UpToDate');
  });

  it('come with the pods of a network that was suspended, given storage and resumed while no controller ran', async () => {
    const network = await open('first');
    await world.declare('first', name, { nodes: 2 });
    await network.untilRight();
    const before = await network.podUids();
    await network.kill();
    await network.edit({ suspend: true });
    await network.edit({ storage: { size: '1Gi', storageClassName: 'grows' } });
    await network.edit({ suspend: null });
    await network.control();
    await eventually(async () => {
      const now = await network.podUids();
      return now.length === 2 && now.every(uid => !before.includes(uid));
    });
    await network.untilRight();
    expect(Object.keys(await network.requests())).to.deep.equal(['data-alice-sts-0', 'data-alice-sts-1']);
    await network.untilReason('True AllNodesUpdated', 'UpToDate');
  });

  it('grow while the network is suspended, scaled and rolled out at the same time', async () => {
    const network = await open('busy');
    await network.startNetwork({ nodes: 2 });
    const before = await network.podUids();
    await network.edit({ nodes: 3, storage: { size: '2Gi' }, resources: { requests: { cpu: '11m' } } });
    await network.untilGrown();
    await eventually(async () => {
      const now = await network.podUids();
      return now.length === 3 && now.every(uid => !before.includes(uid));
    });
    await network.untilReason('True AllNodesUpdated', 'UpToDate');
    await network.untilRight();
    await network.edit({ suspend: true, storage: { size: '3Gi' } });
    await network.untilReason('True Suspended', 'Suspended');
    await network.untilGrown(2);
    await network.edit({ suspend: null });
    await network.untilRight();
    expect(Object.values(await network.requests())).to.deep.equal(['3Gi', '3Gi', '3Gi']);
    expect(templateSize(await network.set())).to.equal('3Gi');
  });

  /** Kills the controller before the first write that is one of these. */
  async function growKilled(what: string, isNext: (write: string, before: readonly string[]) => boolean): Promise<void> {
    const network = await open(`killed-${what}`);
    await network.startNetwork({ nodes: 2 });
    const before = await network.podUids();
    const { proxy } = network;
    const writes: string[] = [];
    let killed: Promise<void> | undefined;
    proxy.onRequest = ({ isWrite, method, path }) => {
      const write = `${method} ${path.replace(/\?.*$/, '')}`;
      if (!isWrite || path.includes('dryRun=')) return 'pass';
      if (killed === undefined && !isNext(write, writes)) {
        writes.push(write);
        return 'pass';
      }
      killed ??= network.kill();
      return 'vanish';
    };
    await network.edit({ storage: { size: '2Gi' } });
    await eventually(async () => {
      await network.enlarge();
      return killed !== undefined;
    });
    await killed;
    proxy.onRequest = () => 'pass';
    await network.control();
    await network.untilGrown();
    await network.untilRight();
    expect(await network.podUids(), what).to.deep.equal(before);
    expect(Object.values(await network.requests())).to.deep.equal(['2Gi', '2Gi']);
    expect(templateSize(await network.set())).to.equal('2Gi');
    await network.expectQuiet(`killed before: ${what}`);
    await network.kill();
  }

  it('grow to the end, whichever of its writes the controller is killed before', async () => {
    const kills = Object.entries({
      announcement: write => write.endsWith('/alice/status'),
      'first-claim': write => write.endsWith('/data-alice-sts-0'),
      'second-claim': write => write.endsWith('/data-alice-sts-1'),
      deletion: write => write.startsWith('DELETE ') && write.endsWith('/alice-sts'),
      creation: write => write.startsWith('POST ') && write.endsWith('/statefulsets'),
      end: (write, before) => write.endsWith('/alice/status') && before.some(one => one.endsWith('/statefulsets')),
    } satisfies Record<string, (write: string, before: readonly string[]) => boolean>);
    const worker = async (): Promise<void> => {
      for (let kill = kills.shift(); kill !== undefined; kill = kills.shift()) await growKilled(...kill);
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
  });
});

describe('volumes that are to be kept when the network is deleted, and were not', function () {
  this.timeout(300_000);
  const storage = { size: '1Gi', storageClassName: 'keeps' };
  const deletes = { storage: { ...storage, retention: { whenDeleted: 'Delete' } } } as const;
  const keeps = { storage: { retention: { whenDeleted: 'Retain' } } };
  const [first, second, third] = ['data-alice-sts-0', 'data-alice-sts-1', 'data-alice-sts-2'] as const;
  let world: World;
  let network: Case;

  before(async () => {
    world = await World.start();
    world.kubelet.onGone = ip => world.bitcoind.restart(ip);
    const keepsClass = { metadata: { name: 'keeps' }, provisioner: 'kubernetes.io/no-provisioner' };
    await world.client.create(storageClasses, keepsClass);
  });
  after(() => world.stop());
  afterEach(() => network.stop());

  it('are kept if the network is suspended when that changes', async () => {
    network = await Case.start(world, 'kept-suspended');
    await network.control();
    await network.startNetwork({ nodes: 2, ...deletes }, 'keeps');
    const owned = { [first]: 'StatefulSet', [second]: 'StatefulSet' };
    await network.untilOwners(owned);
    await network.edit({ suspend: true });
    await network.untilReason('True Suspended', 'Suspended');
    expect(await network.owners()).to.deep.equal(owned);
    await network.edit(keeps);
    await network.untilOwners({ [first]: '', [second]: '' });
    await eventually(async () => (await network.set()).metadata?.annotations?.[ownedClaimsAnnotation] === undefined);
    await network.delete();
    expect(await network.owners()).to.deep.equal({ [first]: '', [second]: '' });
  });

  it('are kept if their nodes were removed before, also if the controller is killed meanwhile', async () => {
    network = await Case.start(world, 'kept-scaled');
    await network.control();
    await network.startNetwork({ nodes: 3, ...deletes }, 'keeps');
    await network.untilOwners({ [first]: 'StatefulSet', [second]: 'StatefulSet', [third]: 'StatefulSet' });
    await network.edit({ nodes: 1 });
    await network.untilRight();
    let killed: Promise<void> | undefined;
    network.proxy.onRequest = ({ isWrite, path }) => {
      if (killed === undefined && !(isWrite && path.includes(`/${second}`))) return 'pass';
      killed ??= network.kill();
      return 'vanish';
    };
    await network.edit(keeps);
    // The StatefulSet controller takes care of the node that runs.
    await network.untilOwners({ [first]: '', [second]: 'StatefulSet', [third]: 'StatefulSet' });
    await eventually(() => killed !== undefined);
    await killed;
    network.proxy.onRequest = () => 'pass';
    await network.control();
    await network.untilOwners({ [first]: '', [second]: '', [third]: '' });
    await network.delete();
    expect(await network.owners()).to.deep.equal({ [first]: '', [second]: '', [third]: '' });
  });

  it('are named in the status of a suspended network if the controller has no right to them, and kept when it has', async () => {
    network = await Case.start(world, 'kept-forbidden');
    await network.control(false);
    await network.startNetwork({ nodes: 1, ...deletes }, 'keeps');
    await network.untilOwners({ [first]: 'StatefulSet' });
    await network.edit({ suspend: true });
    await network.untilReason('True Suspended', 'Suspended');
    await network.edit(keeps);
    await eventually(async () => (await network.storageReady()).includes('chart value rbac.persistentVolumeClaims'));
    expect(await network.storageReady()).to.match(/^True VolumesReady /);
    expect(await network.owners()).to.deep.equal({ [first]: 'StatefulSet' });
    await network.kill();
    await network.control();
    await network.untilOwners({ [first]: '' });
    await eventually(async () => !(await network.storageReady()).includes('may still be deleted'));
  });
});
