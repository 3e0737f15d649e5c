// A network of real bitcoinds that starts with the blocks of another one, which goes on meanwhile.
import { expect } from 'chai';
import { PlayedNetwork } from '../support/played-network.ts';
import { eventually } from '../support/until.ts';

describe('a network of real bitcoinds that starts with the blocks of another one', function () {
  this.timeout(120_000);
  let golden: PlayedNetwork;
  let alice: PlayedNetwork;

  beforeEach(async () => {
    golden = await PlayedNetwork.start(1, 31, { name: 'golden' });
    alice = await PlayedNetwork.start(2, 32, { beside: golden });
    golden.control();
    golden.create({});
    await golden.mine(0, 300);
  });
  afterEach(async () => {
    await golden.stop();
    await alice.stop();
  });

  /** Empty if the chain is shorter. */
  async function hashOf(network: PlayedNetwork, height: number): Promise<string> {
    if (Number(await network.call(0, { method: 'getblockcount' })) < height) return '';
    return String(await network.call(0, { method: 'getblockhash', params: [height] }));
  }

  it('has exactly the blocks up to the height on all nodes, and is connected then', async () => {
    await golden.mine(0, 20);
    const expected = await hashOf(golden, 300);
    alice.create({ topology: { type: 'FullMesh' }, bootstrap: { network: { name: 'golden' }, height: 300 } });
    await eventually(() => alice.condition('Connected') === 'True EdgesConnected');
    await eventually(async () => new Set(await alice.tips()).size === 1);
    expect(await alice.tips()).to.deep.equal([expected, expected]);
    expect(alice.condition('Bootstrapped')).to.equal('True Copied');
    expect(alice.status.bootstrap).to.deep.equal({ height: 300, hash: expected });
    expect(alice.events('Bootstrapped')).to.have.length(1);
    expect(alice.events('BootstrapFailed')).to.be.empty;
    expect(await alice.call(0, { method: 'getchaintips' })).to.have.length(1);
  });

  it('has the same last block although the other network mines and reorganises meanwhile, and its controller is replaced', async () => {
    await golden.mine(0, 720);
    const expected = await hashOf(golden, 1_000);
    alice.create({ bootstrap: { network: { name: 'golden' }, height: 1_000 } });
    for (const round of [0, 1]) {
      const before = Number(await alice.call(0, { method: 'getblockcount' }));
      await eventually(async () => before === 1_000 || Number(await alice.call(0, { method: 'getblockcount' })) > before);
      await golden.stopControlling();
      golden.control();
      // The branch of the last block is left for another one, which is longer.
      const branch = await hashOf(golden, 1_000 - round);
      await golden.call(0, { method: 'invalidateblock', params: [branch] });
      // Another script: the same one could give the same block.
      const script = `raw(02${(256 + round).toString(16).padStart(4, '0')}7551)`;
      await golden.call(0, { method: 'generatetodescriptor', params: [105 + 2 * round, script] });
    }
    await eventually(() => alice.condition('Connected') === 'True PeersConnected');
    await eventually(async () => new Set(await alice.tips()).size === 1);
    expect(await alice.tips()).to.deep.equal([expected, expected]);
    expect(await hashOf(golden, 1_000)).to.not.equal(expected);
    expect(alice.events('Bootstrapped')).to.have.length(1);
  });

  it('makes no block before it has those of the other network, which is created later, and gets them again when it has lost them', async () => {
    const bootstrap = { network: { name: 'silver' } };
    alice.create({ topology: { type: 'FullMesh' }, bootstrap, blockProduction: { initialBlocks: 310 } });
    await eventually(() => alice.condition('Bootstrapped') === 'False SourceMissing');
    expect(alice.condition('BlocksProduced')).to.equal('False WaitingForBlocks');
    expect(alice.condition('Connected')).to.equal('False WaitingForBlocks');
    const silver = await PlayedNetwork.start(1, 33, { name: 'silver', beside: golden });
    try {
      await silver.mine(0, 300);
      silver.create({});
      const copied = String((await silver.tips())[0]);
      await eventually(() => alice.condition('BlocksProduced') === 'True InitialBlocksMined');
      expect(await hashOf(alice, 300)).to.equal(copied);
      expect(alice.status.blockProduction?.produced).to.equal(10);
      await eventually(() => alice.condition('Connected') === 'True EdgesConnected');
      await Promise.all(alice.bitcoinds.map(bitcoind => bitcoind.killAndRestart()));
      await eventually(() => alice.events('Bootstrapped').length === 2);
      await eventually(() => alice.condition('BlocksProduced') === 'True InitialBlocksMined');
      expect(await hashOf(alice, 300)).to.equal(copied);
      await eventually(async () => (await hashOf(alice, 310)) !== '');
    } finally {
      await silver.stop();
    }
  });
});
