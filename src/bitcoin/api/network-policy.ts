// A NetworkPolicy for the nodes of a network.
import type { V1NetworkPolicyPeer } from '@kubernetes/client-node';
import * as z from 'zod';
import { listAtomic, uncheckedObject } from './field-types.ts';

const peers = (description: string, absent: string) =>
  z
    .array(uncheckedObject<V1NetworkPolicyPeer>())
    .max(16)
    .exactOptional()
    .meta({ ...listAtomic, description, absent });

export const networkPolicySchema = z
  .object({
    rpcFrom: peers(
      'Who may connect to JSON-RPC and ZeroMQ besides the controller, as `from` of a NetworkPolicy.',
      'Nobody else.',
    ),
    p2pFrom: peers(
      'Who may connect to the P2P port besides the nodes of the network, as `from` of a NetworkPolicy.',
      'Nobody else.',
    ),
    egress: z.enum(['Restricted', 'Unrestricted']).exactOptional().meta({
      description:
        'Restricted allows the nodes to connect to one another, to DNS, to the ports of externalPeers and, with peerDiscovery, to the P2P port of the chain.',
      absent: 'Unrestricted.',
    }),
  })
  .meta({
    description:
      'Creates the NetworkPolicy NETWORK-netpol for the nodes, also if it is empty ({}). It has an effect only if the network plugin of the cluster enforces it.',
    absent: 'No NetworkPolicy.',
  });

export type NetworkPolicySpec = z.infer<typeof networkPolicySchema>;
