// The status of a network. Only the controller writes it.
import * as z from 'zod';
import { recentHeights } from '../chain/recent-blocks.ts';
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
  version: z
    .string()
    .exactOptional()
    .meta({ description: 'The version of bitcoind, as in Satoshi:29.4.2/Knots:20260210.', absent: 'Not known.' }),
  height: z
    .int()
    .exactOptional()
    .meta({ format: 'int32', description: 'The number of blocks after the genesis block.', absent: 'Not known.' }),
  tip: z
    .string()
    .exactOptional()
    .meta({ description: 'The hash of the newest block of the chain of the node.', absent: 'Not known.' }),
  connections: z.int().exactOptional().meta({
    format: 'int32',
    description: 'The number of its connections when the status was last written for another reason.',
    absent: 'Not known.',
  }),
  chainBytes: z.int().exactOptional().meta({
    format: 'int64',
    description: 'The size of its blocks on disk when the status was last written for another reason.',
    absent: 'Not known.',
  }),
  updated: z.boolean().exactOptional().meta({
    description: 'Whether the pod is as the spec wants it; false while it has yet to be replaced.',
    absent: 'There is no rollout, or it is not known.',
  }),
  externalAddress: z.string().exactOptional().meta({
    description: 'HOST:PORT of the P2P port from outside the cluster: that of the load balancer, or a NodePort of the machine.',
    absent: 'services.p2pPerNode is not set, or the address is not known yet.',
  }),
});

export const count = (description: string) => z.int().meta({ format: 'int32', description });

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
    detourEdges: count('The number of connections that keep the network in one piece while nodes are restarted.').exactOptional(),
  })
  .meta({ description: 'The rollout of a change of the pods.', absent: 'All nodes are up to date.' });

export const dateTime = (description: string) => z.string().meta({ format: 'date-time', description });

const chainStatusSchema = z
  .object({
    name: z.string().meta({ description: 'The chain, such as regtest.' }),
    height: count('The height of the longest chain that a node has.'),
    tip: z.string().meta({ description: 'The hash of the newest block of that chain.' }),
    tips: count(
      'The number of chains that nodes are on. Nodes that only lack the newest blocks of a chain are on it. More than 1 are a fork.',
    ),
    forkDepth: count('The most blocks that a node would have to replace to be on the longest chain.'),
    lost: z
      .object({ height: count('Its height.'), tip: z.string().meta({ description: 'The hash of its newest block.' }) })
      .exactOptional()
      .meta({
        description: 'The chain that no node has any more, as after a drain of all nodes without storage.',
        absent: 'None was lost, or a node is as high again.',
      }),
    blocks: z
      .array(
        z.object({
          height: count('The height of the block.'),
          hash: z.string().meta({ description: 'Its hash.' }),
          parent: z
            .string()
            .exactOptional()
            .meta({ description: 'The hash of the block before it.', absent: 'The block is on the longest chain.' }),
          time: dateTime('The time in its header.'),
          transactions: count('The number of its transactions.'),
          ordinal: count('The ordinal of the node that made it for the controller.')
            .exactOptional()
            .meta({ absent: 'Others had it made, or it is not known.' }),
        }),
      )
      .exactOptional()
      .meta({
        ...listAtomic,
        description: `The newest blocks, the highest first: at most ${recentHeights} of the longest chain, and as many of others of these heights, which nodes have or have replaced.`,
        absent: 'They have not been read.',
      }),
  })
  .meta({
    description: 'The chains of the nodes, as they were reported last. It is updated at most every 10 seconds.',
    absent: 'No node has reported a block.',
  });

const partitionStatusSchema = z
  .object({
    startTime: dateTime('The time at which the network was cut.'),
    startHeight: count('The height of the longest chain when the network was cut.')
      .exactOptional()
      .meta({ absent: 'There were no blocks, or it is not known.' }),
    healTime: dateTime('The time at which the network is healed, or was healed.')
      .exactOptional()
      .meta({ absent: 'It stays cut.' }),
    specHash: z
      .string()
      .meta({ description: 'Identifies the spec.partition, or the cut of an experiment, that the times are of.' }),
    experiment: z
      .string()
      .exactOptional()
      .meta({ description: 'The BitcoinExperiment that cuts the network.', absent: 'spec.partition cuts it.' }),
    parts: z
      .array(
        z.object({
          name: z.string().meta({ description: 'The name of the part.' }),
          nodes: z.string().meta({ description: 'The ordinals of its nodes, such as 0-1, 7.' }),
          height: count('The height of the longest chain in the part.').exactOptional().meta({ absent: 'Not known.' }),
          tip: z.string().exactOptional().meta({ description: 'The hash of its newest block.', absent: 'Not known.' }),
        }),
      )
      .meta({ ...listMap('name'), description: 'The parts.' }),
  })
  .meta({ description: 'The partition of the network.', absent: 'Neither the spec nor an experiment cuts it.' });

const blockProductionStatusSchema = z
  .object({
    produced: count('The number of blocks that the controller had made. It may lack some of the last ten seconds.'),
    last: z
      .object({
        height: count('The height of the block.'),
        hash: z.string().meta({ description: 'Its hash.' }),
        ordinal: count('The ordinal of the node that made it.'),
        time: dateTime('When it was made.'),
      })
      .exactOptional()
      .meta({ description: 'The last block that the controller had made.', absent: 'There is none.' }),
    nextTime: dateTime('When the next block is due.').exactOptional().meta({ absent: 'None is due.' }),
  })
  .meta({
    description: 'The blocks that the controller had made. It is updated at most every 10 seconds.',
    absent: 'The spec has no blockProduction.',
  });

const bootstrapStatusSchema = z
  .object({
    height: count('The height up to which blocks are copied.'),
    hash: z.string().meta({ description: 'The hash of the block at that height. All blocks before it follow from it.' }),
  })
  .meta({
    description: 'The blocks that are copied from another network.',
    absent: 'The spec has no bootstrap, or no node of the other network has the last block yet.',
  });

const walletStatusSchema = z.object({
  name: z.string().meta({ description: 'The name of the wallet.' }),
  ordinals: z
    .array(z.int().meta({ format: 'int32' }))
    .meta({ ...listAtomic, description: 'The nodes on which it has been created, by ordinal.' }),
});

export const conditionSchema = z.object({
  type: z.string().max(316).meta({
    description:
      'Ready, Connected, UpToDate, SpecAccepted, CredentialsAvailable, ChainsAgree, ChainLost, Partitioned, BlocksProduced, Bootstrapped, WalletsReady, StorageReady, Suspended, Expired or Paused.',
  }),
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

export const lastEventSchema = z.object({
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
    storage: z.enum(['Ephemeral', 'Persistent', 'Mixed']).exactOptional().meta({
      description:
        'Where the nodes have their blocks and wallets. Ephemeral: in their pods, and they are lost with them. Persistent: on volumes. Mixed: some nodes have volumes.',
      absent: 'A former release wrote the status, and it has not changed since.',
    }),
    edges: edgesSchema.exactOptional(),
    rollout: rolloutSchema.exactOptional(),
    chain: chainStatusSchema.exactOptional(),
    partition: partitionStatusSchema.exactOptional(),
    blockProduction: blockProductionStatusSchema.exactOptional(),
    bootstrap: bootstrapStatusSchema.exactOptional(),
    wallets: z
      .array(walletStatusSchema)
      .exactOptional()
      .meta({
        ...listMap('name'),
        description: 'The wallets of nodes.',
        absent: 'The spec has no wallets, or none has been created.',
      }),
    conditions: z
      .array(conditionSchema)
      .optional()
      .meta({
        ...listMap('type'),
        description:
          'Ready: as many nodes as the spec wants exist and are ready. Connected: every edge of the topology is connected; without a topology, every node lists every other node and is connected to it. UpToDate: every node runs as the spec wants it. SpecAccepted: the spec can be applied as it is. CredentialsAvailable: the credentials could be read. ChainsAgree: all nodes have the same chain. ChainLost: no node has the chain any more that the network had. Partitioned: the network is cut into parts. BlocksProduced: the blocks of blockProduction are made. Bootstrapped: the blocks of the other network are copied. WalletsReady: the wallets are loaded. StorageReady: the volumes are mounted and have their size. Suspended: spec.suspend is set and no node is left. Expired: the network is being deleted since its time is over. Paused: the controller leaves the network alone.',
      }),
    lastEvents: z
      .array(lastEventSchema)
      .optional()
      .meta({
        ...listAtomic,
        description:
          'The events of the last change of this status and those of the four minutes before it, and EdgesLost until the edges are restored. A restarted controller records those that its predecessor could not, and none twice.',
      }),
  })
  .meta({ description: 'The observed state of the network. Only the controller writes it.' });

export type BitcoinNetworkNode = z.infer<typeof nodeSchema>;
export type BitcoinNetworkChain = z.infer<typeof chainStatusSchema>;
export type BitcoinNetworkBlock = NonNullable<BitcoinNetworkChain['blocks']>[number];
export type BitcoinNetworkPartition = z.infer<typeof partitionStatusSchema>;
export type BitcoinNetworkBlockProduction = z.infer<typeof blockProductionStatusSchema>;
export type BitcoinNetworkBootstrap = z.infer<typeof bootstrapStatusSchema>;
export type BitcoinNetworkWallet = z.infer<typeof walletStatusSchema>;
export type BitcoinNetworkEdges = z.infer<typeof edgesSchema>;
export type BitcoinNetworkRollout = z.infer<typeof rolloutSchema>;
export type BitcoinNetworkCondition = z.infer<typeof conditionSchema>;
export type BitcoinNetworkStatus = z.infer<typeof statusSchema>;
