import type { V1PersistentVolumeClaim, V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { BitcoinNetwork } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { persistentVolumeClaims } from '../../../../src/controller/resource-types.ts';
import { VolumeExpansion, type VolumesObserved } from '../../../../src/controller/volumes/volume-expansion.ts';
import { network } from '../../../support/builders.ts';
import { FakeCluster } from '../../../support/fakes/fake-cluster.ts';

const { plural } = persistentVolumeClaims;
const claimOf = (
  name: string,
  fields: { requested?: string; capacity?: string; status?: object } = {},
): V1PersistentVolumeClaim => ({
  metadata: { name, namespace: 'default', uid: `uid-${name}`, labels: { app: 'alice' } },
  spec: { resources: { requests: { storage: fields.requested ?? '1Gi' } } },
  status: { phase: 'Bound', capacity: { storage: fields.capacity ?? '1Gi' }, ...fields.status },
});
const setOf = (size: string): V1StatefulSet => ({
  metadata: { name: 'alice-sts', namespace: 'default' },
  spec: {
    ...{ selector: {}, serviceName: 'alice-svc', template: {} },
    volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { resources: { requests: { storage: size } } } }],
  },
});

describe('VolumeExpansion', () => {
  let cluster: FakeCluster;
  let nowMs: number;
  let expansion: VolumeExpansion;
  beforeEach(() => {
    cluster = new FakeCluster();
    nowMs = 0;
    expansion = new VolumeExpansion(() => nowMs);
    for (const ordinal of [0, 1]) cluster.put(plural, claimOf(`data-alice-sts-${ordinal}`));
  });

  /** @param reason that of StorageReady in the status */
  function expand(reason: string, templateSize = '1Gi', mayExpandVolumes = true): Promise<VolumesObserved> {
    const conditions = [{ type: 'StorageReady', status: 'False', reason, message: '', lastTransitionTime: '' }];
    const of = { ...network({ nodes: 2, storage: { size: '2Gi' } }), status: { conditions } } as BitcoinNetwork;
    const { signal } = new AbortController();
    return expansion.expand({ client: cluster, network: of, mayExpandVolumes, signal }, () => setOf(templateSize));
  }

  it('makes no request at rest, and none before the status says what it is about to do', async () => {
    expect(await expand('VolumesReady', '2Gi')).to.deep.equal({ keptSizes: new Map() });
    const { growth, keptSizes } = await expand('VolumesReady');
    expect(growth).to.deep.equal({ reason: 'Expanding', message: 'the volumes of StatefulSet alice-sts grow from 1Gi to 2Gi' });
    expect([...keptSizes]).to.deep.equal([['alice-sts', '1Gi']]);
    expect(cluster.calls).to.deep.equal([]);
  });

  describe('with claims of a former StatefulSet', () => {
    const storage = { size: '2Gi' };
    const small = claimOf('data-alice-sts-1', { status: { phase: 'Pending' } });

    /** @param reason that of StorageReady in the status; none for a network that is new */
    function begin(current?: V1StatefulSet, mayExpandVolumes = true, reason?: string): Promise<VolumesObserved> {
      const conditions = [{ type: 'StorageReady', status: 'False', reason, message: '', lastTransitionTime: '' }];
      const status = reason === undefined ? {} : { status: { conditions } };
      const of = { ...network({ nodes: 2, storage }), ...status } as BitcoinNetwork;
      const { signal } = new AbortController();
      return expansion.expand({ client: cluster, network: of, mayExpandVolumes, signal }, () => current);
    }

    it('creates the StatefulSet with the size that they have, and lets it grow from there', async () => {
      cluster.put(plural, claimOf('data-alice-sts-0', { requested: '1536Mi', capacity: '1536Mi' }));
      const { growth, keptSizes } = await begin();
      expect([...keptSizes]).to.deep.equal([['alice-sts', '1Gi']]);
      expect(growth).to.deep.equal({ reason: 'Expanding', message: 'the volumes of StatefulSet alice-sts grow from 1Gi to 2Gi' });
      expect(cluster.writes).to.deep.equal([]);
      await begin(setOf('1Gi'), true, 'Expanding');
      expect(cluster.writes).to.deep.equal([0, 1].map(ordinal => `patch ${plural} default/data-alice-sts-${ordinal}`));
    });

    it('reads them once for each spec, in one request, and none without the right or once there is a StatefulSet', async () => {
      for (const ordinal of [0, 1]) cluster.remove(plural, `default/data-alice-sts-${ordinal}`);
      for (const current of [undefined, undefined]) expect((await begin(current)).growth).to.equal(undefined);
      expect(cluster.calls).to.have.length(1);
      await begin(setOf('2Gi'));
      await begin(undefined, false);
      expect(cluster.calls).to.have.length(1);
      await begin();
      expect(cluster.calls).to.have.length(2);
    });

    it('takes claims that its nodes wait for, and volumes that are too small, and not the claims of removed nodes that have none', async () => {
      cluster.put(plural, claimOf('data-alice-sts-0', { requested: '2Gi', capacity: '2Gi' }));
      cluster.put(plural, { ...small, metadata: { ...small.metadata, name: 'data-alice-sts-7' } });
      cluster.put(plural, claimOf('data-alice-sts-1', { requested: '3Gi', capacity: '3Gi' }));
      expect((await begin()).keptSizes.size).to.equal(0);
      expansion = new VolumeExpansion();
      cluster.put(plural, small);
      expect((await begin()).keptSizes.get('alice-sts')).to.equal('1Gi');
      expansion = new VolumeExpansion();
      cluster.put(plural, claimOf('data-alice-sts-1', { requested: '2Gi', capacity: '1Gi' }));
      expect((await begin()).keptSizes.get('alice-sts')).to.equal('1Gi');
    });

    it('does without them if it may not list claims after all', async () => {
      cluster.fail('list', 403, plural);
      expect(await begin()).to.deep.equal({ keptSizes: new Map() });
    });
  });

  it('lets the template of a StatefulSet change when its claims have been changed, and waits for the volumes', async () => {
    const { growth, keptSizes } = await expand('Expanding');
    expect(cluster.writes).to.deep.equal([0, 1].map(ordinal => `patch ${plural} default/data-alice-sts-${ordinal}`));
    expect(keptSizes.size).to.equal(0);
    expect(growth?.message).to.equal('0 of 2 volumes have the size of the spec; data-alice-sts-0 has 1Gi of 2Gi');
  });

  it('is over when the volumes and the template have the size', async () => {
    for (const ordinal of [0, 1])
      cluster.put(plural, claimOf(`data-alice-sts-${ordinal}`, { requested: '2Gi', capacity: '2Gi' }));
    expect((await expand('Expanding')).growth).to.deep.equal({
      reason: 'Expanding',
      message: 'StatefulSet alice-sts is recreated; its pods keep running',
    });
    expect((await expand('Expanding', '2Gi')).growth).to.equal(undefined);
    expect(cluster.writes).to.deep.equal([]);
  });

  it('changes a claim only when it has a volume, and those of removed nodes as well', async () => {
    cluster.put(plural, claimOf('data-alice-sts-1', { status: { phase: 'Pending' } }));
    cluster.put(plural, claimOf('data-alice-sts-7'));
    cluster.put(plural, claimOf('data-alice-sts-old-100'));
    const { growth, keptSizes } = await expand('Expanding');
    expect(cluster.writes).to.deep.equal([0, 7].map(ordinal => `patch ${plural} default/data-alice-sts-${ordinal}`));
    expect(keptSizes.size).to.equal(0);
    expect(growth?.reason).to.equal('Expanding');
  });

  it('does not wait for volumes of removed nodes, which nobody mounts, once their claims ask for the size', async () => {
    for (const ordinal of [0, 1])
      cluster.put(plural, claimOf(`data-alice-sts-${ordinal}`, { requested: '2Gi', capacity: '2Gi' }));
    const conditions = [{ type: 'FileSystemResizePending', status: 'True', message: 'waiting for a mount' }];
    cluster.put(plural, claimOf('data-alice-sts-2', { status: { conditions } }));
    cluster.put(plural, claimOf('data-alice-sts-3', { status: { phase: 'Pending', capacity: {} } }));
    const allocatedResourceStatuses = { storage: 'ControllerResizeInfeasible' };
    cluster.put(plural, claimOf('data-alice-sts-4', { requested: '2Gi', status: { allocatedResourceStatuses } }));
    expect(await expand('Expanding', '2Gi')).to.deep.equal({ keptSizes: new Map(), growth: undefined });
    expect(cluster.writes).to.deep.equal([`patch ${plural} default/data-alice-sts-2`]);
  });

  it('counts only volumes of nodes', async () => {
    cluster.put(plural, claimOf('data-alice-sts-0', { requested: '2Gi', capacity: '2Gi' }));
    cluster.put(plural, claimOf('data-alice-sts-2'));
    expect((await expand('Expanding')).growth?.message).to.match(/^1 of 2 volumes have the size of the spec; data-alice-sts-1 /);
  });

  it('keeps the template if a claim is refused, and asks again only after a while', async () => {
    cluster.fail('patch', 422, plural);
    const refused = await expand('Expanding');
    expect(refused.growth?.reason).to.equal('ExpansionRefused');
    expect([...refused.keptSizes]).to.deep.equal([['alice-sts', '1Gi']]);
    const { length } = cluster.calls;
    await expand('ExpansionRefused');
    expect(cluster.calls).to.have.length(length);
    cluster.succeed();
    nowMs = 10_000;
    expect((await expand('ExpansionRefused')).keptSizes.size).to.equal(0);
  });

  it('names the value of the chart if it has no right to claims', async () => {
    cluster.fail('list', 403, plural);
    for (const mayExpand of [true, false]) {
      const { growth } = await expand('Expanding', '1Gi', mayExpand);
      expect(growth?.message, String(mayExpand)).to.include('chart value rbac.persistentVolumeClaims');
    }
  });

  it('reports what the driver says, and that it cannot', async () => {
    const conditions = [{ type: 'FileSystemResizePending', status: 'True', message: 'waiting for a mount' }];
    const claim = (status: object) => claimOf('data-alice-sts-0', { requested: '2Gi', status });
    cluster.put(plural, claim({ conditions }));
    expect((await expand('Expanding')).growth?.message).to.match(/data-alice-sts-0 has 1Gi of 2Gi: waiting for a mount$/);
    nowMs = 10_000;
    cluster.put(plural, claim({ conditions, allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' } }));
    expect((await expand('Expanding')).growth?.reason).to.equal('ExpansionRefused');
  });

  it('is retried after a fault of the API server', async () => {
    cluster.fail('patch', 500, plural);
    let thrown: unknown;
    await expand('Expanding').catch((error: unknown) => (thrown = error));
    expect(String(thrown)).to.include('500');
  });
});
