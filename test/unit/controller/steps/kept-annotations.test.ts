import type { V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import { appliedAnnotation, fieldManager } from '../../../../src/bitcoin/api/names.ts';
import { ChildState } from '../../../../src/controller/network-state.ts';
import { keepSpec } from '../../../../src/controller/kept-fields.ts';
import { statefulSets } from '../../../../src/controller/resource-types.ts';
import { applyChild } from '../../../../src/controller/steps/apply-child.ts';
import { keptAnnotations } from '../../../../src/controller/steps/kept-annotations.ts';
import { digestOf, withDigest } from '../../../../src/runtime/digest.ts';
import { EventOutbox } from '../../../../src/runtime/event-outbox.ts';
import { ApiError } from '../../../../src/kube/api-error.ts';
import { FakeRecorder } from '../../../../src/record/core/fake-recorder.ts';
import { network, statefulSetOf } from '../../../support/builders.ts';
import { FakeCluster } from '../../../support/fakes/fake-cluster.ts';

/** Of a StatefulSet that the controller has created with these annotations of the pod template. */
const managedFieldsOf = (...keys: string[]) => {
  const annotations = Object.fromEntries(keys.map(key => [`f:${key}`, {}]));
  const fieldsV1 = { 'f:spec': { 'f:template': { 'f:metadata': { 'f:annotations': annotations } } } };
  return [{ manager: fieldManager, operation: 'Update', fieldsV1 }];
};

const restarted = { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' };

function withTemplateAnnotations(set: V1StatefulSet, annotations: Record<string, string>): V1StatefulSet {
  const { template, ...spec } = set.spec!;
  const metadata = { ...template.metadata, annotations: { ...template.metadata?.annotations, ...annotations } };
  return { ...set, spec: { ...spec, template: { ...template, metadata } } };
}

describe('a StatefulSet that is recreated', () => {
  const { signal } = new AbortController();
  const pods = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };
  const child = {
    type: statefulSets,
    part: 'statefulSets/alice-sts',
    kept: keptAnnotations,
    eventOf: () => undefined,
  } as const;
  const outboxOf = () =>
    new EventOutbox<'status' | `statefulSets/${string}`>({
      ...{ recorder: new FakeRecorder(), lastEventAnnotation: 'last', eventNameAnnotation: 'name', reasons: new Set() },
    });

  it('has the time of kubectl rollout restart of the former one, so that its pods stay, and no other foreign annotation', async () => {
    const cluster = new FakeCluster();
    const desired = statefulSetOf(network(), undefined, pods);
    const foreign = { ...restarted, former: 'of the spec before' };
    const former = withTemplateAnnotations(withDigest({ ...desired, spec: { ...desired.spec!, replicas: 7 } }, 'x'), foreign);
    const cached = cluster.put('statefulsets', { ...former, metadata: { ...former.metadata, uid: 'former' } });
    cluster.fail('apply', new ApiError('apply', 422, { reason: 'Invalid' }));
    const state = new ChildState<V1StatefulSet>(keepSpec);
    const applied = await applyChild(
      { client: cluster, network: network(), outbox: outboxOf(), signal },
      { ...child, state, cached, desired },
    );
    expect(applied.outcome).to.equal('recreated');
    const created = cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet;
    expect(created.spec?.template.metadata?.annotations).to.deep.equal({
      ...desired.spec?.template.metadata?.annotations,
      ...restarted,
    });
    expect(digestOf(created, appliedAnnotation)).to.equal(digestOf(withDigest(desired, appliedAnnotation), appliedAnnotation));
  });

  it('has the annotations of other writers of the former one, and none that the spec had before, and leaves them to these writers', async () => {
    const cluster = new FakeCluster();
    const desired = withTemplateAnnotations(statefulSetOf(network(), undefined, pods), { own: 'of the spec' });
    const reserved = 'bitcoincontroller.christianb93.github.com/configuration';
    const given = { former: 'of the spec before', own: 'another', team: 'a', [reserved]: 'x', ...restarted };
    const changed = withDigest({ ...desired, spec: { ...desired.spec!, replicas: 7 } }, 'x');
    const former = withTemplateAnnotations(changed, given);
    const managedFields = managedFieldsOf('former', 'own');
    const metadata = { ...former.metadata, uid: 'former', managedFields };
    const cached = keepSpec(cluster.put('statefulsets', { ...former, metadata }));
    cluster.fail('apply', new ApiError('apply', 422, { reason: 'Invalid' }));
    cluster.onStored = (_, object) => {
      if (object.metadata?.uid !== 'former') Object.assign(object.metadata!, { managedFields: managedFieldsOf('own', 'team') });
    };
    await applyChild(
      { client: cluster, network: network(), outbox: outboxOf(), signal },
      { ...child, state: new ChildState<V1StatefulSet>(keepSpec), cached, desired },
    );
    const created = cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet;
    expect(created.spec?.template.metadata?.annotations).to.deep.equal({ own: 'of the spec', team: 'a', ...restarted });
    expect(cluster.calls.at(-1)?.options).to.deep.include({
      op: 'remove',
      path: '/metadata/managedFields/0/fieldsV1/f:spec/f:template/f:metadata/f:annotations/f:team',
    });
  });

  it('is created without what the former one kept when a policy refuses that, since there would be none', async () => {
    const cluster = new FakeCluster();
    const desired = statefulSetOf(network(), undefined, pods);
    const replaced = withTemplateAnnotations(desired, restarted);
    const state = new ChildState<V1StatefulSet>(keepSpec);
    state.replaced = replaced;
    let creations = 0;
    cluster.onCall = ({ verb }) => {
      if (verb === 'create' && (creations += 1) === 1) throw new ApiError('create', 403, { reason: 'Forbidden' });
    };
    const applied = await applyChild(
      { client: cluster, network: network(), outbox: outboxOf(), signal },
      { ...child, state, cached: undefined, desired },
    );
    expect([applied.outcome, creations]).to.deep.equal(['recreated', 2]);
    const created = cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet;
    expect(created.spec?.template).to.deep.equal(desired.spec?.template);
  });

  it('is not created while the API server is overloaded, so that its pods stay', async () => {
    const cluster = new FakeCluster();
    const desired = statefulSetOf(network(), undefined, pods);
    const state = new ChildState<V1StatefulSet>(keepSpec);
    state.replaced = withTemplateAnnotations(desired, restarted);
    cluster.fail('create', 503);
    const applied = await applyChild(
      { client: cluster, network: network(), outbox: outboxOf(), signal },
      { ...child, state, cached: undefined, desired },
    );
    expect([applied.outcome, cluster.writes]).to.deep.equal(['failed', ['create statefulsets default/alice-sts']]);
  });
});
