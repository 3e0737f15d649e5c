// The settings of the nodes: of a network for all of its nodes, and of a group for its own.
import * as z from 'zod';
import { bitcoinConfSchema } from './bitcoin-conf.ts';
import { int32, listSet, quantities } from './field-types.ts';
import { podTemplateSchema } from './pod-template.ts';
import { storageSchema } from './storage.ts';

const resourcesSchema = z
  .object({
    requests: quantities()
      .exactOptional()
      .meta({ description: 'What the container bitcoind requests, such as memory: 64Mi.', absent: 'Those of the chart.' }),
    limits: quantities().exactOptional().meta({
      description:
        'What the container bitcoind is limited to. A memory limit has to hold dbcache, maxmempool and 50 MB more; a node that exceeds it is killed and loses its newest blocks.',
      absent: 'Those of the chart.',
    }),
  })
  .meta({
    description:
      'The resources of the container bitcoind, merged by key with those of the chart and, in a group, of the network. A value of the chart that contradicts one of the network does not apply. A change restarts the nodes.',
    absent: 'As the chart sets them (bitcoind.resources).',
  });

const zmqTopicSchema = z.enum(['hashblock', 'hashtx', 'rawblock', 'rawtx', 'sequence']);

const zmqSchema = z
  .object({
    topics: z
      .array(zmqTopicSchema)
      .min(1)
      .max(5)
      .meta({ ...listSet, description: "The topics, in bitcoind's spelling. Each node publishes all of them on one port." }),
    port: int32(1024, 65_535)
      .exactOptional()
      .meta({
        description: "The port. It may not be one of bitcoind's own.",
        absent: '28332.',
        'x-kubernetes-validations': [
          {
            // RPC, P2P, and the next one, which bitcoind opens on loopback for connections by Tor, also without `listenonion`.
            rule: '!(self in [8332, 8333, 8334, 18443, 18444, 18445, 38332, 38333, 38334, 48332, 48333, 48334])',
            message: "must not be a port of bitcoind's RPC or P2P, or the one after P2P, such as 8332 or 18445; 28332 is usual",
          },
        ],
      }),
  })
  .meta({
    description: 'Notifications by ZeroMQ. The image needs a bitcoind with ZeroMQ. A change restarts the nodes.',
    absent: 'None.',
  });

/** Fields of `spec`, and of each of `spec.groups`. */
export const nodeSettingsSchema = z.object({
  image: z
    .string()
    .min(1)
    .max(512)
    .exactOptional()
    .meta({
      description: 'An image with bitcoind and /bin/sh. Its entrypoint is not used. A change restarts the nodes.',
      absent: 'The image of the chart.',
      'x-kubernetes-validations': [
        {
          rule: String.raw`self.matches('^[^\\s]+$')`,
          message: 'must be the reference of an image, such as registry.example/bitcoin:31.0, without blanks',
        },
      ],
    }),
  imagePullPolicy: z
    .enum(['Always', 'IfNotPresent', 'Never'])
    .exactOptional()
    .meta({ description: 'When the image is pulled. A change restarts the nodes.', absent: 'As the chart sets it.' }),
  resources: resourcesSchema.exactOptional(),
  bitcoinConf: bitcoinConfSchema.exactOptional(),
  zmq: zmqSchema.exactOptional(),
  podTemplate: podTemplateSchema.exactOptional(),
  storage: storageSchema.exactOptional(),
});

export type NodeSettings = z.infer<typeof nodeSettingsSchema>;
