// Blocks that real bitcoinds make for the controller: at once, as time goes by, and on both sides of a cut.
import { expect } from 'chai';
import { PlayedNetwork } from '../support/played-network.ts';
import { eventually } from '../support/until.ts';

describe('a network of four real bitcoinds that makes blocks', function () {
  this.timeout(180_000);
  let alice: PlayedNetwork;

  before(async () => {
    alice = await PlayedNetwork.start(4, 4);
    alice.control();
    alice.create({ topology: { type: 'FullMesh' }, blockProduction: { initialBlocks: 201 } });
  });
  after(() => alice.stop());

  const height = async (ordinal = 0) => Number(await alice.call(ordinal, { method: 'getblockcount' }));
  /** The script that each block pays to, from a height on. */
  async function scripts(from: number): Promise<string[]> {
    const found: string[] = [];
    for (let at = from; at <= (await height()); at += 1) {
      const hash = await alice.call(0, { method: 'getblockhash', params: [at] });
      const { tx } = (await alice.call(0, { method: 'getblock', params: [hash, 2] })) as {
        tx: { vout: { scriptPubKey: { hex: string } }[] }[];
      };
      found.push(tx[0]!.vout[0]!.scriptPubKey.hex);
    }
    return found;
  }

  it('has the initial blocks, and no more, on all nodes', async () => {
    await eventually(() => alice.condition('BlocksProduced') === 'True InitialBlocksMined');
    await eventually(async () => new Set(await alice.tips()).size === 1);
    expect(await height()).to.equal(201);
    expect(alice.events('InitialBlocksMined')).to.have.length(1);
    expect(alice.events('InitialBlocksMined')[0]).to.include('The chain has its 201 initial blocks');
    expect(alice.status.blockProduction?.produced).to.equal(201);
  });

  it('makes a block a second on each node in turn, on one chain, also with another controller', async () => {
    alice.edit({ blockProduction: { initialBlocks: 201, intervalSeconds: 1 } });
    await eventually(async () => (await height()) >= 205);
    await alice.stopControlling();
    alice.control();
    await eventually(async () => (await height()) >= 212);
    alice.edit({ blockProduction: { initialBlocks: 201, intervalSeconds: 1, paused: true } });
    await eventually(() => alice.condition('BlocksProduced') === 'True Paused');
    await eventually(async () => new Set(await alice.tips()).size === 1);
    const made = await scripts(202);
    // Who makes a block follows from its height.
    expect(made).to.deep.equal(made.map((_, index) => `020${(202 + index) % 4}007551`));
    const tips = (await alice.call(0, { method: 'getchaintips' })) as unknown[];
    expect(tips, 'no second block of a height').to.have.length(1);
    expect(alice.events('BlocksStarted')).to.have.length(1);
    expect(alice.events('BlocksPaused')).to.have.length(1);
  });

  it('makes blocks on both sides of a cut by their share, which one reorganisation joins', async () => {
    const parts = [{ name: 'one', ordinals: [0] }];
    const from = await height();
    alice.edit({ partition: { parts }, blockProduction: { intervalSeconds: 1 } });
    await eventually(async () => (await height(0)) >= from + 3);
    const [minority, majority] = [(await height(0)) - from, (await height(1)) - from];
    expect(majority).to.be.above(minority);
    await eventually(() => alice.condition('ChainsAgree') === 'False Partitioned');
    alice.edit({ partition: undefined, blockProduction: { intervalSeconds: 1, paused: true } });
    await eventually(async () => new Set(await alice.tips()).size === 1);
    await eventually(() => alice.condition('ChainsAgree') === 'True OneTip');
    expect(alice.events('ReorgObserved').map(message => message.split(' ')[0])).to.include('alice-sts-0');
  });
});

describe('a node of real bitcoinds that has no blocks and should make some', function () {
  this.timeout(120_000);
  let carol: PlayedNetwork;
  /** The newest block of those that the network starts with. */
  let initial: string;

  before(async () => {
    carol = await PlayedNetwork.start(3, 35);
    carol.control();
    carol.create({ topology: { type: 'FullMesh' }, blockProduction: { initialBlocks: 101 } });
    await eventually(() => carol.condition('BlocksProduced') === 'True InitialBlocksMined');
    await eventually(async () => new Set(await carol.tips()).size === 1);
    initial = String(await carol.call(0, { method: 'getbestblockhash' }));
    await eventually(() => carol.status.chain?.height === 101);
  });
  after(() => carol.stop());

  const chainsOf = async (ordinal: number) => ((await carol.call(ordinal, { method: 'getchaintips' })) as unknown[]).length;

  it('makes none in a part of its own that lost those of before the cut, and gets these when the network is healed', async () => {
    carol.edit({ partition: { parts: [{ name: 'one', ordinals: [0] }] } });
    await eventually(() => carol.condition('Partitioned') === 'True Cut');
    expect(carol.status.partition?.startHeight).to.equal(101);
    await carol.killNode(0);
    await eventually(() => carol.condition('BlocksProduced') === 'False ProducerNotReady');
    const message = 'alice-sts-0 has 0 of the 101 blocks of the network';
    await eventually(() => carol.status.conditions?.some(each => each.message === message) === true);
    carol.edit({ partition: undefined });
    await eventually(async () => (await carol.tips()).every(tip => tip === initial));
    await eventually(() => carol.condition('BlocksProduced') === 'True InitialBlocksMined');
    expect(await chainsOf(0), 'no chain of its own').to.equal(1);
  });

  it('makes its first one on the chain of the others when it is new and the only producer', async () => {
    carol.edit({ nodes: 4, blockProduction: { initialBlocks: 103, producers: [{ ordinal: 3 }] } });
    await carol.addNode();
    await eventually(async () => (await carol.call(3, { method: 'getblockcount' })) === 103);
    await eventually(async () => new Set(await carol.tips()).size === 1);
    expect(await carol.call(3, { method: 'getblockhash', params: [101] })).to.equal(initial);
    expect(await Promise.all([0, 1, 2, 3].map(chainsOf)), 'no other chain').to.deep.equal([1, 1, 1, 1]);
  });
});

describe('a network of an only real bitcoind', function () {
  this.timeout(60_000);
  let dave: PlayedNetwork;

  before(async () => {
    dave = await PlayedNetwork.start(1, 36);
    dave.control();
    dave.create({ blockProduction: { initialBlocks: 101 } });
    await eventually(() => dave.status.chain?.height === 101);
  });
  after(() => dave.stop());

  it('makes its initial blocks again soon after they are lost with the pod, and not only at the next recheck', async () => {
    await dave.killNode(0);
    await eventually(() => dave.events('ChainLost').length === 1);
    await eventually(async () => (await dave.call(0, { method: 'getblockcount' })) === 101);
  });
});

describe('a network of real bitcoinds, two of which were connected to each other before there were blocks', function () {
  this.timeout(60_000);
  let bob: PlayedNetwork;

  before(async () => {
    bob = await PlayedNetwork.start(3, 31);
    // Each asks the other one for headers, and no other peer, until one of them has a recent header.
    await bob.call(0, { method: 'addnode', params: ['127.0.31.2', 'onetry'] });
    await eventually(async () => ((await bob.call(1, { method: 'getpeerinfo' })) as unknown[]).length === 1);
    await bob.mine(2, 5);
  });
  after(() => bob.stop());

  it('has the blocks on all nodes within seconds, without another block', async () => {
    bob.control();
    bob.create({ topology: { type: 'Line' } });
    await eventually(async () => new Set(await bob.tips()).size === 1);
    await eventually(() => bob.condition('ChainsAgree') === 'True OneTip');
  });
});
