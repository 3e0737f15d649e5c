import { expect } from 'chai';
import { apiStatusCode } from '../../../src/kube/api-error.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/resource.ts';
import { apply, execute, type Known, plan } from '../../../src/runtime/apply.ts';
import { withDigest } from '../../../src/runtime/digest.ts';
import { FakeCluster } from '../../support/fakes/fake-cluster.ts';

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

const configMaps: ResourceType<ConfigMap> = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
const digestAnnotation = 'example.org/applied';
const owner = (uid: string, name = 'owner') => ({ apiVersion: 'v1', kind: 'Owner', name, uid, controller: true });

/** The desired object, with fields changed. */
const desired = (fields: Partial<ConfigMap> = {}): ConfigMap =>
  withDigest(
    {
      metadata: { namespace: 'ns', name: 'a', labels: { app: 'a' }, ownerReferences: [owner('1')] },
      data: { k: 'v' },
      ...fields,
    },
    digestAnnotation,
  );

/** The desired object as it is stored, with metadata changed. */
const stored = (metadata: object = {}, object = desired()): ConfigMap => ({
  ...object,
  metadata: { uid: 'uid-a', resourceVersion: '1', ...object.metadata, ...metadata },
});

describe('plan', () => {
  const planned = (known: Known<ConfigMap>, driftWaitMs = 0) =>
    plan(configMaps, desired(), known, { digestAnnotation, driftWaitMs });

  it('creates an object that does not exist', () => {
    expect(planned({ current: undefined })).to.deep.equal({ kind: 'create', desired: desired(), replaced: undefined });
  });

  it('does nothing about an object that has every desired field, whatever it has besides', () => {
    expect(planned({ current: stored({ annotations: { ...desired().metadata?.annotations, other: 'kept' } }) }).kind).to.equal(
      'none',
    );
  });

  it('updates an object that lacks a desired field', () => {
    const current = { ...stored(), data: { k: 'changed' } };
    expect(planned({ current })).to.deep.equal({ kind: 'update', desired: desired(), current });
  });

  it('updates an object of a former desired state, although it has every field that is desired now', () => {
    const current = stored({}, desired({ data: { k: 'v', former: 'v' } }));
    expect(planned({ current }).kind).to.equal('update');
  });

  it('waits if another writer keeps changing the object, and names the object and how to find the writer', () => {
    const contested = planned({ current: { ...stored(), data: {} } }, 1_000);
    expect(contested).to.include({ kind: 'contested', waitMs: 1_000 });
    expect('message' in contested && contested.message).to.match(
      /ConfigMap ns\/a.*kubectl get configmaps a .*--show-managed-fields/,
    );
  });

  it('replaces an object of which the API server refused to change an immutable field', () => {
    const current = { ...stored(), data: {} };
    expect(planned({ current, isImmutable: true })).to.deep.equal({ kind: 'replace', current });
  });

  it('creates a replaced object again once it is gone, and waits while it is being deleted', () => {
    const replaced = stored();
    expect(planned({ current: undefined, replaced })).to.deep.include({ kind: 'create', replaced });
    expect(planned({ current: stored({ deletionTimestamp: '2026-01-01T00:00:00Z' }), replaced }).kind).to.equal('pending');
  });

  it('leaves alone an object of another owner, and names that owner', () => {
    const taken = planned({ current: stored({ ownerReferences: [{ ...owner('2'), name: 'other' }] }) });
    expect(taken.kind).to.equal('taken');
    expect('message' in taken && taken.message)
      .to.include('ConfigMap ns/a exists')
      .and.include('Owner other (uid 2)');
  });

  it('leaves alone an object without an owner that no controller applied', () => {
    const { metadata, ...rest } = stored({ ownerReferences: [] });
    expect(planned({ current: { ...rest, metadata: { ...metadata, annotations: {} } } }).kind).to.equal('taken');
  });

  it('adopts an object that was applied for this owner and lost its owner reference', () => {
    expect(planned({ current: stored({ ownerReferences: [] }) }).kind).to.equal('update');
  });

  it('waits for the garbage collector if the owner is a deleted object of the same name', () => {
    expect(planned({ current: stored({ ownerReferences: [owner('former')] }) }).kind).to.equal('pending');
  });
});

describe('execute', () => {
  const options = { fieldManager: 'test' };
  let cluster: FakeCluster;
  beforeEach(() => {
    cluster = new FakeCluster();
  });
  const run = (planned: Parameters<typeof execute<ConfigMap>>[2]) => execute(cluster, configMaps, planned, options);

  it('creates the object', async () => {
    const { outcome } = await run({ kind: 'create', desired: desired() });
    expect(outcome).to.equal('created');
    expect(cluster.object('configmaps', 'ns/a')).to.deep.include({ data: { k: 'v' } });
  });

  it('wants another plan, with the object that exists, when a create finds one', async () => {
    cluster.put('configmaps', { ...stored(), data: {} });
    const executed = await run({ kind: 'create', desired: desired() });
    expect(executed.outcome).to.equal('replan');
    expect('known' in executed && executed.known.current?.data).to.deep.equal({});
  });

  it('changes the object by server-side apply', async () => {
    cluster.put('configmaps', { ...stored(), data: {} });
    const executed = await run({ kind: 'update', desired: desired(), current: stored() });
    expect(executed.outcome).to.equal('updated');
    expect(cluster.object('configmaps', 'ns/a')).to.deep.include({ data: { k: 'v' } });
  });

  it('answers that nothing changed if the API server wrote nothing', async () => {
    const current = cluster.put('configmaps', stored());
    cluster.apply = () => Promise.resolve(current as never);
    expect((await run({ kind: 'update', desired: desired(), current })).outcome).to.equal('unchanged');
  });

  it('wants the object replaced when an immutable field differs, if it may be recreated: the change is invalid, and the object as such is not', async () => {
    cluster.put('configmaps', stored());
    cluster.fail('apply', 422);
    const planned = { kind: 'update', desired: desired(), current: stored() } as const;
    expect(await execute(cluster, configMaps, planned, { ...options, recreate: true })).to.deep.equal({
      outcome: 'replan',
      known: { current: stored(), isImmutable: true },
    });
    expect((await run(planned)).outcome).to.equal('failed');
  });

  it('keeps the object when the API server refuses the change and the object as such', async () => {
    cluster.put('configmaps', stored());
    cluster.fail('apply', 422);
    cluster.fail('create', 422);
    const planned = { kind: 'update', desired: desired(), current: stored() } as const;
    expect((await execute(cluster, configMaps, planned, { ...options, recreate: true })).outcome).to.equal('failed');
    expect(cluster.object('configmaps', 'ns/a')).not.to.equal(undefined);
  });

  it('deletes exactly the object that it replaces, and leaves alone what that owns', async () => {
    cluster.put('configmaps', stored());
    expect(await run({ kind: 'replace', current: stored() })).to.deep.equal({
      outcome: 'replan',
      known: { current: undefined, replaced: stored() },
    });
    expect(cluster.calls.at(-1)).to.deep.equal({
      verb: 'delete',
      key: 'configmaps ns/a',
      options: { propagationPolicy: 'Orphan', preconditions: { uid: 'uid-a' }, signal: undefined },
    });
  });

  it('returns a refusal as a value, and throws when the API server gave no answer', async () => {
    cluster.fail('create', 403);
    expect((await run({ kind: 'create', desired: desired() })).outcome).to.equal('failed');
    cluster.fail('create', new Error('connect ECONNREFUSED'));
    const error = await run({ kind: 'create', desired: desired() }).catch((thrown: unknown) => thrown);
    expect(error).to.be.an.instanceOf(Error).with.property('message', 'connect ECONNREFUSED');
  });
});

describe('apply', () => {
  const options = { fieldManager: 'test', digestAnnotation };
  let cluster: FakeCluster;
  beforeEach(() => {
    cluster = new FakeCluster();
  });
  const run = (current: ConfigMap | undefined, how = {}) =>
    apply(cluster, configMaps, desired(), current, { ...options, ...how });

  it('creates the object, or changes the one that exists although the caller does not know it', async () => {
    expect((await run(undefined)).outcome).to.equal('created');
    cluster.put('configmaps', { ...stored(), data: {} });
    expect((await run(undefined)).outcome).to.equal('updated');
    expect(cluster.object('configmaps', 'ns/a')).to.deep.include({ data: { k: 'v' } });
  });

  it('throws what the API server refuses, so that a reconcile is retried with backoff, and deletes nothing', async () => {
    const current = cluster.put('configmaps', { ...stored(), data: {} });
    for (const code of [403, 422, 503]) {
      cluster.fail('apply', code);
      expect(apiStatusCode(await run(current).catch((error: unknown) => error)), String(code)).to.equal(code);
    }
    expect(cluster.calls.filter(({ verb }) => verb === 'delete')).to.deep.equal([]);
  });
});
