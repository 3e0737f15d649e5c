// The headless Service of a network.
import type { V1Service } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import { p2pPort, podSelector, rpcPort, serviceName } from '../api/names.ts';
import { ownedMetadata } from './owned-metadata.ts';

/** Gives every node its DNS name, ready or not: a node must be found before it can become ready. */
export function headlessService(network: BitcoinNetwork): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(network, serviceName(network)),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: podSelector(network),
      ports: [
        { name: 'rpc', port: rpcPort, protocol: 'TCP', targetPort: 'rpc' },
        { name: 'p2p', port: p2pPort, protocol: 'TCP', targetPort: 'p2p' },
      ],
    },
  };
}
