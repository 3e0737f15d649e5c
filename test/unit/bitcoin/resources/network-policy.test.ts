import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { networkPolicyFor } from '../../../../src/bitcoin/resources/network-policy.ts';
import { network } from '../../../support/builders.ts';

const controllerPods = {
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'controllers' } },
  podSelector: { matchLabels: { app: 'bitcoin-controller' } },
};
const ownPods = { podSelector: { matchLabels: { app: 'alice', 'app.kubernetes.io/managed-by': 'bitcoin-controller' } } };
const policyOf = (spec: Partial<BitcoinNetworkSpec>) => networkPolicyFor(network(spec), [controllerPods])?.spec;
const tcp = (port: number) => ({ port, protocol: 'TCP' });
const dns = { ports: [{ port: 53, protocol: 'UDP' }, tcp(53)] };

describe('networkPolicyFor', () => {
  it('makes none unless the network asks for one', () => {
    expect(networkPolicyFor(network(), [controllerPods])).to.equal(undefined);
  });

  it('lets the controller reach RPC and the nodes of the network one another, and nobody else', () => {
    expect(policyOf({ networkPolicy: {} })).to.deep.equal({
      podSelector: ownPods.podSelector,
      policyTypes: ['Ingress'],
      ingress: [
        { from: [controllerPods], ports: [tcp(18443)] },
        { from: [ownPods], ports: [tcp(18444)] },
      ],
    });
  });

  it('opens RPC and ZMQ to nobody if neither the pods of the controller are known nor others are named', () => {
    const spec = { networkPolicy: {}, zmq: { topics: ['rawtx' as const] } };
    expect(networkPolicyFor(network(spec), [])?.spec?.ingress).to.deep.equal([{ from: [ownPods], ports: [tcp(18444)] }]);
  });

  it('adds rpcFrom to RPC and to the ZMQ ports of all groups, and p2pFrom to P2P', () => {
    const rpcFrom = [{ namespaceSelector: { matchLabels: { team: 'wallet' } } }];
    const p2pFrom = [{ ipBlock: { cidr: '10.0.0.0/8' } }];
    const groups: BitcoinNetworkSpec['groups'] & object = [
      { name: 'old', nodes: 1, ordinals: { start: 9 }, zmq: { topics: ['rawtx'], port: 3000 } },
      { name: 'new', nodes: 1, ordinals: { start: 19 } },
    ];
    expect(
      policyOf({ chain: 'signet', zmq: { topics: ['rawtx'] }, groups, networkPolicy: { rpcFrom, p2pFrom } })?.ingress,
    ).to.deep.equal([
      { from: [controllerPods, ...rpcFrom], ports: [tcp(38332), tcp(28332), tcp(3000)] },
      { from: [ownPods, ...p2pFrom], ports: [tcp(38333)] },
    ]);
  });

  it('restricts egress to DNS and the nodes of a closed network', () => {
    const spec = policyOf({ networkPolicy: { egress: 'Restricted' } });
    expect(spec?.policyTypes).to.deep.equal(['Ingress', 'Egress']);
    expect(spec?.egress).to.deep.equal([dns, { to: [ownPods], ports: [tcp(18444)] }]);
  });

  for (const [what, spec, ports] of [
    ['the port of the chain where nodes look for peers', { chain: 'main' }, [8333]],
    [
      'the ports of external peers, that of the chain by default',
      { externalPeers: ['peer.example:5000', '192.0.2.1', '[2001:db8::1]:6000', '2001:db8::1'].map(address => ({ address })) },
      [5000, 6000, 18444],
    ],
  ] as const)
    it(`opens egress to ${what}`, () => {
      const egress = policyOf({ ...spec, networkPolicy: { egress: 'Restricted' } })?.egress;
      expect(egress?.slice(2)).to.deep.equal([{ ports: ports.map(tcp) }]);
    });
});
