import { expect } from 'chai';
import { chainParametersOf, type ChainSpec } from '../../../../src/bitcoin/resources/chain-parameters.ts';

const challenge = '51';

describe('chainParametersOf', () => {
  for (const [what, spec, expected] of [
    ['regtest without a chain', {}, { chain: 'regtest', rpcPort: 18443, p2pPort: 18444, isClosed: true, maxTipAge: true }],
    [
      'a signet of its own',
      { chain: 'signet', signet: { challenge } },
      { chain: 'signet', rpcPort: 38332, p2pPort: 38333, isClosed: true, maxTipAge: true },
    ],
    [
      'the public signet',
      { chain: 'signet' },
      { chain: 'signet', rpcPort: 38332, p2pPort: 38333, isClosed: false, maxTipAge: false },
    ],
    ['testnet4', { chain: 'testnet4' }, { chain: 'testnet4', rpcPort: 48332, p2pPort: 48333, isClosed: false, maxTipAge: false }],
    ['main', { chain: 'main' }, { chain: 'main', rpcPort: 8332, p2pPort: 8333, isClosed: false, maxTipAge: false }],
  ] as const)
    it(`has the ports of ${what}, and whether its nodes look for peers`, () => {
      expect(chainParametersOf(spec)).to.deep.equal(expected);
    });

  it('does as peerDiscovery says on each chain, which changes nothing else', () => {
    const specs: readonly ChainSpec[] = [{}, { chain: 'main' }, { chain: 'signet', signet: { challenge } }];
    for (const spec of specs) {
      const { isClosed, ...others } = chainParametersOf(spec);
      expect(chainParametersOf({ ...spec, peerDiscovery: 'Disabled' })).to.deep.equal({ ...others, isClosed: true });
      expect(chainParametersOf({ ...spec, peerDiscovery: 'Enabled' })).to.deep.equal({ ...others, isClosed: false });
      expect(isClosed).to.equal(spec.chain !== 'main');
    }
  });
});
