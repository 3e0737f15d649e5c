import type { V1Pod } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { Subscription } from 'rxjs';
import { apiVersion, type BitcoinNetwork, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { networkOfPod, networkRequests } from '../../../src/controller/watches.ts';
import type { KubeObject } from '../../../src/kube/resource.ts';
import type { Change } from '../../../src/runtime/object-store.ts';
import { network, pod } from '../../support/builders.ts';
import type { FakeCache } from '../../support/fakes/fake-cache.ts';
import { fakeCaches } from '../../support/fakes/fake-cache.ts';

const alice = network({ nodes: 3 });
const owner = { apiVersion, kind, name: 'alice', uid: 'uid-alice', controller: true };

function podOf(ordinal: number, isReady: boolean): V1Pod {
  const made = pod(`alice-sts-${ordinal}`, { isReady });
  const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'alice-sts', uid: 'uid-sts', controller: true }];
  return { ...made, metadata: { ...made.metadata, ownerReferences } };
}

function child(name: string, fields: object = {}): { metadata: object } {
  return { metadata: { namespace: 'default', name, uid: `uid-${name}`, ownerReferences: [owner], ...fields } };
}

describe('the watches of the controller', () => {
  let caches: ReturnType<typeof fakeCaches>;
  let requests: string[];
  let subscription: Subscription;

  beforeEach(() => {
    caches = fakeCaches();
    caches.networks.put(alice);
    requests = [];
    subscription = networkRequests(caches).subscribe(({ key, afterMs = 0 }) => requests.push(`${key} after ${afterMs} ms`));
  });
  afterEach(() => subscription.unsubscribe());

  /** The requests that a change leads to. */
  function after<T extends KubeObject>(cache: FakeCache<T>, change: Change<T>): string[] {
    requests.length = 0;
    cache.changes.next(change);
    return requests;
  }

  it('request every network at the start', () => {
    expect(requests).to.deep.equal(['default/alice after 0 ms']);
  });

  describe('when a pod changes', () => {
    const [pending, ready] = [podOf(2, false), podOf(2, true)];
    const [first, second] = [podOf(0, true), podOf(1, true)];

    function afterPods(pods: readonly V1Pod[], change: Change<V1Pod>): string[] {
      caches.pods.objects = pods;
      return after(caches.pods, change);
    }

    it('wait a second for further ones while nodes have yet to become ready', () => {
      expect(afterPods([first], { type: 'updated', object: first, old: podOf(0, false) })).to.deep.equal([
        'default/alice after 1000 ms',
      ]);
    });

    it('request the network after 30 ms when the last node has become ready', () => {
      const change: Change<V1Pod> = { type: 'updated', object: ready, old: pending };
      expect(afterPods([first, second, ready], change)).to.deep.equal(['default/alice after 30 ms']);
    });

    it('request the network after 30 ms when its first node is ready that gets blocks of another network', () => {
      caches.networks.put(network({ nodes: 3, bootstrap: { network: { name: 'bob' } } }));
      const change = { type: 'updated', object: first, old: podOf(0, false) } as const;
      expect(afterPods([first], change)).to.deep.equal(['default/alice after 30 ms']);
      expect(afterPods([first, second], change)).to.deep.equal(['default/alice after 1000 ms']);
    });

    it('request the network after 30 ms when a node is lost: not ready any more, being deleted, or gone', () => {
      const deleted = pod('alice-sts-2', { deletionTimestamp: '2026-01-01T00:00:00Z' });
      const terminating = { ...deleted, metadata: { ...ready.metadata, ...deleted.metadata } };
      const others = [first, second];
      for (const [pods, change] of [
        [[...others, pending], { type: 'updated', object: pending, old: ready }],
        [[...others, terminating], { type: 'updated', object: terminating, old: ready }],
        [others, { type: 'deleted', object: ready }],
      ] as const)
        expect(afterPods(pods, change)).to.deep.equal(['default/alice after 30 ms']);
    });

    it('request the network when a pod gets a machine or an address, since what kept it from starting is over', () => {
      const status = { ...pending.status, hostIP: '10.0.0.9' };
      for (const object of [
        { ...pending, status },
        { ...pending, start: { stage: 'scheduled', sinceMs: 0 } as const },
      ])
        expect(afterPods([first, second, object], { type: 'updated', object, old: pending })).to.have.length(1);
    });

    it('ignore a change of fields that no reconcile reads', () => {
      const same = { ...ready, metadata: { ...ready.metadata, resourceVersion: '2' } };
      expect(afterPods([first, second, same], { type: 'updated', object: same, old: ready })).to.deep.equal([]);
    });

    it('ignore the pods of other owners', () => {
      expect(afterPods([], { type: 'added', object: pod('bob-sts-0') })).to.deep.equal([]);
      expect(networkOfPod(podOf(0, true))).to.equal('default/alice');
    });
  });

  describe('when a child changes', () => {
    const before = child('alice-sts', { generation: 1 });

    it('request its network at once if its spec or a label changed, or it is gone', () => {
      for (const change of [
        { type: 'updated', object: child('alice-sts', { generation: 2 }), old: before },
        { type: 'updated', object: child('alice-sts', { generation: 1, labels: { app: 'bob' } }), old: before },
        { type: 'deleted', object: before },
      ] as const)
        expect(after(caches.statefulSets, change)).to.deep.equal(['default/alice after 0 ms']);
    });

    it('request the network that owned it when another writer removed the owner reference', () => {
      const orphan = child('alice-sts', { generation: 1, ownerReferences: [] });
      expect(after(caches.statefulSets, { type: 'updated', object: orphan, old: before })).to.deep.equal([
        'default/alice after 0 ms',
      ]);
    });

    it("ignore a StatefulSet's status", () => {
      const counted = child('alice-sts', { generation: 1, resourceVersion: '2' });
      expect(after(caches.statefulSets, { type: 'updated', object: counted, old: before })).to.deep.equal([]);
    });

    describe('and it is a StatefulSet that its controller has seen, or whose rollout has come further', () => {
      const changes = [
        ['seen', before, { ...before, status: { replicas: 3, observedGeneration: 1 } }],
        [
          'rolled out',
          { ...before, status: { replicas: 3, currentRevision: 'a' } },
          { ...before, status: { replicas: 3, currentRevision: 'b' } },
        ],
      ] as const;

      for (const [name, old, object] of changes) {
        it(`request its network at once while all nodes are ready: ${name}`, () => {
          caches.pods.objects = [0, 1, 2].map(ordinal => podOf(ordinal, true));
          expect(after(caches.statefulSets, { type: 'updated', object, old })).to.deep.equal(['default/alice after 0 ms']);
        });

        it(`request its network after a second while nodes have yet to become ready: ${name}`, () => {
          caches.pods.objects = [podOf(0, true)];
          expect(after(caches.statefulSets, { type: 'updated', object, old })).to.deep.equal(['default/alice after 1000 ms']);
        });
      }
    });

    it('request the network at every change of a Service, which has no generation', () => {
      const [old, object] = [child('alice-svc'), child('alice-svc', { resourceVersion: '2' })];
      expect(after(caches.services, { type: 'updated', object, old })).to.deep.equal(['default/alice after 0 ms']);
    });

    it('request the network when a load balancer has given its Service an address', () => {
      const old = child('alice-sts-0-p2p');
      const object = { ...old, status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } };
      expect(after(caches.services, { type: 'updated', object, old })).to.deep.equal(['default/alice after 0 ms']);
    });
  });

  it('request a network whose spec changed, and not one whose status was written', () => {
    const scaled = network({ nodes: 4 }, { generation: 2 });
    const written: BitcoinNetwork = {
      ...alice,
      metadata: { ...alice.metadata, resourceVersion: '2' },
      status: { readyNodes: 1 },
    };
    expect(after(caches.networks, { type: 'updated', object: scaled, old: alice })).to.deep.equal(['default/alice after 0 ms']);
    expect(after(caches.networks, { type: 'updated', object: written, old: alice })).to.deep.equal([]);
  });
});
