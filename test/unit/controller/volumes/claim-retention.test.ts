import type { V1PersistentVolumeClaim, V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { ownedClaimsAnnotation } from '../../../../src/bitcoin/api/names.ts';
import { persistentVolumeClaims, statefulSets } from '../../../../src/controller/resource-types.ts';
import { ClaimRetention, type RetentionObserved } from '../../../../src/controller/volumes/claim-retention.ts';
import type { KubeObject } from '../../../../src/kube/resource.ts';
import { network, statefulSetOf } from '../../../support/builders.ts';
import { FakeCluster } from '../../../support/fakes/fake-cluster.ts';

const [claims, sets] = [persistentVolumeClaims.plural, statefulSets.plural];
const key = 'default/alice-sts';
const retain: Partial<BitcoinNetworkSpec> = { nodes: 1, storage: { size: '1Gi' } };
const remove: Partial<BitcoinNetworkSpec> = { nodes: 1, storage: { size: '1Gi', retention: { whenDeleted: 'Delete' } } };
const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'alice-sts', uid: 'uid-set' };
const other = { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: 'uid-other' };

describe('ClaimRetention', () => {
  let cluster: FakeCluster;
  let retention: ClaimRetention;
  let nowMs: number;
  beforeEach(() => {
    cluster = new FakeCluster();
    nowMs = 0;
    retention = new ClaimRetention(() => nowMs);
    for (const name of ['data-alice-sts-0', 'data-alice-sts-2', 'data-alice-sts-old-100'])
      cluster.put<V1PersistentVolumeClaim>(claims, {
        metadata: { name, namespace: 'default', uid: `uid-${name}`, ownerReferences: [other, owner] },
      });
    putSet(remove);
  });

  /** The StatefulSet as it is applied, which keeps annotations of others. */
  function putSet(spec: Partial<BitcoinNetworkSpec>, { isObserved = true, ownerUid = 'uid-alice', replicas = 0 } = {}): void {
    const made = statefulSetOf(network(spec, { uid: ownerUid }), undefined, { image: 'i', imagePullPolicy: 'Always' });
    const { annotations = {} } = cluster.object(sets, key)?.metadata ?? {};
    const metadata = { ...made.metadata, uid: 'uid-set', generation: 2, annotations };
    cluster.put<V1StatefulSet>(sets, { ...made, metadata, status: { replicas, observedGeneration: isObserved ? 2 : 1 } });
  }

  function align(spec: Partial<BitcoinNetworkSpec>, mayExpandVolumes = true): Promise<RetentionObserved> {
    const { signal } = new AbortController();
    return retention.align(
      { client: cluster, network: network(spec), mayExpandVolumes, signal },
      { current: name => cluster.object(sets, `default/${name}`), remember: () => undefined },
    );
  }

  const isMarked = (): boolean => cluster.object(sets, key)?.metadata?.annotations?.[ownedClaimsAnnotation] !== undefined;
  const ownersOf = (name: string): (string | undefined)[] =>
    (cluster.object(claims, `default/${name}`) as KubeObject).metadata?.ownerReferences?.map(({ uid }) => uid) ?? [];

  it('makes no request while nothing changes, whatever the policy is', async () => {
    expect(await align(remove)).to.deep.equal({});
    putSet(retain);
    expect(await align(retain)).to.deep.equal({});
    putSet(remove, { ownerUid: 'uid-bob' });
    expect(await align(retain)).to.deep.equal({});
    expect(cluster.calls).to.deep.equal([]);
  });

  it('marks the StatefulSet before its policy changes to Retain, and takes it out of the owners of its claims once it has', async () => {
    await align(retain);
    expect(cluster.writes).to.deep.equal([`patch ${sets} ${key}`]);
    expect(isMarked()).to.equal(true);
    putSet(retain, { isObserved: false });
    await align(retain);
    expect(cluster.calls).to.have.length(1);
    putSet(retain);
    // Another process.
    retention = new ClaimRetention(() => nowMs);
    expect(await align(retain)).to.deep.equal({});
    expect(ownersOf('data-alice-sts-0')).to.deep.equal(['uid-other']);
    expect(ownersOf('data-alice-sts-2')).to.deep.equal(['uid-other']);
    expect(ownersOf('data-alice-sts-old-100')).to.deep.equal(['uid-other', 'uid-set']);
    expect(isMarked()).to.equal(false);
    const { length } = cluster.calls;
    await align(retain);
    expect(cluster.calls).to.have.length(length);
  });

  it('changes a claim only as it was read, and keeps the mark until all are changed', async () => {
    await align(retain);
    putSet(retain);
    cluster.fail('patch', 409, claims);
    expect(await align(retain)).to.deep.equal({ checkAgainMs: 1_000 });
    const { options } = cluster.calls.findLast(({ verb }) => verb === 'patch') ?? {};
    const { resourceVersion } = cluster.object(claims, 'default/data-alice-sts-0')?.metadata ?? {};
    expect(options).to.deep.equal({
      metadata: { uid: 'uid-data-alice-sts-0', resourceVersion, ownerReferences: [other] },
    });
    expect(isMarked()).to.equal(true);
    cluster.succeed();
    nowMs = 1_000;
    await align(retain);
    expect(isMarked()).to.equal(false);
  });

  it('leaves the claims alone when they are to be deleted after all', async () => {
    await align(retain);
    putSet(retain);
    await align(remove);
    expect(cluster.writes).to.deep.equal([`patch ${sets} ${key}`]);
  });

  it('says of a suspended network that it has no right to claims, and does the rest when it has', async () => {
    const suspended = { ...retain, suspend: true };
    await align(suspended, false);
    putSet(suspended);
    expect((await align(suspended, false)).obstacle).to.include('chart value rbac.persistentVolumeClaims');
    expect(await align(retain, false)).to.deep.equal({});
    expect(cluster.calls).to.have.length(1);
    await align(suspended);
    expect(ownersOf('data-alice-sts-2')).to.deep.equal(['uid-other']);
  });

  it('says nothing of a suspended network whose nodes have all run since the change, and still has claims of others kept later', async () => {
    const suspended = { ...retain, suspend: true };
    await align(retain, false);
    for (const fields of [{ isObserved: false, replicas: 1 }, { replicas: 0 }]) {
      putSet(retain, fields);
      await align(retain, false);
      expect((await align(suspended, false)).obstacle).to.include('chart value rbac.persistentVolumeClaims');
    }
    putSet(retain, { replicas: 1 });
    expect(await align({ ...retain, nodes: 2 }, false)).to.deep.equal({});
    expect((await align(suspended, false)).obstacle).to.not.equal(undefined);
    expect(await align(retain, false)).to.deep.equal({});
    const { length } = cluster.calls;
    expect(await align(retain, false)).to.deep.equal({});
    putSet(suspended);
    retention = new ClaimRetention(() => nowMs);
    expect(await align(suspended, false)).to.deep.equal({});
    expect(cluster.calls).to.have.length(length);
    await align(suspended);
    expect(ownersOf('data-alice-sts-2')).to.deep.equal(['uid-other']);
    expect(isMarked()).to.equal(false);
  });

  it('reports the claims again when they were to be deleted once more', async () => {
    await align(retain, false);
    putSet(retain, { replicas: 1 });
    await align(retain, false);
    putSet(remove, { replicas: 1 });
    await align(retain, false);
    putSet({ ...retain, suspend: true });
    expect((await align({ ...retain, suspend: true }, false)).obstacle).to.not.equal(undefined);
  });

  it('reports a refusal, and tries again only after a while', async () => {
    await align(retain);
    putSet(retain);
    cluster.fail('patch', 403, claims);
    const refused = await align(retain);
    expect([refused.obstacle, refused.checkAgainMs]).to.deep.equal(['patch persistentvolumeclaims: 403: refused', 10_000]);
    const { length } = cluster.calls;
    expect(await align(retain)).to.deep.equal(refused);
    expect(cluster.calls).to.have.length(length);
    cluster.succeed();
    nowMs = 10_000;
    expect(await align(retain)).to.deep.equal({});
  });

  it('is retried after a fault of the API server', async () => {
    await align(retain);
    putSet(retain);
    cluster.fail('list', 500, claims);
    let thrown: unknown;
    await align(retain).catch((error: unknown) => (thrown = error));
    expect(String(thrown)).to.include('500');
  });
});
