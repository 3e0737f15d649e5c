import { expect } from 'chai';
import type { BitcoinNetworkCondition, BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import type { NodeReport } from '../../../../src/bitcoin/topology/connect-node.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import type { CredentialsState } from '../../../../src/controller/steps/credentials.ts';
import type { Observation } from '../../../../src/controller/status/observation.ts';
import { observeNodes } from '../../../../src/controller/status/pods.ts';
import { isChainProgress, isSameStatus, isUrgent, statusOf } from '../../../../src/controller/status/status.ts';
import { network, node, pod } from '../../../support/builders.ts';

const found: CredentialsState = {
  isAvailable: true,
  credentials: { user: 'u', password: 'p' },
  version: 'v',
  reason: 'CredentialsFound',
  message: 'm',
};
const now = new Date('2026-01-02T03:04:05.678Z');
const complete = (...ordinals: number[]): NodeReport[] => ordinals.map(ordinal => ({ node: node(ordinal), isComplete: true }));
const observation = (fields: Partial<Observation> = {}): Observation => ({
  nodes: [],
  reports: [],
  credentials: found,
  children: [],
  problems: [],
  ...fields,
});
const condition = (status: BitcoinNetworkStatus, type: string): BitcoinNetworkCondition | undefined =>
  status.conditions?.find(c => c.type === type);

describe('observeNodes', () => {
  it('takes the pods of the StatefulSet as nodes, sorted by ordinal and not by name', () => {
    const pods = [pod('alice-sts-10'), pod('alice-sts-9'), pod('alice-sts-2-x'), pod('bob-sts-0'), pod('alice-sts-')];
    expect(observeNodes(network({ nodes: 11 }), pods).map(({ name }) => name)).to.deep.equal(['alice-sts-9', 'alice-sts-10']);
  });

  it('does not take a pod for ready that neither the network nor its StatefulSet asks for', () => {
    const pods = [0, 3, 7].map(ordinal => pod(`alice-sts-${ordinal}`));
    expect(observeNodes(network(), pods, () => 4).map(({ isReady }) => isReady)).to.deep.equal([true, true, false]);
  });

  it('has the node of the set that should have an ordinal after another one of that ordinal', () => {
    const groups = [{ name: 'x', nodes: 2, ordinals: { start: 3 } }];
    const old = pod('alice-sts-3', { deletionTimestamp: '2026-01-01T00:00:00Z' });
    const pods = [pod('alice-sts-x-3', { isReady: false }), old, pod('alice-sts-x-4'), pod('alice-sts-4')];
    const names = observeNodes(network({ nodes: 5, groups }), pods).map(({ name }) => name);
    expect(names).to.deep.equal(['alice-sts-3', 'alice-sts-x-3', 'alice-sts-4', 'alice-sts-x-4']);
  });

  it('does not take a pod that is over for ready: its address may be another pod’s', () => {
    for (const phase of ['Failed', 'Succeeded']) {
      const over = pod('alice-sts-0');
      expect(observeNodes(network(), [{ ...over, status: { ...over.status, phase } }])[0]?.isReady).to.equal(false);
    }
  });

  it('does not take a pod that is being deleted for ready, whatever its condition is', () => {
    const [first] = observeNodes(network(), [pod('alice-sts-0', { deletionTimestamp: '2026-01-01T00:00:00Z' })]);
    expect(first).to.include({ isReady: false, isTerminating: true });
  });
});

describe('observeNodes, of a network that had nodes before', () => {
  it('marks a node as new unless the status lists its address as ready', () => {
    const [was, restarts] = [
      { ordinal: 0, ready: true, ip: '10.0.0.1', nodeName: 'alice-sts-0', dnsName: '' },
      { ordinal: 1, ready: false, ip: '10.0.0.2', nodeName: 'alice-sts-1', dnsName: '' },
    ];
    const before = { ...network(), status: { nodes: [was, restarts] } };
    const pods = [pod('alice-sts-0'), pod('alice-sts-1', { ip: '10.0.0.2' }), pod('alice-sts-2', { ip: '10.0.0.3' })];
    expect(observeNodes(before, pods).map(({ isNew }) => isNew)).to.deep.equal([false, true, true]);
  });
});

describe('statusOf', () => {
  const all = [node(0), node(1), node(2)];

  it('lists the nodes with the fields of the original controller', () => {
    const status = statusOf(network({ nodes: 1 }), observation({ nodes: [node(0)], reports: complete(0) }), undefined, now);
    expect(status.nodes).to.deep.equal([
      { ordinal: 0, ready: true, ip: '10.0.0.1', nodeName: 'alice-sts-0', dnsName: 'alice-sts-0.alice-svc' },
    ]);
  });

  it('says during a rollout which nodes are updated, as it was while that is not known, and nothing of it at rest', () => {
    const isUpdated = new Map(Object.entries({ 'alice-sts-0': false, 'alice-sts-2': true }));
    const rollout = { reason: 'RollingOut', message: '', updatedNodes: 1, isUpdated, detourEdges: 0 } as const;
    const updatedIn = (status: BitcoinNetworkStatus) => status.nodes?.map(({ updated }) => updated);
    const during = statusOf(network(), observation({ nodes: all, rollout }), undefined, now);
    expect(updatedIn(during)).to.deep.equal([false, undefined, true]);
    for (const unknown of [observation({ nodes: all }), { isPaused: true, nodes: all } as const])
      expect(updatedIn(statusOf(network(), unknown, during, now))).to.deep.equal([false, undefined, true]);
    const atRest = observation({ nodes: all, rollout: { ...rollout, reason: 'AllNodesUpdated' } });
    expect(statusOf(network(), atRest, during, now).nodes?.some(status => 'updated' in status)).to.equal(false);
  });

  for (const [what, groups, pods, shown] of [
    [
      'nodes pass to a group',
      [{ name: 'x', nodes: 1, ordinals: { start: 1 } }],
      ['alice-sts-0', 'alice-sts-1', 'alice-sts-x-1'],
      ['alice-sts-0', 'alice-sts-x-1'],
    ],
    ['a group is removed', [], ['alice-sts-x-1', 'alice-sts-0', 'alice-sts-1'], ['alice-sts-0', 'alice-sts-1']],
    [
      'a group has another name',
      [{ name: 'b', nodes: 1, ordinals: { start: 1 } }],
      ['alice-sts-b-1', 'alice-sts-a-1', 'alice-sts-0'],
      ['alice-sts-0', 'alice-sts-b-1'],
    ],
  ] as const)
    it(`has one entry for each ordinal while ${what}: that of the set that should have it`, () => {
      const of = network({ nodes: 2, groups: [...groups] });
      const nodes = observeNodes(
        of,
        pods.map(name => pod(name)),
      );
      const status = statusOf(of, observation({ nodes }), undefined, now);
      expect(status.nodes?.map(({ ordinal, nodeName }) => [ordinal, nodeName])).to.deep.equal([...shown.entries()]);
      expect(status).to.include({ replicas: 3, readyNodes: 2 });
    });

  it('is Ready and Connected when every node is ready and complete', () => {
    const status = statusOf(network(), observation({ nodes: all, reports: complete(0, 1, 2) }), undefined, now);
    expect(condition(status, 'Ready')).to.include({
      status: 'True',
      reason: 'AllNodesReady',
      message: '3 of 3 nodes are ready',
      observedGeneration: 1,
    });
    expect(condition(status, 'Connected')).to.include({
      status: 'True',
      reason: 'PeersConnected',
      lastTransitionTime: '2026-01-02T03:04:05Z',
    });
    expect(status).to.include({
      readyNodes: 3,
      replicas: 3,
      selector: 'app=alice,app.kubernetes.io/managed-by=bitcoin-controller',
      observedGeneration: 1,
    });
  });

  it('is not Connected while the topology names a node that there is not', () => {
    const edges = { topology: 'Star (hub 7)', wanted: 0, connected: 0, heldByController: 0, missing: [], summary: '0/0' };
    const unplanned = { reason: 'OrdinalUnknown', message: 'topology.star.hub: there is no node 7 (nodes: 0-2)' };
    const status = statusOf(network(), observation({ nodes: all, reports: complete(0, 1, 2), edges, unplanned }), undefined, now);
    expect(condition(status, 'Connected')).to.include({ status: 'False', ...unplanned });
  });

  it('is Ready and Connected without nodes when the spec wants none', () => {
    const status = statusOf(network({ nodes: 0 }), observation(), undefined, now);
    expect(condition(status, 'Ready')?.status).to.equal('True');
    expect(condition(status, 'Connected')?.status).to.equal('True');
  });

  it('is not Connected while a node is missing, although the others are connected', () => {
    const status = statusOf(network(), observation({ nodes: all.slice(0, 2), reports: complete(0, 1) }), undefined, now);
    expect(condition(status, 'Connected')).to.include({
      status: 'False',
      reason: 'NodesNotReady',
      message: '2 of 3 nodes are ready',
    });
  });

  it('is not Ready while a surplus node has yet to stop', () => {
    const status = statusOf(network({ nodes: 2 }), observation({ nodes: all, reports: complete(0, 1, 2) }), undefined, now);
    expect(condition(status, 'Ready')?.status).to.equal('False');
  });

  it('gives the message of a policy that refuses the StatefulSet', () => {
    const failed = { outcome: 'failed', message: 'no StatefulSets here', error: new Error() } as const;
    const status = statusOf(network(), observation({ nodes: all.slice(0, 2), children: [failed] }), undefined, now);
    expect(condition(status, 'Ready')).to.include({
      status: 'False',
      reason: 'ReconcileFailed',
      message: 'no StatefulSets here',
    });
  });

  it('names the node and the cause when one fails', () => {
    const failing: NodeReport = { node: node(1), isComplete: false, failure: new BitcoinRpcError('addnode', -31, 'P2P is off') };
    const status = statusOf(network(), observation({ nodes: all, reports: [...complete(0, 2), failing] }), undefined, now);
    expect(condition(status, 'Connected')).to.include({
      status: 'False',
      reason: 'PeerConnectFailed',
      message: 'alice-sts-1 (10.0.0.2): addnode: P2P is off (-31)',
    });
  });

  it('reports refused credentials as such', () => {
    const failing: NodeReport = {
      node: node(0),
      isComplete: false,
      failure: new BitcoinTransportError('unauthorized', 'refused'),
    };
    const status = statusOf(network(), observation({ nodes: all, reports: [failing] }), undefined, now);
    expect(condition(status, 'Connected')?.reason).to.equal('CredentialsRejected');
  });

  it('says that a list of peers is too long to read when it is', () => {
    const failing: NodeReport = { node: node(0), isComplete: false, failure: new BitcoinTransportError('oversized', 'too long') };
    const status = statusOf(network(), observation({ nodes: all, reports: [failing] }), undefined, now);
    expect(condition(status, 'Connected')?.reason).to.equal('PeerListTooLong');
  });

  it('names the cause when the credentials cannot be read', () => {
    const credentials: CredentialsState = {
      isAvailable: false,
      reason: 'CredentialsMissing',
      message: 'Secret default/x (spec.secret) does not exist',
    };
    const status = statusOf(network({ secret: 'x' }), observation({ credentials }), undefined, now);
    for (const type of ['Connected', 'CredentialsAvailable'])
      expect(condition(status, type)).to.include({ status: 'False', reason: 'CredentialsMissing', message: credentials.message });
  });

  it('names the owner of the Service when the name is taken', () => {
    const status = statusOf(
      network(),
      observation({ children: [{ outcome: 'taken', message: 'Service default/alice-svc exists' }] }),
      undefined,
      now,
    );
    expect(condition(status, 'Ready')).to.include({
      status: 'False',
      reason: 'NameTaken',
      message: 'Service default/alice-svc exists',
    });
  });

  it('keeps the transition time of a condition whose status did not change', () => {
    const before = statusOf(network(), observation({ nodes: all.slice(0, 1) }), undefined, now);
    const after = statusOf(network(), observation({ nodes: all.slice(0, 2) }), before, new Date('2026-02-02T00:00:00Z'));
    expect(condition(after, 'Ready')?.lastTransitionTime).to.equal('2026-01-02T03:04:05Z');
    expect(isSameStatus(before, after)).to.equal(false);
  });

  it('equals itself, in whatever order the API server sends its keys', () => {
    const status = statusOf(network(), observation({ nodes: all, reports: complete(0, 1, 2) }), undefined, now);
    const shuffled = JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(status).reverse()))) as BitcoinNetworkStatus;
    expect(isSameStatus(shuffled, status)).to.equal(true);
  });

  it('has the connections and the size of the blocks of each node with its chain, and is equal whatever both are', () => {
    const topology = { type: 'FullMesh' } as const;
    const statusFor = (height: number, fields: Partial<NodeReport>, bytes?: number) => {
      const chain = { height, tip: 'tip', ...(bytes === undefined ? {} : { bytes }) };
      const branch = { height, tip: 'tip', depth: 0, ordinals: [0], behind: [], isCertain: true };
      const chains = { branches: [branch], lagging: [], isCertain: true } as const;
      const reports = [{ node: node(0), isComplete: true, chain, ...fields }];
      return statusOf(network({ nodes: 1, topology }), observation({ nodes: [node(0)], reports, chains }), undefined, now);
    };
    const [before, later] = [statusFor(5, {}), statusFor(5, { connectionCount: 8 }, 1_500)];
    expect(before.nodes?.[0]).not.to.have.any.keys('connections', 'chainBytes');
    expect(later.nodes?.[0]).to.include({ height: 5, connections: 8, chainBytes: 1_500 });
    expect([isSameStatus(before, later), isSameStatus(later, before)]).to.deep.equal([true, true]);
    const further = statusFor(6, { connectionCount: 9 }, 1_800);
    expect([isSameStatus(later, further), isChainProgress(later, further)]).to.deep.equal([false, true]);
  });

  it('equals that of a former release without `storage`, and has it with the next change', () => {
    const status = statusOf(network(), observation({ nodes: all, reports: complete(0, 1, 2) }), undefined, now);
    const { storage, ...former } = status;
    expect(storage).to.equal('Ephemeral');
    expect(isSameStatus(former, status)).to.equal(true);
    const edited = network({ storage: { size: '1Gi' } }, { generation: 2 });
    const after = statusOf(edited, observation({ nodes: all, reports: complete(0, 1, 2) }), status, now);
    expect([isSameStatus(status, after), after.storage]).to.deep.equal([false, 'Persistent']);
  });

  it('is urgent when a node was lost or a condition changed, and not when one more node is ready', () => {
    const status = (count: number) => statusOf(network(), observation({ nodes: all.slice(0, count) }), undefined, now);
    expect(isUrgent(undefined, status(0))).to.equal(true);
    expect(isUrgent(status(1), status(2))).to.equal(false);
    expect(isUrgent(status(2), status(1))).to.equal(true);
    expect(isUrgent(status(2), status(3))).to.equal(true);
  });

  it('is not urgent when the first nodes of a network that comes up are the first whose chains agree, and is when they disagree', () => {
    const status = (count: number) => statusOf(network(), observation({ nodes: all.slice(0, count) }), undefined, now);
    const withChains = (count: number, agree: 'True' | 'False') => {
      const { conditions = [], ...rest } = status(count);
      const own = { type: 'ChainsAgree', status: agree, reason: 'x', message: '', lastTransitionTime: '', observedGeneration: 1 };
      return { ...rest, conditions: [...conditions, own] };
    };
    expect(isUrgent(status(0), withChains(1, 'True'))).to.equal(false);
    expect(isUrgent(status(0), withChains(1, 'False'))).to.equal(true);
    expect(isUrgent(withChains(1, 'False'), withChains(2, 'True'))).to.equal(true);
    expect(isUrgent(withChains(1, 'True'), status(2))).to.equal(true);
  });
});
