import { KubeConfig, type V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import { apiStatusCode } from '../../src/kube/api-error.ts';
import { type PodOptions } from '../../src/bitcoin/resources/stateful-set.ts';
import { type Applied, apply, execute, plan } from '../../src/runtime/apply.ts';
import { digestOf, withDigest } from '../../src/runtime/digest.ts';
import { DriftBackoff } from '../../src/runtime/drift-backoff.ts';
import { statefulSets } from '../../src/controller/resource-types.ts';
import { KubeClient } from '../../src/kube/client.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { network, statefulSetOf } from '../support/builders.ts';
import { refuse } from '../support/cluster/policy.ts';
import { RecordingLogger } from '../support/fakes/recording-logger.ts';

const digestAnnotation = 'example.org/applied';
const options = { fieldManager: 'bitcoin-controller', digestAnnotation, recreate: true };
const pods: PodOptions = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };

describe('apply with a real API server', () => {
  let controlPlane: TestControlPlane;
  let client: KubeClient;
  before(async () => {
    controlPlane = await startControlPlane();
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(controlPlane.kubeconfigPath);
    client = new KubeClient({ kubeConfig, logger: new RecordingLogger() });
  });
  after(async () => {
    await client.close();
    await controlPlane.stop();
  });

  let number = 0;
  let name: string;
  beforeEach(() => {
    name = `network-${(number += 1)}`;
  });

  const desired = (secret?: string, podOptions = pods) =>
    statefulSetOf(network(secret === undefined ? {} : { secret }, { name, uid: `uid-${name}` }), secret, podOptions);
  const stored = () => client.get(statefulSets, { namespace: 'default', name: `${name}-sts` });
  const container = (statefulSet: V1StatefulSet) => statefulSet.spec?.template.spec?.containers[0];

  function applied(wanted: V1StatefulSet, current?: V1StatefulSet): Promise<Applied<V1StatefulSet>> {
    return apply(client, statefulSets, wanted, current, options);
  }

  it('removes a field that is no longer desired from an object that it created, such as the Secret of a network', async () => {
    await applied(desired('my-secret'));
    expect(container(await stored())?.env).to.deep.equal([{ name: 'BC_RPC_SECRET', value: 'my-secret' }]);
    const { outcome } = await applied(desired(), await stored());
    expect(outcome).to.equal('updated');
    const now = await stored();
    expect(container(now)?.env).to.equal(undefined);
    expect(container(now)?.envFrom).to.equal(undefined);
    expect(now.spec?.template.metadata?.annotations).to.equal(undefined);
  });

  it('finds the object that it created unchanged', async () => {
    await applied(desired('my-secret'));
    const wanted = withDigest(desired('my-secret'), digestAnnotation);
    expect(plan(statefulSets, wanted, { current: await stored() }, options).kind).to.equal('none');
  });

  it('reports no change for a desired field with its zero value, which the API server leaves out', async () => {
    const { spec, ...rest } = desired();
    const pod = { ...spec!.template.spec!, hostNetwork: false, hostname: '' };
    const wanted = { ...rest, spec: { ...spec!, template: { ...spec!.template, spec: pod } } };
    await applied(wanted);
    // The first change by server-side apply makes the fields of the create its own.
    await applied(wanted, await stored());
    const before = await stored();
    expect((await applied(wanted, before)).outcome).to.equal('unchanged');
    expect((await stored()).metadata?.resourceVersion).to.equal(before.metadata?.resourceVersion);
  });

  it('keeps fields that others added, and reverts fields that others changed', async () => {
    await applied(desired());
    await controlPlane.kubectl('label', 'statefulset', `${name}-sts`, 'team=blue');
    await controlPlane.kubectl('annotate', 'statefulset', `${name}-sts`, 'note=kept');
    await controlPlane.kubectl('scale', 'statefulset', `${name}-sts`, '--replicas=9');
    expect((await applied(desired(), await stored())).outcome).to.equal('updated');
    const now = await stored();
    expect(now.spec?.replicas).to.equal(3);
    expect(now.metadata?.labels).to.include({ team: 'blue' });
    expect(now.metadata?.annotations).to.include({ note: 'kept' });
  });

  it('replaces an object that differs in an immutable field', async () => {
    const older = desired();
    await applied({ ...older, spec: { ...older.spec!, podManagementPolicy: 'OrderedReady' } });
    // No garbage collector runs here to remove the finalizer "orphan", so the deletion is still pending.
    expect((await applied(desired(), await stored())).outcome).to.equal('pending');
    expect((await stored()).metadata?.deletionTimestamp).to.be.a('string');
  });

  it('keeps an object that differs in an immutable field, and throws the refusal, unless it may recreate', async () => {
    const older = desired();
    await applied({ ...older, spec: { ...older.spec!, podManagementPolicy: 'OrderedReady' } });
    const refused = apply(client, statefulSets, desired(), await stored(), { ...options, recreate: false });
    expect(apiStatusCode(await refused.catch((error: unknown) => error))).to.equal(422);
    expect((await stored()).metadata?.deletionTimestamp).to.equal(undefined);
  });

  it('recreates a replaced object once the former one is gone', async () => {
    const older = desired();
    await applied({ ...older, spec: { ...older.spec!, podManagementPolicy: 'OrderedReady' } });
    const before = await stored();
    let replaced: V1StatefulSet | undefined;
    const planned = (current?: V1StatefulSet, isImmutable?: boolean) =>
      plan(statefulSets, withDigest(desired(), digestAnnotation), { current, isImmutable, replaced }, options);
    const update = await execute(client, statefulSets, planned(before), options);
    expect(update).to.deep.equal({ outcome: 'replan', known: { current: before, isImmutable: true } });
    const replacement = await execute(client, statefulSets, planned(before, true), options);
    if (replacement.outcome === 'replan') replaced = replacement.known.replaced;
    expect(replaced).to.deep.equal(before);
    expect(planned(await stored()).kind).to.equal('pending');
    const noFinalizers = ['--type=merge', '--patch={"metadata":{"finalizers":null}}'];
    await controlPlane.kubectl('patch', 'statefulset', `${name}-sts`, ...noFinalizers);
    const recreated = await execute(client, statefulSets, planned(), options);
    expect(recreated).to.deep.include({ outcome: 'recreated', previous: before });
  });

  it('adopts an object that lost its owner, and leaves alone an object that it has not created', async () => {
    await applied(desired());
    const noOwners = ['--type=merge', '--patch={"metadata":{"ownerReferences":null}}'];
    await controlPlane.kubectl('patch', 'statefulset', `${name}-sts`, ...noOwners);
    expect((await applied(desired(), await stored())).outcome).to.equal('updated');
    expect((await stored()).metadata?.ownerReferences?.[0]?.uid).to.equal(`uid-${name}`);

    name = `${name}-foreign`;
    const foreign = desired();
    await client.create(statefulSets, { ...foreign, metadata: { ...foreign.metadata, ownerReferences: [] } });
    expect((await applied(desired(), await stored())).outcome).to.equal('taken');
    expect((await stored()).metadata?.ownerReferences).to.equal(undefined);
  });

  it('keeps an object whose change a policy refuses with the same code, and gives the message of the policy', async () => {
    await applied(desired());
    await forbidImage('forbidden:1');
    const refused = applied(desired(undefined, { ...pods, image: 'forbidden:1' }), await stored());
    expect(String(await refused.catch((error: unknown) => error))).to.contain('not this image');
    expect((await stored()).metadata?.deletionTimestamp).to.equal(undefined);
    expect(container(await stored())?.image).to.equal(pods.image);
  });

  /** Resolves once the API server refuses the image. */
  async function forbidImage(image: string): Promise<void> {
    const probe = statefulSetOf(network({}, { name: 'probe', uid: 'probe' }), undefined, { ...pods, image });
    const expression = `object.spec.template.spec.containers.all(each, each.image != '${image}')`;
    const policy = { name: 'image', group: 'apps', version: 'v1', plural: 'statefulsets', expression, message: 'not this image' };
    await refuse(controlPlane, policy, () =>
      client.create(statefulSets, probe, { isDryRun: true, maxTries: 1 }).then(
        () => false,
        (error: unknown) => apiStatusCode(error) === 422,
      ),
    );
  }

  it('backs off from another writer that keeps changing the object, and names the object', async () => {
    const drift = new DriftBackoff();
    const reverted = async (wanted: V1StatefulSet) => {
      const digest = digestOf(withDigest(wanted, digestAnnotation), digestAnnotation);
      const result = await apply(client, statefulSets, wanted, await stored(), { ...options, driftWaitMs: drift.waitMs(digest) });
      if (result.outcome === 'updated') drift.count(digest);
      return result;
    };
    const ours = desired();
    const theirs = desired(undefined, { ...pods, image: 'bitcoind:2' });
    await applied(ours);
    const outcomes: string[] = [];
    for (let turn = 0; turn < 7; turn += 1) {
      await applied(theirs, await stored());
      const result = await reverted(ours);
      outcomes.push(result.outcome);
      if (result.outcome === 'contested') expect(result.message).to.include(`StatefulSet default/${name}-sts`);
    }
    expect(outcomes).to.deep.equal(['updated', 'updated', 'updated', 'updated', 'updated', 'contested', 'contested']);
    const asked = desired(undefined, { ...pods, image: 'bitcoind:3' });
    expect((await reverted(asked)).outcome).to.equal('updated');
  });
});
