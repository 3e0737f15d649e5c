// connectNode against a simulated bitcoind at each of several addresses of the loopback, on bitcoind's own port.
import { expect } from 'chai';
import { rpcPort } from '../../src/bitcoin/api/names.ts';
import type { TopologySpec } from '../../src/bitcoin/api/topology.ts';
import { connectNode, type NodeReport } from '../../src/bitcoin/topology/connect-node.ts';
import { observeEdges } from '../../src/bitcoin/topology/observe-edges.ts';
import type { Node } from '../../src/bitcoin/topology/peer-plan.ts';
import { peerTargets } from '../../src/bitcoin/topology/peer-target.ts';
import { planTopology } from '../../src/bitcoin/topology/plan-topology.ts';
import { largestInbound, type TopologyPlan } from '../../src/bitcoin/topology/topology-plan.ts';
import { node } from '../support/builders.ts';
import { SimulatedBitcoind } from '../support/fakes/simulated-bitcoind.ts';
import { membersFrom } from '../support/graph.ts';

describe('connectNode', () => {
  const credentials = { user: 'alice', password: 'pass' };
  const { signal } = new AbortController();
  let bitcoind: SimulatedBitcoind;

  beforeEach(async () => {
    bitcoind = await SimulatedBitcoind.start({ ...credentials, port: rpcPort });
  });
  afterEach(() => bitcoind.stop());

  const nodesOf = (fields: Partial<Node>): Node[] =>
    [0, 1, 2].map(ordinal => node(ordinal, { ip: `127.0.1.${ordinal + 1}`, ...fields }));
  const completeness = async (nodes: readonly Node[]): Promise<boolean[]> =>
    (await Promise.all(nodes.map(each => connectNode({ node: each, nodes, credentials, rpcPort }, signal)))).map(
      ({ isComplete }) => isComplete,
    );
  /** Each batch ends by asking for the list. */
  const batches = (nodes: readonly Node[]): unknown[] => nodes.map(({ ip }) => bitcoind.node(ip).calls.get('getaddednodeinfo'));

  it('connects nodes that have just become ready with one batch each', async () => {
    const nodes = nodesOf({ isNew: true });
    expect(await completeness(nodes)).to.deep.equal([true, true, true]);
    expect(batches(nodes)).to.deep.equal([1, 1, 1]);
    for (const { ip } of nodes)
      expect([...bitcoind.node(ip).added].sort()).to.deep.equal(nodes.map(other => other.ip).filter(other => other !== ip));
  });

  it('asks a node that was ready before for its lists first, and for nothing more once it has all peers', async () => {
    const nodes = nodesOf({ isNew: false });
    expect(await completeness(nodes)).to.deep.equal([true, true, true]);
    expect(batches(nodes)).to.deep.equal([2, 2, 2]);
    expect(await completeness(nodes)).to.deep.equal([true, true, true]);
    expect(batches(nodes)).to.deep.equal([3, 3, 3]);
  });

  it('does not report a new node as complete whose list has another address, and removes that when it is asked again', async () => {
    bitcoind.node('127.0.1.1').added.add('127.0.1.9');
    expect(await completeness(nodesOf({ isNew: true }))).to.deep.equal([false, true, true]);
    expect(await completeness(nodesOf({ isNew: false }))).to.deep.equal([true, true, true]);
    expect([...bitcoind.node('127.0.1.1').added].sort()).to.deep.equal(['127.0.1.2', '127.0.1.3']);
  });

  it('reports a new node as complete that has its peers already', async () => {
    const nodes = nodesOf({ isNew: true });
    await completeness(nodes);
    expect(await completeness(nodes)).to.deep.equal([true, true, true]);
  });

  it('reports no failure of a new node that is still warming up', async () => {
    bitcoind.node('127.0.1.1').fault = 'warmup';
    const nodes = nodesOf({ isNew: true });
    const first = await connectNode({ node: nodes[0]!, nodes, credentials, rpcPort }, signal);
    expect(first).to.include({ isComplete: false }).and.not.to.have.property('failure');
  });
});

describe('connectNode with a topology', () => {
  const credentials = { user: 'alice', password: 'pass' };
  const { signal } = new AbortController();
  let bitcoind: SimulatedBitcoind;

  beforeEach(async () => {
    bitcoind = await SimulatedBitcoind.start({ ...credentials, port: rpcPort });
  });
  afterEach(() => bitcoind.stop());

  const ipOf = (ordinal: number): string => `127.0.1.${ordinal + 1}`;
  const nodesOf = (count: number, fields: Partial<Node> = {}): Node[] =>
    membersFrom(0, count).map(({ ordinal }) => node(ordinal, { ip: ipOf(ordinal), ...fields }));
  const planOf = (topology: TopologySpec, nodes: readonly Node[], slots?: () => number) => planTopology(topology, nodes, slots);

  async function connect(
    plan: TopologyPlan,
    nodes: readonly Node[],
    external?: (ordinal: number) => string[],
  ): Promise<NodeReport[]> {
    const targets = peerTargets(plan, nodes, external);
    const request = (each: Node) => ({ node: each, nodes, credentials, rpcPort, target: targets.get(each.ordinal) });
    return await Promise.all(nodes.map(each => connectNode(request(each), signal)));
  }
  const completeness = (reports: readonly NodeReport[]): boolean[] => reports.map(({ isComplete }) => isComplete);
  /** How many batches each node has answered since the last call. Each asks for the list once. */
  function batches(nodes: readonly Node[]): number[] {
    return nodes.map(({ ip }) => {
      const { calls } = bitcoind.node(ip);
      const count = calls.get('getaddednodeinfo') ?? 0;
      calls.clear();
      return count;
    });
  }

  it('gives nodes that have just become ready their connections with one batch each, and reports them', async () => {
    const nodes = nodesOf(4, { isNew: true });
    const plan = planOf({ type: 'Ring' }, nodes);
    const reports = await connect(plan, nodes);
    expect(completeness(reports)).to.deep.equal([true, true, true, true]);
    expect(batches(nodes)).to.deep.equal([1, 1, 1, 1]);
    expect(observeEdges(plan, reports)).to.deep.equal({ wanted: 4, connected: 4, heldByController: 0, missing: [] });
  });

  it('asks each node once after an edit, sends the difference as one batch, and asks once only where nothing differs', async () => {
    const nodes = nodesOf(5);
    await connect(planOf({ type: 'Line' }, nodes), nodes);
    batches(nodes);
    const ring = planOf({ type: 'Ring' }, nodes);
    expect(completeness(await connect(ring, nodes))).to.deep.equal([true, true, true, true, true]);
    // 4 dials 0.
    expect(batches(nodes)).to.deep.equal([1, 1, 1, 1, 2]);
    const reports = await connect(ring, nodes);
    expect(batches(nodes)).to.deep.equal([1, 1, 1, 1, 1]);
    expect(observeEdges(ring, reports)).to.include({ connected: 5 });
  });

  it('does not blame a node for an edge that another one has to dial', async () => {
    const nodes = nodesOf(2);
    bitcoind.node(ipOf(1)).fault = 'reset';
    const plan = planOf({ type: 'Star' }, nodes);
    const reports = await connect(plan, nodes);
    expect(completeness(reports)).to.deep.equal([true, false]);
    expect(observeEdges(plan, reports)).to.deep.equal({ wanted: 1, connected: 0, heldByController: 0, missing: ['0-1'] });
  });

  it('dials an edge again that only the controller holds, without listing it', async () => {
    const nodes = nodesOf(2);
    const plan = planOf({ type: 'Star' }, nodes, () => 0);
    await connect(plan, nodes);
    bitcoind.restart(ipOf(0));
    expect(bitcoind.node(ipOf(1)).connected.size).to.equal(0);
    const reports = await connect(plan, nodes);
    expect(observeEdges(plan, reports)).to.deep.equal({ wanted: 1, connected: 1, heldByController: 1, missing: [] });
    expect(bitcoind.node(ipOf(1)).added.size).to.equal(0);
  });

  it('sees an edge behind source NAT that only its dialled end reports', async () => {
    const nodes = nodesOf(2);
    Object.assign(bitcoind.node(ipOf(1)), { seenAs: '172.16.0.1', uacomment: 'alice-sts-1' });
    const plan = planOf({ type: 'Star' }, nodes);
    await connect(plan, nodes);
    bitcoind.node(ipOf(1)).fault = 'reset';
    expect(observeEdges(plan, await connect(plan, nodes))).to.include({ connected: 1 });
  });

  it('counts the peers from outside, and gives an external peer to the nodes that should have it', async () => {
    const nodes = nodesOf(3);
    const external = (ordinal: number) => (ordinal === 1 ? ['192.0.2.1:18444'] : []);
    bitcoind.node(ipOf(0)).call('addnode', ['192.0.2.9', 'onetry']);
    const reports = await connect(planOf({ type: 'None' }, nodes), nodes, external);
    expect(reports.map(({ isComplete, outsidePeers }) => [isComplete, outsidePeers])).to.deep.equal([
      [true, 1],
      [true, 0],
      [true, 0],
    ]);
    expect(nodes.map(({ ip }) => [...bitcoind.node(ip).added])).to.deep.equal([[], ['192.0.2.1:18444'], []]);
  });

  it('counts the connections of each node, with nodes of the network and with others', async () => {
    const nodes = nodesOf(3);
    bitcoind.node(ipOf(0)).call('addnode', ['192.0.2.9', 'onetry']);
    const plan = planOf({ type: 'Line' }, nodes);
    await connect(plan, nodes);
    expect((await connect(plan, nodes)).map(({ connectionCount }) => connectionCount)).to.deep.equal([2, 2, 1]);
  });

  it('connects a star of 120 nodes if its hub accepts as many as are planned, and by default 114', async () => {
    const nodes = nodesOf(120);
    const plan = planOf({ type: 'Star' }, nodes);
    const missing = async () => observeEdges(plan, await connect(plan, nodes)).missing.length;
    expect(await missing()).to.equal(5);
    bitcoind.node(ipOf(0)).maxConnections = largestInbound(plan) + 16;
    expect(await missing()).to.equal(0);
    expect(completeness(await connect(plan, nodes))).not.to.include(false);
  });
});
