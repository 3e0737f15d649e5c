import { expect } from 'chai';
import { planExternalPeers } from '../../../../src/bitcoin/topology/external-peers.ts';

const planOf = (peers: Parameters<typeof planExternalPeers>[0], ordinals: readonly number[] = [0, 1]) => {
  const { byOrdinal, problems } = planExternalPeers(peers, ordinals, 18444);
  return { byOrdinal: Object.fromEntries(byOrdinal), problems: problems.map(({ reason, message }) => `${reason}: ${message}`) };
};
const addresses = (...given: string[]) => given.map(address => ({ address }));

describe('planExternalPeers', () => {
  it('gives each node its peers exactly as given, and node 0 those without ordinals', () => {
    const peers = [{ address: 'A.example', ordinals: [1, 0] }, ...addresses('[2001:DB8::1]:1')];
    expect(planOf(peers)).to.deep.equal({ byOrdinal: { 0: ['A.example', '[2001:DB8::1]:1'], 1: ['A.example'] }, problems: [] });
  });

  for (const [one, other] of [
    ['192.0.2.1', '192.0.2.1:18444'],
    ['peer.example:18444', 'Peer.Example'],
    ['[2001:db8::1]', '[2001:DB8:0:0::1]:18444'],
  ] as const)
    it(`leaves ${other} out beside ${one} on the same node, which bitcoind would refuse, and says so`, () => {
      expect(planOf(addresses(one, other))).to.deep.equal({
        byOrdinal: { 0: [one] },
        problems: [`PeerDoubled: externalPeers[${other}]: node 0 connects to that peer already, as externalPeers[${one}]`],
      });
      expect(planOf([{ address: one }, { address: other, ordinals: [1] }]).problems).to.deep.equal([]);
      expect(planOf(addresses(one, `${other.replace(':18444', '')}:9`)).problems).to.deep.equal([]);
    });

  it('leaves out the ninth peer of a node, which bitcoind would not dial, and says so', () => {
    const given = Array.from({ length: 9 }, (_, index) => `192.0.2.${index + 1}`);
    const { byOrdinal, problems } = planOf([...addresses(...given), { address: '192.0.2.9:1', ordinals: [1] }]);
    expect(byOrdinal).to.deep.equal({ 0: given.slice(0, 8), 1: ['192.0.2.9:1'] });
    expect(problems).to.deep.equal([
      'TooManyPeers: externalPeers[192.0.2.9].ordinals: node 0 has 8 external peers already, and bitcoind dials no more',
    ]);
  });

  it('reports an ordinal that no node has, also the default one where all nodes are in groups', () => {
    const peers = [...addresses('192.0.2.1'), { address: '192.0.2.2', ordinals: [101, 7] }];
    expect(planOf(peers, [102, 101, 100]).problems).to.deep.equal([
      'OrdinalUnknown: externalPeers[192.0.2.1].ordinals: there is no node 0 (nodes: 100-102)',
      'OrdinalUnknown: externalPeers[192.0.2.2].ordinals: there is no node 7 (nodes: 100-102)',
    ]);
  });

  it('has no problem without nodes: a network that is scaled to 0 keeps its peers', () => {
    expect(planOf(addresses('192.0.2.1'), []).problems).to.deep.equal([]);
  });
});
