// The status of a network. Only the controller writes it.
import { z } from 'zod';
import { listAtomic, listMap } from './field-types.ts';

/** `edges.missing` names at most so many edges. */
export const maxMissingEdges = 20;

const nodeSchema = z.object({
  ordinal: z.int().meta({ format: 'int32', description: 'The ordinal of the node, which its pod is named by.' }),
  group: z.string().exactOptional().meta({ description: 'The group of the node.', absent: 'The node is in no group.' }),
  ready: z.boolean().meta({ description: 'Whether the pod is Ready: bitcoind answers.' }),
  ip: z.string().meta({ description: 'The IP address of the pod; empty until it has one.' }),
  nodeName: z.string().meta({ description: 'The name of the pod.' }),
  dnsName: z.string().meta({ description: 'The DNS name of the pod within the namespace: POD.SERVICE.' }),
});

const count = (description: string) => z.int().meta({ format: 'int32', description });

const edgesSchema = z
  .object({
    topology: z.string().meta({ description: 'The topology in words, such as Random (degree 3, seed 7).' }),
    wanted: count('The number of edges that the topology has.'),
    connected: count('The number of these edges that are connected, as either end reports.'),
    heldByController: count(
      'The number of edges that only the controller reconnects. bitcoind itself reconnects at most 8 of a node.',
    ),
    missing: z.array(z.string()).meta({
      ...listAtomic,
      description: `Edges that are not connected, by ordinal, such as 3-7. At most ${maxMissingEdges}.`,
    }),
    summary: z.string().meta({ description: 'CONNECTED/WANTED, such as 18/18.' }),
  })
  .meta({ description: 'The edges of the topology.', absent: 'The spec has no topology.' });

const rolloutSchema = z
  .object({
    updatedNodes: count('The number of nodes that have been restarted and are back.'),
    current: z.string().exactOptional().meta({
      description: 'The name of the pod that the rollout waits for.',
      absent: 'It waits for none.',
    }),
  })
  .meta({ description: 'The rollout of a change of the pods.', absent: 'All nodes are up to date.' });

const conditionSchema = z.object({
  type: z.string().max(316).meta({ description: 'Ready, Connected, UpToDate, SpecAccepted, CredentialsAvailable or Paused.' }),
  status: z.enum(['True', 'False', 'Unknown']).meta({ description: 'Whether the condition holds.' }),
  observedGeneration: z
    .int()
    .optional()
    .meta({ format: 'int64', description: 'The metadata.generation that the condition is based on.' }),
  lastTransitionTime: z
    .string()
    .meta({ format: 'date-time', description: 'The last time that the status of the condition changed.' }),
  reason: z.string().max(1024).meta({ description: 'The cause, as one UpperCamelCase word.' }),
  message: z.string().max(32768).meta({ description: 'The cause, for people.' }),
});

const lastEventSchema = z.object({
  name: z.string().max(253).meta({ description: 'The name of the event, in the namespace of the network.' }),
  type: z.enum(['Normal', 'Warning']).meta({ description: 'The type of the event.' }),
  reason: z.string().max(128).meta({ description: 'The cause, as one UpperCamelCase word.' }),
  message: z.string().max(32768).meta({ description: 'The cause, for people.' }),
});

export const statusSchema = z
  .object({
    observedGeneration: z
      .int()
      .optional()
      .meta({ format: 'int64', description: 'The metadata.generation that the status is based on.' }),
    replicas: z
      .int()
      .optional()
      .meta({ format: 'int32', description: 'The number of pods that exist (for the scale subresource).' }),
    readyNodes: z.int().optional().meta({ format: 'int32', description: 'The number of ready nodes.' }),
    selector: z.string().optional().meta({ description: 'The label selector of the pods (for the scale subresource).' }),
    nodes: z
      .array(nodeSchema)
      .optional()
      .meta({ ...listMap('ordinal'), description: 'The nodes that exist, by ordinal.' }),
    edges: edgesSchema.exactOptional(),
    rollout: rolloutSchema.exactOptional(),
    conditions: z
      .array(conditionSchema)
      .optional()
      .meta({
        ...listMap('type'),
        description:
          'Ready: as many nodes as the spec wants exist and are ready. Connected: every edge of the topology is connected; without a topology, every node lists every other node and is connected to it. UpToDate: every node runs as the spec wants it. SpecAccepted: the spec can be applied as it is. CredentialsAvailable: the credentials could be read. Paused: the controller leaves the network alone.',
      }),
    lastEvents: z
      .array(lastEventSchema)
      .optional()
      .meta({
        ...listAtomic,
        description:
          'The events of the last change of this status. A restarted controller records those that its predecessor could not, and none twice.',
      }),
  })
  .meta({ description: 'The observed state of the network. Only the controller writes it.' });

export type BitcoinNetworkNode = z.infer<typeof nodeSchema>;
export type BitcoinNetworkEdges = z.infer<typeof edgesSchema>;
export type BitcoinNetworkRollout = z.infer<typeof rolloutSchema>;
export type BitcoinNetworkCondition = z.infer<typeof conditionSchema>;
export type BitcoinNetworkStatus = z.infer<typeof statusSchema>;
