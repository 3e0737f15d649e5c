import { expect } from 'chai';
import { bitcoinConf } from '../../../../src/bitcoin/resources/bitcoin-conf.ts';
import { configMapFor } from '../../../../src/bitcoin/resources/config-map.ts';
import { network } from '../../../support/builders.ts';

const linesOf = (...spec: Parameters<typeof bitcoinConf>): string[] => bitcoinConf(...spec).split('\n');
const closed = ['dnsseed=0', 'fixedseeds=0', 'listenonion=0', 'natpmp=0', 'discover=0', 'connect=0'];

describe('configMapFor', () => {
  it('makes none for a network whose nodes start as the image does', () => {
    expect(configMapFor(network({ secret: 'credentials', podTemplate: {} }))).to.equal(undefined);
  });

  it('has the start script and the configuration, and nothing secret', () => {
    const map = configMapFor(network({ image: 'core:31', secret: 'credentials' }));
    expect(map?.metadata?.name).to.equal('alice-conf');
    expect(Object.keys(map?.data ?? {})).to.deep.equal(['bitcoin.conf', 'start.sh']);
    expect(map?.data?.['start.sh']).to.match(/^#!\/bin\/sh\n/);
    expect(map?.data?.['bitcoin.conf']).not.to.match(/rpcuser|rpcpassword/);
  });

  it('is made for a group too', () => {
    const groups = [{ name: 'old', nodes: 1, ordinals: { start: 9 } }];
    expect(configMapFor(network({ groups }))).not.to.equal(undefined);
  });
});

describe('bitcoinConf', () => {
  it('ends within the section of the chain, where bitcoind takes ports and addresses only', () => {
    const lines = linesOf({ chain: 'testnet4' });
    expect(lines[0]).to.equal('chain=testnet4');
    expect(lines.slice(lines.indexOf('[testnet4]'))).to.deep.equal([
      '[testnet4]',
      'port=48333',
      'rpcport=48332',
      'rpcbind=0.0.0.0',
      'rpcallowip=0.0.0.0/0',
      '',
    ]);
  });

  it('names regtest as bitcoin-cli does, which refuses -regtest beside chain=', () => {
    expect(linesOf({})).to.include('regtest=1').and.not.to.include('chain=regtest');
  });

  it('keeps the nodes of a closed network from looking for peers, and no others', () => {
    expect(linesOf({})).to.include.members(closed);
    expect(linesOf({ chain: 'main', peerDiscovery: 'Disabled' })).to.include.members(closed);
    for (const line of closed) expect(linesOf({ chain: 'main' })).not.to.include(line);
  });

  it('takes the newest block for new at any age on a chain of its own, and not on a public one', () => {
    const line = 'maxtipage=999999999';
    expect(linesOf({})).to.include(line);
    expect(linesOf({ chain: 'signet', signet: { challenge: '51' } })).to.include(line);
    expect(linesOf({ chain: 'signet' })).not.to.include(line);
    expect(linesOf({ chain: 'main', peerDiscovery: 'Disabled' })).not.to.include(line);
  });

  it('has caches that fit the memory of a pod by default: small ones on a chain of its own', () => {
    expect(linesOf({})).to.include.members(['dbcache=4', 'maxmempool=5']);
    expect(linesOf({ chain: 'main' })).to.include.members(['dbcache=100', 'maxmempool=100']);
  });
});
