// What a real bitcoind keeps of its chain when it is killed: all blocks that it had when it was asked to write them to disk.
import { expect } from 'chai';
import { rpcPort } from '../../src/bitcoin/api/names.ts';
import type { ChainState } from '../../src/bitcoin/rpc/chain-state.ts';
import { connectNode, type NodeReport } from '../../src/bitcoin/topology/connect-node.ts';
import { node } from '../support/builders.ts';
import { RealBitcoind } from '../support/processes/real-bitcoind.ts';

describe('a node that is killed', function () {
  this.timeout(60_000);
  const credentials = { user: 'user', password: 'password' };
  const ip = '127.0.9.1';
  let bitcoind: RealBitcoind;
  before(async () => {
    bitcoind = await RealBitcoind.start({ ...credentials, ip });
  });
  after(() => bitcoind.stop());

  const mine = (blocks: number) => bitcoind.call({ method: 'generatetodescriptor', params: [blocks, 'raw(51)'] });
  const tip = async () => (await bitcoind.call({ method: 'getblockcount' }, { method: 'getbestblockhash' })) as [number, string];
  const only = node(0, { ip });
  const request = { node: only, nodes: [only], credentials, rpcPort };
  async function ask(flushes: boolean, former?: ChainState): Promise<NodeReport> {
    const report = await connectNode({ ...request, flushes, former }, new AbortController().signal);
    expect(report).to.include({ isComplete: true });
    return report;
  }

  it('has the blocks that it had when it was asked to write them to disk', async () => {
    await mine(20);
    expect(await ask(true)).to.include({ hasFlushed: true });
    const before = await tip();
    await bitcoind.killAndRestart();
    expect(await tip()).to.deep.equal(before);
    expect(before[0]).to.equal(20);
  });

  it('has them also if one of its peers could not be reached when it was asked', async () => {
    await mine(3);
    const unreachable = node(1, { ip: '127.0.9.2' });
    const signal = new AbortController().signal;
    const report = await connectNode({ ...request, nodes: [only, unreachable], flushes: true }, signal);
    expect(report).to.include({ isComplete: false, hasFlushed: true });
    const before = await tip();
    await bitcoind.killAndRestart();
    expect(await tip()).to.deep.equal(before);
  });

  it('has lost blocks that came after that', async () => {
    await mine(5);
    const { chain } = await ask(false);
    await bitcoind.killAndRestart();
    expect((await tip())[0]).to.equal(23);
    expect(await ask(false, chain)).to.include({ knowsFormer: false });
  });

  it('knows blocks that it was asked to take out of its chain, and has no loss by that', async () => {
    const { chain } = await ask(false);
    const [twelfth] = await bitcoind.call({ method: 'getblockhash', params: [12] });
    await bitcoind.call({ method: 'invalidateblock', params: [twelfth] });
    const report = await ask(true, chain);
    expect(report).to.include({ knowsFormer: true });
    expect(report.chain?.height).to.equal(11);
    await bitcoind.killAndRestart();
    expect(await ask(false, chain)).to.include({ knowsFormer: true });
  });
});
