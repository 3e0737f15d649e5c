import { expect } from 'chai';
import type { BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { statefulSetFor } from '../../../../src/bitcoin/resources/stateful-set.ts';
import { nodeServices } from '../../../../src/bitcoin/resources/service.ts';
import { transitionEvents } from '../../../../src/controller/events/transitions.ts';
import { planNetwork } from '../../../../src/controller/network-plan.ts';
import type { Observation } from '../../../../src/controller/status/observation.ts';
import { statusOf } from '../../../../src/controller/status/status.ts';
import type { CredentialsState } from '../../../../src/controller/steps/credentials.ts';
import { network, node } from '../../../support/builders.ts';

const credentials: CredentialsState = {
  isAvailable: true,
  credentials: { user: 'u', password: 'p' },
  version: 'v',
  reason: 'CredentialsFound',
  message: 'm',
};
const running: Observation = {
  nodes: [node(0), node(1)],
  reports: [0, 1].map(ordinal => ({ node: node(ordinal), isComplete: true, chain: { height: 7, tip: 'ab' } })),
  credentials,
  children: [],
  problems: [],
};
const stopped: Observation = { ...running, nodes: [], reports: [] };
const blockProduction = { intervalSeconds: 10 };
const groups = [{ name: 'old', nodes: 1, ordinals: { start: 100 } }];

const conditionsIn = ({ conditions = [] }: BitcoinNetworkStatus): Record<string, string> =>
  Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
const reasonsOf = (...args: Parameters<typeof transitionEvents>): string[] =>
  transitionEvents(...args).map(({ reason }) => reason);

describe('a suspended network', () => {
  const before = network({ nodes: 2 });
  const suspended = network({ nodes: 2, suspend: true });
  const now = new Date(0);
  const wasRunning = statusOf(before, running, undefined, now);
  const stopping = statusOf(suspended, { ...running, reports: [], nodes: [node(0, { isReady: false })] }, wasRunning, now);
  const isStopped = statusOf(suspended, stopped, stopping, now);

  it('has no Suspended condition before it is suspended for the first time', () => {
    expect(conditionsIn(wasRunning)).not.to.have.property('Suspended');
  });

  it('is Suspended only when no node is left, so that its volumes can be read', () => {
    expect(conditionsIn(stopping)).to.include({ Suspended: 'False Suspending', Ready: 'False Suspended' });
    expect(stopping.conditions?.find(({ type }) => type === 'Suspended')?.message).to.match(/^1 node has yet to stop/);
    expect(conditionsIn(isStopped)).to.include({
      ...{ Suspended: 'True Suspended', Ready: 'False Suspended', Connected: 'False Suspended' },
      CredentialsAvailable: 'True CredentialsFound',
    });
  });

  it('reports its nodes as stopped and itself as suspended, and nothing as lost', () => {
    expect(reasonsOf(suspended, wasRunning, stopping)).to.deep.equal(['NodeStopped']);
    expect(reasonsOf(suspended, stopping, isStopped)).to.deep.equal(['Suspended']);
  });

  it('says in its condition and event that a rollout which was not over ends, and nothing of it otherwise', () => {
    const held = { reason: 'Held', message: 'm', updatedNodes: 1, detourEdges: 0, isUpdated: new Map() } as const;
    const wasHeld = statusOf(before, { ...running, rollout: held }, wasRunning, now);
    const isHeld = statusOf(suspended, stopped, wasHeld, now);
    const later = statusOf(suspended, stopped, isHeld, now);
    const said = [isStopped, isHeld, later].map(
      ({ conditions }) => conditions?.find(({ type }) => type === 'Suspended')?.message,
    );
    const text = 'all nodes are stopped: spec.suspend is set';
    const end = '; the rollout was not over, and all of them start in the new version when they are resumed';
    expect(said).to.deep.equal([text, `${text}${end}`, `${text}${end}`]);
    const messages = transitionEvents(suspended, wasHeld, isHeld).map(({ message }) => message);
    expect(messages).to.include(`All nodes are stopped: spec.suspend is set${end}`);
  });

  it('is Running when it is resumed, which is one event', () => {
    const resumed = statusOf(before, stopped, isStopped, now);
    expect(conditionsIn(resumed)).to.include({ Suspended: 'False Running', Ready: 'False NodesNotReady' });
    expect(reasonsOf(before, isStopped, resumed)).to.deep.equal(['Resumed']);
    expect(reasonsOf(before, resumed, statusOf(before, running, resumed, now))).to.deep.equal(['NodeReady', 'PeersConnected']);
  });

  it('reports no failure of its blocks, neither while it is suspended nor when it is resumed', () => {
    const producing = network({ nodes: 2, blockProduction });
    const paused = network({ nodes: 2, blockProduction, suspend: true });
    const production = { produced: 5, last: undefined, nextMs: undefined, state: { reason: 'Producing' } } as const;
    const was = statusOf(producing, { ...running, production }, undefined, now);
    const is = statusOf(paused, stopped, was, now);
    expect(conditionsIn(is)).to.include({ BlocksProduced: 'False Suspended' });
    expect(is.blockProduction?.produced).to.equal(5);
    expect(reasonsOf(paused, was, is)).not.to.include('BlockProductionFailed');
    const state = { reason: 'ProducerNotReady', message: 'none is ready' } as const;
    const resumed = statusOf(producing, { ...stopped, production: { ...production, state } }, is, now);
    expect(reasonsOf(producing, is, resumed)).to.deep.equal(['Resumed']);
  });

  it('does not take a fork for resolved because its nodes are stopped', () => {
    const was = { ...wasRunning, chain: { name: 'regtest', height: 7, tip: 'ab', tips: 2, forkDepth: 1 } };
    expect(reasonsOf(suspended, was, isStopped)).not.to.include('ForkResolved');
  });

  it('has no nodes and no edges, the same problems of its spec, and the same pod template', () => {
    const spec = { nodes: 3, groups, topology: { type: 'Star' as const, star: { hub: 9 } } };
    const [plan, resumed] = [planNetwork(network({ ...spec, suspend: true })), planNetwork(network(spec))];
    expect(plan.sets.map(({ nodes }) => nodes)).to.deep.equal([0, 0]);
    expect(plan.topology?.edges).to.deep.equal([]);
    expect(plan.problems).to.deep.equal(resumed.problems).and.not.to.deep.equal([]);
    expect(plan.largestInbound).to.equal(resumed.largestInbound);
    for (const [index, set] of plan.sets.entries()) {
      const options = { image: 'bitcoind:1', imagePullPolicy: 'Always', largestInbound: plan.largestInbound };
      const { spec: is } = statefulSetFor(network({ ...spec, suspend: true }), set, 'v', options);
      const { spec: was } = statefulSetFor(network(spec), resumed.sets[index] ?? set, 'v', options);
      expect(is?.replicas).to.equal(0);
      expect(is?.template).to.deep.equal(was?.template);
    }
  });

  it('keeps the Services of its nodes, and with them their addresses', () => {
    const services = { p2pPerNode: { type: 'LoadBalancer' as const } };
    expect(nodeServices(network({ services, suspend: true }))).to.have.length(3);
  });
});
