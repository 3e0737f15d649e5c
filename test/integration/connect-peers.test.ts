// connectPeers against a simulated bitcoind at each of several addresses of the loopback, on bitcoind's own port.
import { expect } from 'chai';
import { connectPeers } from '../../src/bitcoin/topology/connect-node.ts';
import type { Node } from '../../src/bitcoin/topology/peer-plan.ts';
import { rpcPort } from '../../src/bitcoin/api/names.ts';
import { node } from '../support/builders.ts';
import { SimulatedBitcoind } from '../support/fakes/simulated-bitcoind.ts';

describe('connectPeers', () => {
  const credentials = { user: 'alice', password: 'pass' };
  let bitcoind: SimulatedBitcoind;

  beforeEach(async () => {
    bitcoind = await SimulatedBitcoind.start({ ...credentials, port: rpcPort });
  });
  afterEach(() => bitcoind.stop());

  const nodesOf = (fields: Partial<Node>): Node[] =>
    [0, 1, 2].map(ordinal => node(ordinal, { ip: `127.0.1.${ordinal + 1}`, ...fields }));
  const completeness = async (nodes: readonly Node[]): Promise<boolean[]> =>
    (await connectPeers(nodes, credentials)).map(({ isComplete }) => isComplete);
  /** Each batch ends by asking for the list. */
  const batches = (nodes: readonly Node[]): unknown[] => nodes.map(({ ip }) => bitcoind.node(ip).calls.get('getaddednodeinfo'));

  it('joins nodes that have just come up by one batch each', async () => {
    const nodes = nodesOf({ isNew: true });
    expect(await completeness(nodes)).to.deep.equal([true, true, true]);
    expect(batches(nodes)).to.deep.equal([1, 1, 1]);
    for (const { ip } of nodes)
      expect([...bitcoind.node(ip).added].sort()).to.deep.equal(nodes.map(other => other.ip).filter(other => other !== ip));
  });

  it('asks a node that was there before for its lists first, and only that once it has all peers', async () => {
    const nodes = nodesOf({ isNew: false });
    expect(await completeness(nodes)).to.deep.equal([true, true, true]);
    expect(batches(nodes)).to.deep.equal([2, 2, 2]);
    expect(await completeness(nodes)).to.deep.equal([true, true, true]);
    expect(batches(nodes)).to.deep.equal([3, 3, 3]);
  });

  it('does not call a new node complete whose list holds somebody else, and mends it once it is asked', async () => {
    bitcoind.node('127.0.1.1').added.add('127.0.1.9');
    expect(await completeness(nodesOf({ isNew: true }))).to.deep.equal([false, true, true]);
    expect(await completeness(nodesOf({ isNew: false }))).to.deep.equal([true, true, true]);
    expect([...bitcoind.node('127.0.1.1').added].sort()).to.deep.equal(['127.0.1.2', '127.0.1.3']);
  });

  it('takes a new node that knows its peers already for complete', async () => {
    const nodes = nodesOf({ isNew: true });
    await completeness(nodes);
    expect(await completeness(nodes)).to.deep.equal([true, true, true]);
  });

  it('leaves a node that does not answer to the next look when there is something newer to do, and joins the others', async () => {
    const nodes = nodesOf({ isNew: false });
    bitcoind.node('127.0.1.2').fault = 'hang';
    const reports = await connectPeers(nodes, credentials, { hurry: AbortSignal.abort() });
    expect(reports.map(({ isComplete }) => isComplete)).to.deep.equal([true, false, true]);
    expect(reports[1]).to.include({ isUnheard: true }).and.not.to.have.property('failure');
  });

  it('does not hold it against a new node that it is still warming up', async () => {
    bitcoind.node('127.0.1.1').fault = 'warmup';
    const [first] = await connectPeers(nodesOf({ isNew: true }), credentials);
    expect(first).to.include({ isComplete: false }).and.not.to.have.property('failure');
  });
});
