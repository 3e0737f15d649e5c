import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { headlessService, nodeServices, rpcService } from '../../../../src/bitcoin/resources/service.ts';
import { network } from '../../../support/builders.ts';

const ownLabels = { app: 'alice', 'app.kubernetes.io/managed-by': 'bitcoin-controller' };

describe('headlessService', () => {
  const portsOf = (spec: Partial<BitcoinNetworkSpec>) =>
    headlessService(network(spec)).spec?.ports?.map(({ name, port }) => [name, port]);

  it('selects pods by the label of the controller too, so that it selects no pod of others', () => {
    expect(headlessService(network()).spec?.selector).to.deep.equal(ownLabels);
  });

  it('has the ports of the chain, and that of ZMQ if a set publishes', () => {
    expect(portsOf({})).to.deep.equal([
      ['rpc', 18443],
      ['p2p', 18444],
    ]);
    const groups: BitcoinNetworkSpec['groups'] & object = [
      { name: 'old', nodes: 1, ordinals: { start: 9 }, zmq: { topics: ['rawtx'], port: 3000 } },
    ];
    expect(portsOf({ chain: 'main', groups })).to.deep.equal([
      ['rpc', 8332],
      ['p2p', 8333],
      ['zmq', 3000],
    ]);
    expect(portsOf({ zmq: { topics: ['rawtx'] }, groups })?.at(-1)).to.deep.equal(['zmq', 28332]);
  });
});

describe('nodeServices', () => {
  const groups: BitcoinNetworkSpec['groups'] & object = [{ name: 'old', nodes: 2, ordinals: { start: 100 } }];

  it('makes none unless the network asks for them', () => {
    expect(nodeServices(network())).to.deep.equal([]);
  });

  it('makes one for the P2P port of each node, groups included', () => {
    const services = nodeServices(
      network({
        nodes: 3,
        groups,
        services: { p2pPerNode: { type: 'LoadBalancer', annotations: { lb: 'internal' }, externalTrafficPolicy: 'Local' } },
      }),
    );
    expect(services.map(({ metadata }) => metadata?.name)).to.deep.equal([
      'alice-sts-0-p2p',
      'alice-sts-old-100-p2p',
      'alice-sts-old-101-p2p',
    ]);
    expect(services[1]?.metadata?.annotations).to.deep.equal({ lb: 'internal' });
    expect(services[1]?.spec).to.deep.equal({
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      publishNotReadyAddresses: true,
      selector: { ...ownLabels, 'statefulset.kubernetes.io/pod-name': 'alice-sts-old-100' },
      ports: [{ name: 'p2p', port: 18444, protocol: 'TCP', targetPort: 'p2p' }],
    });
  });
});

describe('rpcService', () => {
  it('makes none unless the network asks for it', () => {
    expect(rpcService(network({ services: {} }))).to.equal(undefined);
  });

  it('leads to the RPC port of the nodes that are ready', () => {
    const service = rpcService(network({ chain: 'testnet4', services: { rpc: { type: 'NodePort' } } }));
    expect(service?.metadata?.name).to.equal('alice-rpc');
    expect(service?.metadata).not.to.have.property('annotations');
    expect(service?.spec).to.deep.equal({
      type: 'NodePort',
      selector: ownLabels,
      ports: [{ name: 'rpc', port: 48332, protocol: 'TCP', targetPort: 'rpc' }],
    });
  });
});
