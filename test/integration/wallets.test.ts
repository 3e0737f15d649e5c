// Wallets that real bitcoinds keep for the controller, and the coins of the first blocks.
import { expect } from 'chai';
import type { RpcCall } from '../../src/bitcoin/rpc/rpc-client.ts';
import { PlayedNetwork } from '../support/played-network.ts';
import { eventually } from '../support/until.ts';

describe('a network of real bitcoinds with wallets', function () {
  this.timeout(120_000);
  let alice: PlayedNetwork;
  const paidOnes = [
    { name: 'miner', blocks: 3 },
    { name: 'user', ordinals: [1, 0], blocks: 2 },
  ];

  before(async () => {
    alice = await PlayedNetwork.start(2, 34);
    alice.control();
    const wallets = [...paidOnes, { name: 'empty' }];
    alice.create({ topology: { type: 'FullMesh' }, blockProduction: { initialBlocks: 104 }, wallets });
  });
  after(() => alice.stop());

  const wallet = (name: string, ordinal: number, call: RpcCall) => alice.callWallet(ordinal, name, call);
  const paid = async (name: string, ordinal: number) =>
    ((await wallet(name, ordinal, { method: 'listtransactions', params: ['*', 1_000] })) as unknown[]).length;

  it('has them on their nodes, and the first blocks pay to them, each to one', async () => {
    await eventually(() => alice.condition('WalletsReady') === 'True WalletsLoaded');
    await eventually(() => alice.condition('BlocksProduced') === 'True InitialBlocksMined');
    expect(await alice.call(0, { method: 'listwallets' })).to.have.members(['miner', 'user', 'empty']);
    expect(await alice.call(1, { method: 'listwallets' })).to.have.members(['user']);
    await eventually(async () => (await paid('user', 1)) === 2);
    expect(await paid('miner', 0)).to.equal(3);
    expect(await paid('user', 0)).to.equal(0);
    expect(await paid('empty', 0)).to.equal(0);
    // The first four blocks are a hundred blocks deep: three of the miner's, and one of the user's.
    await eventually(async () => (await wallet('miner', 0, { method: 'getbalance' })) === 150);
    await eventually(async () => (await wallet('user', 1, { method: 'getbalance' })) === 50);
    expect(await alice.call(0, { method: 'getblockcount' })).to.equal(104);
    await eventually(() => alice.status.blockProduction?.produced === 104);
    expect(alice.status.wallets).to.have.deep.members([
      { name: 'miner', ordinals: [0] },
      { name: 'user', ordinals: [0, 1] },
      { name: 'empty', ordinals: [0] },
    ]);
  });

  it('has them loaded when bitcoind is started again, and loads one that was unloaded', async () => {
    await alice.bitcoinds[0]?.restart();
    expect(await alice.call(0, { method: 'listwallets' })).to.have.members(['miner', 'user', 'empty']);
    await alice.call(0, { method: 'unloadwallet', params: ['miner', false] });
    await alice.stopControlling();
    alice.control();
    await eventually(async () => ((await alice.call(0, { method: 'listwallets' })) as string[]).includes('miner'));
    expect(await wallet('miner', 0, { method: 'getbalance' })).to.equal(150);
    expect(alice.events('WalletsLost')).to.be.empty;
  });

  it('creates those again that a node has lost with its data, and reports that once', async () => {
    const before = await alice.call(1, { method: 'getblockcount' });
    await alice.stopControlling();
    await alice.bitcoinds[0]?.restartEmpty();
    alice.control();
    await eventually(() => alice.events('WalletsLost').length > 0);
    await eventually(() => alice.condition('WalletsReady') === 'True WalletsLoaded');
    expect(alice.events('WalletsLost')).to.have.length(1);
    expect(alice.events('WalletsLost')[0]).to.include('wallet miner on node 0, wallet user on node 0, wallet empty on node 0');
    expect(await alice.call(0, { method: 'listwallets' })).to.have.members(['miner', 'user', 'empty']);
    await eventually(async () => (await alice.call(0, { method: 'getblockcount' })) === before);
    expect(await wallet('user', 1, { method: 'getbalance' }), 'of the other node').to.equal(50);
  });

  it('makes the block at once that is to pay to a wallet which is loaded', async () => {
    alice.edit({ wallets: [...paidOnes, { name: 'empty', blocks: 100 }], blockProduction: { initialBlocks: 105 } });
    await eventually(async () => (await paid('empty', 0)) === 1);
  });

  it('makes the blocks of a wallet whose node does not exist as without wallets, and those of the next for that one', async () => {
    const more = [
      { name: 'empty', blocks: 100 },
      { name: 'shop', ordinals: [5], blocks: 1 },
      { name: 'last', blocks: 1 },
    ];
    alice.edit({ wallets: [...paidOnes, ...more], blockProduction: { initialBlocks: 107 } });
    await eventually(async () => (await alice.call(0, { method: 'getblockcount' })) === 107);
    await eventually(async () => (await paid('last', 0)) === 1);
    expect(await paid('empty', 0)).to.equal(1);
    expect(alice.condition('SpecAccepted')).to.equal('False OrdinalUnknown');
  });

  it('says that a bitcoind has no wallets', async () => {
    await alice.stopControlling();
    await alice.bitcoinds[1]?.restart('-disablewallet=1');
    alice.control();
    await eventually(() => alice.condition('WalletsReady') === 'False WalletsUnsupported');
    expect(alice.events('WalletFailed')[0]).to.include('alice-sts-1: its bitcoind has no wallets');
  });
});
