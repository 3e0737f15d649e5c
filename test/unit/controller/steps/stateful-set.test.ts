import type { V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { BitcoinNetwork } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { appliedAnnotation } from '../../../../src/bitcoin/api/names.ts';
import { reasons } from '../../../../src/controller/events/reasons.ts';
import { NetworkState } from '../../../../src/controller/network-state.ts';
import type { CredentialsState } from '../../../../src/controller/steps/credentials.ts';
import { applyStatefulSet, prepareStatefulSet } from '../../../../src/controller/steps/stateful-set.ts';
import { withDigest } from '../../../../src/runtime/digest.ts';
import { FakeRecorder } from '../../../../src/record/core/fake-recorder.ts';
import { defaultSetOf, network, statefulSetOf } from '../../../support/builders.ts';
import { FakeCluster } from '../../../support/fakes/fake-cluster.ts';

const options = { image: 'ours', imagePullPolicy: 'IfNotPresent' } as const;

describe('the StatefulSet of a network', () => {
  const alice = network();
  let cluster: FakeCluster;
  let recorder: FakeRecorder;
  let state: NetworkState;
  beforeEach(() => {
    cluster = new FakeCluster();
    recorder = new FakeRecorder();
    state = new NetworkState(alice, recorder);
  });

  const cached = () => cluster.object('statefulsets', 'default/alice-sts') as V1StatefulSet | undefined;

  /** Whether the last one that was prepared changes more than the gate. */
  let isChanging: boolean | undefined;

  /** Applies it as a reconcile does. @returns what became of it */
  async function apply(partition: number, maxUnavailable?: number): Promise<string> {
    const credentials: CredentialsState = {
      ...{ isAvailable: true as const, reason: reasons.defaultCredentials, message: '', version: undefined },
      credentials: { user: 'user', password: 'password' },
    };
    const prepared = prepareStatefulSet(alice, state, { set: defaultSetOf(alice), cached: cached(), credentials, options });
    if (prepared === undefined) throw new Error('there are no credentials');
    ({ isChanging } = prepared);
    const context = { client: cluster, network: alice, outbox: state.outbox, signal: new AbortController().signal };
    return (await applyStatefulSet(context, state, prepared, { partition, maxUnavailable })).outcome;
  }

  /** Another writer replaces the image, and the partition that goes with it. */
  const rival = (round: number): void => {
    const theirs = statefulSetOf(alice, undefined, { ...options, image: 'theirs', partition: round % 4 });
    const metadata = {
      ...cached()?.metadata,
      annotations: { [appliedAnnotation]: `theirs-${round}` },
      resourceVersion: String(1_000 + round),
    };
    cluster.put('statefulsets', { ...theirs, metadata });
  };

  it('is reverted five times at once, and then after a pause, although the partition is another one each time', async () => {
    expect(await apply(3)).to.equal('created');
    const outcomes: string[] = [];
    for (let round = 1; round <= 7; round += 1) {
      rival(round);
      outcomes.push(await apply((round + 1) % 4));
    }
    expect(outcomes).to.deep.equal(['updated', 'updated', 'updated', 'updated', 'updated', 'contested', 'contested']);
  });

  it('is changed step by step in a rollout without a pause, and without an event, also where admission changes each write', async () => {
    cluster.onStored = (plural, object) => {
      if (plural !== 'statefulsets') return;
      const spec = structuredClone((object as V1StatefulSet).spec);
      const [container] = spec?.template.spec?.containers ?? [];
      if (container !== undefined) container.image = 'mirror/ours';
      Object.assign(object, { spec });
    };
    expect(await apply(12)).to.equal('created');
    await apply(12);
    const written = cluster.writes.length;
    const outcomes: string[] = [];
    for (let partition = 11; partition >= 0; partition -= 1) outcomes.push(await apply(partition));
    expect(outcomes).to.deep.equal(Array.from({ length: 12 }, () => 'updated'));
    expect(cluster.writes.length).to.be.at.least(written + 12);
    expect(recorder.events.filter(event => event.includes('StatefulSetUpdated'))).to.deep.equal([]);
  });

  it('is changed step by step in a rollout without a pause', async () => {
    expect(await apply(3)).to.equal('created');
    const outcomes: string[] = [];
    for (let step = 0; step < 10; step += 1) outcomes.push(await apply(step % 3));
    expect(outcomes).to.deep.equal(Array.from({ length: 10 }, () => 'updated'));
  });

  it('lets more pods be unavailable during a step, as a step, and takes that back with the next one', async () => {
    const rollingUpdate = () => cached()?.spec?.updateStrategy?.rollingUpdate;
    expect(await apply(3)).to.equal('created');
    expect(await apply(2, 2)).to.equal('updated');
    expect(rollingUpdate()).to.deep.equal({ partition: 2, maxUnavailable: 2 });
    expect(await apply(2, 3)).to.equal('updated');
    // As the next process has it, which did not write it.
    state = new NetworkState(alice, recorder);
    expect(await apply(2, 3)).to.equal('unchanged');
    expect(isChanging).to.equal(false);
    expect(await apply(2)).to.equal('updated');
    expect(rollingUpdate()).to.deep.equal({ partition: 2, maxUnavailable: 1 });
    expect(await apply(2)).to.equal('unchanged');
    expect(isChanging).to.equal(false);
    expect(await apply(3)).to.equal('updated');
    expect(rollingUpdate()).to.deep.equal({ partition: 3 });
    expect(await apply(3)).to.equal('unchanged');
    expect(recorder.events.filter(event => event.includes('StatefulSetUpdated'))).to.deep.equal([]);
  });

  it('is written once for a number of unavailable pods that the cluster drops, and no change of it is seen', async () => {
    cluster.onStored = (plural, object) => {
      if (plural !== 'statefulsets') return;
      const spec = structuredClone((object as V1StatefulSet).spec);
      delete spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
      Object.assign(object, { spec });
    };
    expect(await apply(3)).to.equal('created');
    expect(await apply(2, 2)).to.equal('updated');
    const outcomes: string[] = [];
    for (let round = 0; round < 3; round += 1) outcomes.push(await apply(2, 2));
    expect(isChanging).to.equal(false);
    expect(outcomes).to.deep.equal(['unchanged', 'unchanged', 'unchanged']);
    // The next process does not know what the cluster makes of it.
    state = new NetworkState(alice, recorder);
    expect(await apply(2, 2)).to.equal('updated');
    expect(isChanging).to.equal(false);
    expect(await apply(2, 2)).to.equal('unchanged');
    expect(await apply(1)).to.equal('updated');
    expect(recorder.events.filter(event => event.includes('StatefulSetUpdated'))).to.deep.equal([]);
  });

  it('lowers a number of unavailable pods that another writer raises five times at once, and then after a pause', async () => {
    await apply(3);
    const outcomes: string[] = [];
    for (let round = 1; round <= 6; round += 1) {
      const { metadata, spec } = structuredClone(cached()!);
      spec!.updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 3, maxUnavailable: 2 } };
      cluster.put('statefulsets', {
        ...cached()!,
        spec: spec!,
        metadata: { ...metadata, resourceVersion: String(1_000 + round) },
      });
      outcomes.push(await apply(3));
      expect(isChanging).to.equal(false);
    }
    expect(outcomes).to.deep.equal(['updated', 'updated', 'updated', 'updated', 'updated', 'contested']);
    expect(await apply(2)).to.equal('updated');
  });

  it('is not taken for changed where the cluster drops the number of unavailable pods and admission removes the digest', async () => {
    cluster.onStored = (plural, object) => {
      if (plural !== 'statefulsets') return;
      const { metadata, spec } = structuredClone(object as V1StatefulSet);
      delete spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
      delete metadata?.annotations?.[appliedAnnotation];
      Object.assign(object, { metadata, spec });
    };
    expect(await apply(3)).to.equal('created');
    expect(await apply(2, 2)).to.equal('updated');
    for (const [partition, maxUnavailable, outcome] of [
      [2, 2, 'unchanged'],
      [2, 2, 'unchanged'],
      [1, 2, 'updated'],
      [1, 2, 'unchanged'],
      [1, 1, 'updated'],
      [1, 1, 'unchanged'],
      [0, undefined, 'updated'],
      [0, undefined, 'unchanged'],
    ] as const) {
      expect(await apply(partition, maxUnavailable)).to.equal(outcome);
      expect(isChanging).to.equal(false);
    }
    expect(recorder.events.filter(event => event.includes('StatefulSetUpdated'))).to.deep.equal([]);
  });

  it('starts changed pods after a stop, and none that only their number changes', () => {
    const credentials: CredentialsState = {
      ...{ isAvailable: true as const, reason: reasons.defaultCredentials, message: '', version: undefined },
      credentials: { user: 'user', password: 'password' },
    };
    const stopped = statefulSetOf(alice, undefined, { ...options, partition: 0 });
    stopped.spec!.replicas = 0;
    const current = withDigest(stopped, appliedAnnotation);
    const startsChanged = (image: string, isStopped: boolean): boolean | undefined => {
      const input = { set: defaultSetOf(alice), cached: current, credentials, options: { ...options, image }, isStopped };
      return prepareStatefulSet(alice, new NetworkState(alice, recorder), input)?.startsChanged;
    };
    expect(startsChanged('ours', true)).to.equal(false);
    expect(startsChanged('newer', true)).to.equal(true);
    expect(startsChanged('newer', false)).to.equal(false);
  });

  it('starts no pods as changed ones when a resume changes only what becomes of their claims, also where the cluster drops that', () => {
    const credentials: CredentialsState = {
      ...{ isAvailable: true as const, reason: reasons.defaultCredentials, message: '', version: undefined },
      credentials: { user: 'user', password: 'password' },
    };
    const stored = (suspend: boolean, whenDeleted: 'Delete' | 'Retain' = 'Retain') =>
      network({ ...alice.spec, suspend, storage: { size: '1Gi', retention: { whenScaled: 'Delete', whenDeleted } } });
    const stopped = statefulSetOf(stored(true), undefined, { ...options, partition: 0 });
    stopped.spec!.replicas = 0;
    const current = withDigest(stopped, appliedAnnotation);
    const dropping = structuredClone(current);
    delete dropping.spec!.persistentVolumeClaimRetentionPolicy;
    const startsChanged = (resumed: BitcoinNetwork, cached: V1StatefulSet, image = 'ours'): boolean | undefined => {
      const input = { set: defaultSetOf(resumed), cached, credentials, options: { ...options, image }, isStopped: true };
      return prepareStatefulSet(resumed, new NetworkState(resumed, recorder), input)?.startsChanged;
    };
    expect(startsChanged(stored(false), current)).to.equal(false);
    expect(startsChanged(stored(false, 'Delete'), current)).to.equal(false);
    expect(startsChanged(stored(false), dropping)).to.equal(false);
    expect(startsChanged(stored(false), current, 'newer')).to.equal(true);
  });
});
