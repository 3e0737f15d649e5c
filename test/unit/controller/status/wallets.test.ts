import { expect } from 'chai';
import type { BitcoinNetworkStatus, BitcoinNetworkWallet } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { walletEvents, walletsIn, walletStates } from '../../../../src/controller/status/wallets.ts';
import { network } from '../../../support/builders.ts';

const alice = network({ nodes: 2, wallets: [{ name: 'miner' }, { name: 'user', ordinals: [0, 1] }] });
const nodes = [0, 1].map(ordinal => ({ ordinal, ready: true, ip: '', nodeName: `alice-sts-${ordinal}`, dnsName: '' }));
const lastTransitionTime = '2026-01-01T00:00:00Z';
const statusOf = (reason: string, wallets: BitcoinNetworkWallet[], message = 'm'): BitcoinNetworkStatus => ({
  ...{ nodes, wallets },
  conditions: [
    { type: 'WalletsReady', status: reason === 'WalletsLoaded' ? 'True' : 'False', reason, message, lastTransitionTime },
  ],
});
const all = [
  { name: 'miner', ordinals: [0] },
  { name: 'user', ordinals: [0, 1] },
];
const eventsOf = (of: typeof alice, was: BitcoinNetworkStatus, is: BitcoinNetworkStatus) =>
  walletEvents(of, was, is).map(({ type, reason, message }) => `${type} ${reason} ${message}`);
const loaded = statusOf('WalletsLoaded', all);

describe('the wallets of a network', () => {
  it('are reported once as lost when a node has them no more', () => {
    const lost = statusOf('LoadingWallets', [{ name: 'user', ordinals: [1] }]);
    expect(eventsOf(alice, loaded, lost)).to.deep.equal([
      'Warning WalletsLost Lost with their coins, and created again: wallet miner on node 0, wallet user on node 0. Nodes with spec.storage keep their wallets',
    ]);
    expect(eventsOf(alice, lost, lost)).to.be.empty;
    expect(eventsOf(alice, lost, loaded)).to.be.empty;
  });

  it('are not lost when they are wanted no more, or their node is', () => {
    const without = network({ nodes: 2, wallets: [{ name: 'user', ordinals: [1] }] });
    expect(eventsOf(without, loaded, statusOf('WalletsLoaded', [{ name: 'user', ordinals: [1] }]))).to.be.empty;
    const scaled = { ...statusOf('WalletsLoaded', [{ name: 'user', ordinals: [1] }]), nodes: nodes.slice(1) };
    expect(eventsOf(alice, loaded, scaled)).to.be.empty;
  });

  it('are reported once when they cannot be loaded', () => {
    const failed = statusOf('WalletFailed', all, 'alice-sts-0: wallet miner: loadwallet: broken (-4)');
    expect(eventsOf(alice, loaded, failed)).to.deep.equal([
      'Warning WalletFailed alice-sts-0: wallet miner: loadwallet: broken (-4)',
    ]);
    expect(eventsOf(alice, failed, failed)).to.be.empty;
  });

  it('stay as they were while they are not known, and are gone with the field', () => {
    expect(walletStates(alice, undefined, loaded)).to.deep.equal({
      WalletsReady: { status: 'True', reason: 'WalletsLoaded', message: 'm' },
    });
    expect(walletsIn(alice, undefined, loaded)).to.deep.equal({ wallets: all });
    expect(walletStates(network(), undefined, loaded)).to.deep.equal({});
    expect(walletsIn(network(), undefined, loaded)).to.deep.equal({});
  });
});
