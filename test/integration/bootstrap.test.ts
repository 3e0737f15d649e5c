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

  const hashOf = async (network: PlayedNetwork, height: number) =>
    String(await network.call(0, { method: 'getblockhash', params: [height] }));

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
    expect((await alice.call(0, { method: 'getchaintips' })) as unknown[]).to.have.length(1);
  });
});
