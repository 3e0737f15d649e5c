// Services besides the headless one, for clients and peers outside the network.
import * as z from 'zod';
import { annotations } from './field-types.ts';

const serviceAnnotations = () =>
  annotations()
    .exactOptional()
    .meta({ description: 'Annotations of the Service, such as those of a load balancer.', absent: 'None.' });

export const servicesSchema = z
  .object({
    p2pPerNode: z
      .object({
        type: z.enum(['NodePort', 'LoadBalancer']).meta({ description: 'The type of the Services.' }),
        annotations: serviceAnnotations(),
        externalTrafficPolicy: z.enum(['Cluster', 'Local']).exactOptional().meta({
          description: 'Local shows the address of a peer to the node, but only the machine of the pod accepts connections.',
          absent: 'Cluster.',
        }),
      })
      .exactOptional()
      .meta({ description: 'A Service for the P2P port of each node, named after its pod: POD-p2p.', absent: 'None.' }),
    rpc: z
      .object({
        type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).meta({ description: 'The type of the Service.' }),
        annotations: serviceAnnotations(),
      })
      .exactOptional()
      .meta({
        description: 'A Service for JSON-RPC of the ready nodes, named NETWORK-rpc. JSON-RPC is not encrypted.',
        absent: 'None.',
      }),
  })
  .meta({ description: 'Services for clients and peers outside the network, besides the headless Service.', absent: 'None.' });
