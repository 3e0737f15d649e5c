import type { V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { NodeReport } from '../../../../src/bitcoin/topology/connect-node.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import type { PeerPlan } from '../../../../src/controller/nodes/node-target.ts';
import type { ObservedPod } from '../../../../src/controller/pod-cache.ts';
import { observeRollout, type ObservedRollout } from '../../../../src/controller/rollout/observe-rollout.ts';
import { membersFrom } from '../../../support/graph.ts';
import { node, pod } from '../../../support/builders.ts';

const nowMs = Date.parse('2026-01-01T12:00:00Z');
const externalPeers = new Map<number, readonly string[]>();
const mesh: PeerPlan = { topology: undefined, externalPeers };
const star: PeerPlan = { topology: planTopology({ type: 'Star' }, membersFrom(0, 3)), externalPeers };

function setOf(status: object = {}, partition = 3): V1StatefulSet {
  const revisions = { currentRevision: 'old', updateRevision: 'new', observedGeneration: 2 };
  return {
    metadata: { name: 'alice-sts', generation: 2 },
    spec: { updateStrategy: { rollingUpdate: { partition } } } as NonNullable<V1StatefulSet['spec']>,
    status: { replicas: 3, ...revisions, ...status },
  };
}

function podOf(ordinal: number, fields: Parameters<typeof pod>[1] = {}): ObservedPod {
  const made = pod(`alice-sts-${ordinal}`, { ip: `10.0.0.${ordinal + 1}`, ...fields });
  return { ...made, metadata: { ...made.metadata, labels: { ...made.metadata?.labels, 'controller-revision-hash': 'old' } } };
}

const report = (ordinal: number, height: number, peers: readonly number[] = []): NodeReport => ({
  ...{ node: node(ordinal), isComplete: true, askedAtMs: 5, chain: { height, tip: '00' } },
  connections: peers.map(peer => ({ ordinal: peer, inbound: false })) as unknown as NonNullable<NodeReport['connections']>,
});

function observe(current: V1StatefulSet | undefined, observed: Partial<ObservedRollout> = {}) {
  const set = { name: 'alice-sts', start: 0, nodes: 3, settings: {} };
  const pods = [podOf(0), podOf(1), podOf(2)];
  return observeRollout([{ set, current, isChanging: false }], {
    pods,
    reports: [],
    problems: [],
    peers: mesh,
    nowMs,
    ...observed,
  });
}

describe('observeRollout', () => {
  it('gives each pod its revision, and what its node reported', () => {
    const { sets } = observe(setOf(), { reports: [report(1, 300)] });
    const pods = sets[0]?.nodes.map(each => each.pod);
    expect(pods?.map(each => each?.revision)).to.deep.equal(['old', 'old', 'old']);
    expect(pods?.[0]?.report).to.equal(undefined);
    expect(pods?.[1]?.report).to.deep.include({ height: 300, isConnected: true, askedAtMs: 5 });
  });

  it('knows for how long a pod has been ready', () => {
    const pods = [{ ...podOf(0), readySinceMs: nowMs - 4_000 }, podOf(1)];
    const { sets } = observe(setOf(), { pods });
    expect(sets[0]?.nodes.map(each => each.pod?.readyForMs)).to.deep.equal([4_000, undefined, undefined]);
  });

  it('does not take a node that does not answer any more for one that has its chain', () => {
    const failures = [new BitcoinTransportError('timeout', 'no answer'), new BitcoinRpcError('addnode', -1, 'refused')];
    const reports = failures.map((failure, ordinal) => ({ ...report(ordinal, 300), failure }));
    const { sets } = observe(setOf(), { reports });
    expect(sets[0]?.nodes.map(each => each.pod?.report?.height)).to.deep.equal([undefined, 300, undefined]);
  });

  it('knows which node refuses the credentials', () => {
    const failures = [new BitcoinTransportError('unauthorized', 'refused'), new BitcoinTransportError('timeout', 'no answer')];
    const { sets } = observe(setOf(), {
      reports: failures.map((failure, ordinal) => ({ ...report(ordinal, 300), failure })),
    });
    expect(sets[0]?.nodes.map(each => each.pod?.report?.isRefused)).to.deep.equal([true, false, undefined]);
  });

  it('takes the pods of a set for such that keep their data if it has claims already', () => {
    const stored = setOf();
    const spec = { ...stored.spec, volumeClaimTemplates: [{ metadata: { name: 'data' } }] } as NonNullable<V1StatefulSet['spec']>;
    const kept = [setOf(), { ...stored, spec }, undefined].map(current => observe(current).sets[0]?.keepsChain);
    expect(kept).to.deep.equal([false, true, false]);
  });

  it('takes a pod that is being deleted for none', () => {
    const { sets } = observe(setOf(), { pods: [podOf(0, { deletionTimestamp: '2026-01-01T00:00:00Z' })] });
    expect(sets[0]?.nodes.map(each => each.pod)).to.deep.equal([undefined, undefined, undefined]);
  });

  it('leaves out the report of a pod that is not ready any more or has another address', () => {
    const pods = [podOf(0, { isReady: false }), podOf(1, { ip: '10.0.9.9' })];
    const { sets } = observe(setOf(), { pods, reports: [report(0, 300), report(1, 300)] });
    expect(sets[0]?.nodes.map(each => each.pod?.report)).to.deep.equal([undefined, undefined, undefined]);
  });

  it('names the problem of a pod that is not ready', () => {
    const problems = [{ subject: 'alice-sts-0', reason: 'ProbeFailed', cause: 'the probe fails' }] as const;
    const { sets } = observe(setOf(), { pods: [podOf(0, { isReady: false }), podOf(1)], problems });
    expect(sets[0]?.nodes.map(each => each.pod?.problem)).to.deep.equal(['the probe fails', undefined, undefined]);
  });

  it('does not take a pod for one that cannot become ready, whose problem may pass or was that of the pod before it', () => {
    const problems = [{ subject: 'alice-sts-0', reason: 'PodFailed', cause: 'Evicted', mayPass: true }] as const;
    const { sets } = observe(setOf(), { pods: [podOf(0, { isReady: false })], problems });
    expect(sets[0]?.nodes[0]?.pod?.problem).to.equal(undefined);
  });

  it('names why a pod that does not exist cannot be created', () => {
    const cause = 'pods are forbidden: exceeded quota';
    const problems = [0, 1].map(ordinal => ({ subject: `alice-sts-${ordinal}`, reason: 'PodCreateFailed', cause }) as const);
    const { sets } = observe(setOf(), { pods: [podOf(1)], problems });
    expect(sets[0]?.nodes.map(({ createProblem }) => createProblem)).to.deep.equal([cause, undefined, undefined]);
  });

  it('does not know the revisions until the StatefulSet controller has seen the set', () => {
    expect(observe(setOf()).sets[0]?.revisions).to.deep.equal({ current: 'old', update: 'new' });
    expect(observe(setOf({ observedGeneration: 1 })).sets[0]?.revisions).to.equal(undefined);
  });

  it('has the nodes of a set that is left out, whose blocks count for others, and does not know its revisions', () => {
    const set = { name: 'alice-sts', start: 0, nodes: 3, settings: {} };
    const observed = { pods: [podOf(1)], reports: [report(1, 300)], problems: [], peers: mesh, nowMs };
    const { sets } = observeRollout([{ set, current: setOf(), isChanging: false, isLeftOut: true }], observed);
    expect([sets[0]?.revisions, sets[0]?.nodes[1]?.pod?.report?.height]).to.deep.equal([undefined, 300]);
  });

  it('reads the partition: 0 of a set of an older release, and none of a set that does not exist', () => {
    expect(observe(setOf()).sets[0]?.partition).to.equal(3);
    expect(observe({ ...setOf(), spec: {} as never }).sets[0]?.partition).to.equal(0);
    expect(observe(undefined).sets[0]?.partition).to.equal(undefined);
  });

  it('takes a set of an older release for one at rest until somebody changes its pods', () => {
    const set = { name: 'alice-sts', start: 0, nodes: 3, settings: {} };
    const observed = { pods: [], reports: [], problems: [], peers: mesh, nowMs };
    const partitionOf = (current: V1StatefulSet) =>
      observeRollout([{ set, current, isChanging: false, isUngated: true }], observed).sets[0]?.partition;
    expect(partitionOf(setOf({ currentRevision: 'new' }, 0))).to.equal(3);
    expect(partitionOf(setOf({}, 0))).to.equal(0);
  });

  it('takes the blocks of a public chain for those that a node finds again', () => {
    expect(observe(setOf()).sets[0]?.keepsChain).to.equal(false);
    expect(observe(setOf(), { isPublicChain: true }).sets[0]?.keepsChain).to.equal(true);
  });

  it('takes a hub for connected when each ready spoke is, whoever dialled', () => {
    const hubOf = (peers: readonly number[], pods?: ObservedPod[]) =>
      observe(setOf(), { peers: star, reports: [report(0, 1, peers)], ...(pods === undefined ? {} : { pods }) }).sets[0]
        ?.nodes[0];
    expect(hubOf([1])?.pod?.report?.isConnected).to.equal(false);
    expect(hubOf([1, 2])?.pod?.report?.isConnected).to.equal(true);
    expect(hubOf([1], [podOf(0), podOf(1), podOf(2, { isReady: false })])?.pod?.report?.isConnected).to.equal(true);
  });

  it('does not wait for a pod of another set that has the ordinal of a node and is about to stop', () => {
    const former = { ...podOf(2), metadata: { ...podOf(2).metadata, name: 'alice-sts-x-2' } };
    const pods = [podOf(0), podOf(1), podOf(2, { isReady: false }), former];
    const { sets, isSettled } = observe(setOf(), { peers: star, reports: [report(0, 1, [1])], pods });
    expect(sets[0]?.nodes[0]?.pod?.report?.isConnected).to.equal(true);
    expect(isSettled({ from: 0, to: 2 })).to.equal(true);
  });

  it('knows which nodes have a path to one another: all of a mesh, those of a part, and those along the edges', () => {
    expect(observe(setOf()).reachable(1)).to.equal('all');
    const part = { name: 'a', ordinals: [1, 2] };
    const cutInto = { parts: [part], partOf: new Map([[1, part]]), problems: [] };
    expect([...observe(setOf(), { peers: { ...mesh, cutInto } }).reachable(1)]).to.deep.equal([1, 2]);
    const none: PeerPlan = { topology: planTopology({ type: 'None' }, membersFrom(0, 3)), externalPeers };
    expect([...observe(setOf(), { peers: none }).reachable(1)]).to.deep.equal([1]);
    expect([...observe(setOf(), { peers: star }).reachable(1)].sort()).to.deep.equal([0, 1, 2]);
  });

  it('takes a detour for settled when its edges are there, as far as their nodes are ready', () => {
    const { detourAround, isSettled } = observe(setOf(), { peers: star, reports: [report(1, 1, [2])] });
    expect(detourAround(new Set([0]))).to.deep.equal([{ from: 1, to: 2 }]);
    expect(isSettled({ from: 1, to: 2 })).to.equal(true);
    expect(isSettled({ from: 0, to: 1 })).to.equal(false);
    expect(isSettled({ from: 1, to: 7 })).to.equal(true);
  });
});
