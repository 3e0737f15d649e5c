// Networks with persistent volumes on a real cluster with real bitcoinds. The volumes are folders of this machine: the cluster has no storage driver.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { controllerNamespace, release } from '../../tools/installation.ts';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';
import { NetworkNamespace } from '../support/cluster/network-namespace.ts';
import { eventually } from '../support/until.ts';

const chart = path.join(import.meta.dirname, '..', '..', 'charts', 'bitcoin-controller');

describe('a network with persistent volumes on a real cluster', function () {
  this.timeout(0);
  const name = 'kept';
  const nodes = [0, 1];
  const folders: string[] = [];
  let cluster: TestCluster;
  let namespace: NetworkNamespace;

  async function addVolume(ordinal: number): Promise<void> {
    const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-volume-'));
    folders.push(folder);
    // The kubelet gives folders of the machine no owner.
    await chmod(folder, 0o777);
    const volume = {
      ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: `storage-e2e-${ordinal}` } },
      spec: {
        ...{ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain' },
        ...{ storageClassName: '', hostPath: { path: folder } },
        claimRef: { namespace: namespace.name, name: `data-${name}-sts-${ordinal}` },
      },
    };
    await cluster.kubectlWithInput(JSON.stringify(volume), 'apply', '--server-side', '-f', '-');
  }

  before(async () => {
    cluster = await sharedCluster();
    namespace = await NetworkNamespace.create(cluster, 'storage');
    for (const ordinal of nodes) await addVolume(ordinal);
    const where = ['--namespace', controllerNamespace, '--create-namespace'];
    await cluster.helm('upgrade', '--install', release, chart, ...where, '--wait', '--timeout', '180s');
  });
  after(async () => {
    await namespace.delete();
    await cluster.kubectl('delete', 'persistentvolume', ...nodes.map(ordinal => `storage-e2e-${ordinal}`), '--wait=false');
    await cluster.helm('uninstall', release, '--namespace', controllerNamespace, '--wait', '--ignore-not-found');
    await cluster.kubectl('delete', 'namespace', controllerNamespace, '--ignore-not-found');
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  const tips = () => Promise.all(nodes.map(ordinal => namespace.rpc<string>(name, ordinal, 'getbestblockhash')));
  const untilTips = (tip: string) =>
    eventually(async () => (await tips().catch(() => ['starting'])).every(other => other === tip));
  let tip = '';

  it('has a volume for each node', async () => {
    await namespace.apply({ name, spec: { nodes: 2, storage: { size: '1Gi', storageClassName: '' } } });
    await namespace.untilConnected(name);
    await eventually(async () => (await namespace.condition(name, 'StorageReady')).startsWith('True VolumesReady'));
    await namespace.rpc(name, 0, 'generatetodescriptor', 150, 'raw(51)');
    [tip = ''] = await tips();
    await untilTips(tip);
    expect(await namespace.rpc(name, 1, 'getblockcount')).to.equal(150);
  });

  it('has the same tip after all of its pods were deleted at once', async () => {
    const before = await namespace.podUids(name);
    await namespace.kubectl('delete', 'pods', '-l', `app=${name}`);
    await eventually(async () => {
      const now = await namespace.podUids(name);
      return now.size === 2 && [...now.values()].every(uid => ![...before.values()].includes(uid));
    });
    await namespace.untilConnected(name);
    await untilTips(tip);
  });

  it('has the same tip after it was suspended and resumed', async () => {
    await namespace.patch(name, { suspend: true });
    await eventually(async () => (await namespace.condition(name, 'Suspended')).startsWith('True Suspended'));
    expect((await namespace.podUids(name)).size).to.equal(0);
    await namespace.patch(name, { suspend: null });
    await namespace.untilConnected(name);
    await untilTips(tip);
    const events = await namespace.events(name);
    expect([...events.keys()]).to.include.members(['Suspended', 'Resumed', 'NodeStopped']);
  });

  it('is rolled out without a node that loses its blocks, also if there is only one', async () => {
    await namespace.patch(name, { nodes: 1 });
    await eventually(async () => (await namespace.podUids(name)).size === 1);
    const before = await namespace.podUids(name);
    await namespace.patch(name, { bitcoinConf: ['debug=net'] });
    await eventually(async () => {
      const uid = (await namespace.podUids(name)).get(`${name}-sts-0`);
      return uid !== undefined && uid !== before.get(`${name}-sts-0`);
    });
    await namespace.untilConnected(name);
    expect(await namespace.rpc(name, 0, 'getbestblockhash')).to.equal(tip);
  });
});
