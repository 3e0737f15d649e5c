// connectNode against a simulated bitcoind at each of several addresses of the loopback, on bitcoind's own port.
import { expect } from 'chai';
import { connectNode } from '../../src/bitcoin/topology/connect-node.ts';
import type { Node } from '../../src/bitcoin/topology/peer-plan.ts';
import { rpcPort } from '../../src/bitcoin/api/names.ts';
import { node } from '../support/builders.ts';
import { SimulatedBitcoind } from '../support/fakes/simulated-bitcoind.ts';

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
