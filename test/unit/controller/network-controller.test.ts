import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import type { V1Pod } from '@kubernetes/client-node';
import { expect } from 'chai';
import { Subject } from 'rxjs';
import { apiVersion, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import type { Caches } from '../../../src/controller/caches.ts';
import { Controller } from '../../../src/controller/network-controller.ts';
import type { Change } from '../../../src/runtime/informer.ts';
import type { Outcome, Reconciler } from '../../../src/controller/reconciler.ts';
import { WorkQueue } from '../../../src/runtime/work-queue.ts';
import type { KubeObject } from '../../../src/kube/resource.ts';
import { FakeRecorder } from '../../../src/record/core/fake-recorder.ts';
import { network, pod } from '../../support/builders.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

const alice = network({ nodes: 3 });
const owner = { apiVersion, kind, name: 'alice', uid: 'uid-alice', controller: true };

/** A cache that changes when the test says so. */
class TestCache<T extends KubeObject> {
  readonly changes = new Subject<Change<T>>();
  objects: readonly T[] = [];

  all(): readonly T[] {
    return this.objects;
  }

  get(key: string): T | undefined {
    return this.objects.find(({ metadata }) => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}` === key);
  }

  byIndex(): readonly T[] {
    return this.objects;
  }
}

function podOf(ordinal: number, isReady: boolean): V1Pod {
  const made = pod(`alice-sts-${ordinal}`, { isReady });
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'alice-sts', uid: 'uid-sts', controller: true }];
  return { ...made, metadata: { ...made.metadata, ownerReferences } };
}

function child(name: string, fields: object = {}): KubeObject {
  return { metadata: { namespace: 'default', name, uid: `uid-${name}`, ownerReferences: [owner], ...fields } };
}

describe('Controller', () => {
  let clock: Clock;
  let stop: AbortController;
  let running: Promise<void>;
  /** The keys of the reconciles, with their times. */
  let reconciles: [key: string, atMs: number][];
  let asksNodes: boolean;
  let hurries: (AbortSignal | undefined)[];
  let outcome: () => Outcome | Promise<Outcome>;
  let logger: RecordingLogger;
  let recorder: FakeRecorder;
  const caches = () => ({
    networks: new TestCache<KubeObject>(),
    services: new TestCache<KubeObject>(),
    statefulSets: new TestCache<KubeObject>(),
    pods: new TestCache<V1Pod>(),
  });
  let cached: ReturnType<typeof caches>;

  beforeEach(async () => {
    clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    cached = caches();
    cached.networks.objects = [alice];
    stop = new AbortController();
    logger = new RecordingLogger();
    recorder = new FakeRecorder();
    reconciles = [];
    hurries = [];
    asksNodes = false;
    outcome = () => ({ next: 'wait' });
    const reconcile: Reconciler['reconcile'] = (key, _, how) => {
      reconciles.push([key, clock.now]);
      hurries.push(how?.hurry);
      if (asksNodes) how?.onAskingNodes?.();
      return Promise.resolve().then(outcome);
    };
    running = new Controller({
      name: 'test',
      caches: cached as unknown as Caches,
      queue: new WorkQueue({ baseDelayMs: 250, maxDelayMs: 10_000 }),
      reconciler: { reconcile, forgetDeleted: () => undefined } as unknown as Reconciler,
      recorder,
      logger,
      concurrency: 2,
    }).run(stop.signal);
    await clock.tickAsync(0);
  });

  afterEach(async () => {
    stop.abort(new Error('the test is over'));
    await running;
    expect(clock.countTimers()).to.equal(0);
    clock.uninstall();
  });

  /** The times of the reconciles that a change leads to within five seconds, from the change on. */
  async function after(change: () => void): Promise<number[]> {
    reconciles.length = 0;
    const startMs = clock.now;
    change();
    await clock.tickAsync(5_000);
    return reconciles.map(([, atMs]) => atMs - startMs);
  }

  function tellPods(pods: readonly V1Pod[], change: Change<V1Pod>): void {
    cached.pods.objects = pods;
    cached.pods.changes.next(change);
  }

  it('looks at every network at the start', () => {
    expect(reconciles).to.deep.equal([['default/alice', 0]]);
  });

  describe('when a pod changes', () => {
    const [pending, ready] = [podOf(2, false), podOf(2, true)];
    const others = [podOf(0, true), podOf(1, true)];

    it('waits for the next one while nodes have yet to become ready, a second at most', async () => {
      const [first] = others;
      expect(await after(() => tellPods([first!], { type: 'updated', object: first!, old: podOf(0, false) }))).to.deep.equal([
        1_000,
      ]);
    });

    it('looks at once when the last node has become ready, whatever it was waiting for', async () => {
      const times = await after(() => {
        tellPods([...others, pending], { type: 'added', object: pending });
        tellPods([...others, ready], { type: 'updated', object: ready, old: pending });
      });
      expect(times).to.deep.equal([30]);
    });

    it('looks at once when a node is lost: not ready any more, going, or gone', async () => {
      const going = { ...ready, metadata: { ...ready.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } } as unknown as V1Pod;
      expect(await after(() => tellPods([...others, pending], { type: 'updated', object: pending, old: ready }))).to.deep.equal([
        30,
      ]);
      expect(await after(() => tellPods([...others, going], { type: 'updated', object: going, old: ready }))).to.deep.equal([30]);
      expect(await after(() => tellPods(others, { type: 'deleted', object: ready }))).to.deep.equal([30]);
    });

    it('does nothing if nothing changed that anybody reads', async () => {
      const same = { ...ready, metadata: { ...ready.metadata, resourceVersion: '2' } };
      expect(await after(() => tellPods([...others, same], { type: 'updated', object: same, old: ready }))).to.deep.equal([]);
    });

    it('does nothing about pods of others', async () => {
      expect(await after(() => tellPods([], { type: 'added', object: pod('bob-sts-0') }))).to.deep.equal([]);
    });
  });

  describe('when a child changes', () => {
    const before = child('alice-sts', { generation: 1 });

    it('looks at once if it is asked for something else, loses a label, or is gone', async () => {
      const scaled = child('alice-sts', { generation: 2 });
      const relabelled = child('alice-sts', { generation: 1, labels: { app: 'bob' } });
      const { changes } = cached.statefulSets;
      expect(await after(() => changes.next({ type: 'updated', object: scaled, old: before }))).to.deep.equal([0]);
      expect(await after(() => changes.next({ type: 'updated', object: relabelled, old: before }))).to.deep.equal([0]);
      expect(await after(() => changes.next({ type: 'deleted', object: before }))).to.deep.equal([0]);
    });

    it("does nothing about a StatefulSet's status", async () => {
      const counted = { ...child('alice-sts', { generation: 1, resourceVersion: '2' }), status: { readyReplicas: 2 } };
      expect(
        await after(() => cached.statefulSets.changes.next({ type: 'updated', object: counted, old: before })),
      ).to.deep.equal([]);
    });

    it('looks at every change of a Service, which has no generation', async () => {
      const [old, object] = [child('alice-svc'), child('alice-svc', { resourceVersion: '2' })];
      expect(await after(() => cached.services.changes.next({ type: 'updated', object, old }))).to.deep.equal([0]);
    });
  });

  it('looks at a network that is asked for something else, and not at one whose status it wrote', async () => {
    const { changes } = cached.networks;
    const scaled = network({ nodes: 4 }, { generation: 2 });
    const written = { ...alice, metadata: { ...alice.metadata, resourceVersion: '2' }, status: { readyNodes: 1 } };
    expect(await after(() => changes.next({ type: 'updated', object: scaled, old: alice }))).to.deep.equal([0]);
    expect(await after(() => changes.next({ type: 'updated', object: written, old: alice }))).to.deep.equal([]);
  });

  it('tells a failure with its cause, and tries again with growing pauses', async () => {
    outcome = () => {
      throw new Error('get secrets default/x: 500');
    };
    const times = await after(() => cached.services.changes.next({ type: 'added', object: child('alice-svc') }));
    outcome = () => ({ next: 'wait' });
    expect(times).to.deep.equal([0, 250, 750, 1_750, 3_750]);
    expect(recorder.events[0]).to.equal('Warning ReconcileFailed get secrets default/x: 500');
    expect(logger.entries.filter(({ level }) => level === 'error')).to.have.lengthOf(times.length);
    await clock.tickAsync(10_000);
  });

  /** The keys at work after a minute in which no reconcile of three more networks ends, and what ends them all. */
  async function hanging(): Promise<{ readonly keys: readonly string[]; readonly end: () => void }> {
    const ends: ((outcome: Outcome) => void)[] = [];
    outcome = () => new Promise<Outcome>(resolve => ends.push(resolve));
    reconciles.length = 0;
    for (const name of ['bob', 'carol', 'dave'])
      cached.networks.changes.next({ type: 'added', object: network({}, { name, uid: `uid-${name}` }) });
    await clock.tickAsync(60_000);
    const keys = reconciles.map(([key]) => key);
    outcome = () => ({ next: 'wait' });
    return { keys, end: () => ends.forEach(end => end({ next: 'wait' })) };
  }

  it('works on no more networks at the same time than it is told to', async () => {
    const { keys, end } = await hanging();
    expect(keys).to.deep.equal(['default/bob', 'default/carol']);
    end();
    await clock.tickAsync(0);
    expect(reconciles.at(-1)?.[0]).to.equal('default/dave');
  });

  it('goes on with other networks when nodes of as many hang, and ends when they have', async () => {
    asksNodes = true;
    const { keys, end } = await hanging();
    expect(keys).to.deep.equal(['default/bob', 'default/carol', 'default/dave']);
    let hasEnded = false;
    stop.abort(new Error('the test is over'));
    const ended = running.then(() => (hasEnded = true));
    await clock.tickAsync(60_000);
    expect(hasEnded).to.equal(false);
    end();
    expect(await ended).to.equal(true);
  });

  it('hastens the reconcile of a network that changes meanwhile, and no other', async () => {
    let end: (outcome: Outcome) => void = () => undefined;
    outcome = () => new Promise<Outcome>(resolve => (end = resolve));
    const { changes } = cached.networks;
    changes.next({ type: 'added', object: network({}, { name: 'bob', uid: 'uid-bob' }) });
    await clock.tickAsync(0);
    const [bob] = hurries.slice(-1);
    changes.next({ type: 'added', object: network({}, { name: 'carol', uid: 'uid-carol' }) });
    expect(bob?.aborted).to.equal(false);
    changes.next({ type: 'deleted', object: network({}, { name: 'bob', uid: 'uid-bob' }) });
    expect(bob?.aborted).to.equal(true);
    outcome = () => ({ next: 'wait' });
    end({ next: 'wait' });
    await clock.tickAsync(0);
  });

  it('looks again when a reconcile asks for it', async () => {
    outcome = () => (reconciles.length === 1 ? { next: 'again', afterMs: 2_000 } : { next: 'wait' });
    expect(await after(() => cached.services.changes.next({ type: 'added', object: child('alice-svc') }))).to.deep.equal([
      0, 2_000,
    ]);
  });
});
