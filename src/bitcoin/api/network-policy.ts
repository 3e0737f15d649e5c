// A NetworkPolicy for the nodes of a network.
import type { V1NetworkPolicyPeer } from '@kubernetes/client-node';
import { z } from 'zod';
import { listAtomic, uncheckedObject } from './field-types.ts';

const peers = (description: string, absent: string) =>
  z
    .array(uncheckedObject<V1NetworkPolicyPeer>())
    .max(16)
    .exactOptional()
    .meta({ ...listAtomic, description, absent });

export const networkPolicySchema = z
  .object({
    rpcFrom: peers('Who may connect to JSON-RPC, as `from` of a NetworkPolicy, besides the controller.', 'Nobody else.'),
    p2pFrom: peers('Who may connect to the P2P port, as `from` of a NetworkPolicy, besides the nodes.', 'Nobody else.'),
    egress: z.enum(['Restricted', 'Unrestricted']).exactOptional().meta({
      description: 'Restricted allows the nodes to connect to one another and to DNS, and to nothing else.',
      absent: 'Unrestricted.',
    }),
  })
  .meta({
    description:
      'Creates a NetworkPolicy for the nodes, also if it is empty ({}). The network plugin of the cluster enforces it.',
    absent: 'No NetworkPolicy.',
  });

export type NetworkPolicySpec = z.infer<typeof networkPolicySchema>;
