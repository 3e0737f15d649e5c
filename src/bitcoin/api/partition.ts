// The partition of a network: which nodes are cut off from which others, and for how long.
import * as z from 'zod';
import { int32, listMap, listSet, ordinal } from './field-types.ts';

/** The name of the part of the nodes that no part names. */
export const restPart = 'rest';

const partSchema = z
  .object({
    name: z
      .string()
      .min(1)
      .max(15)
      .meta({
        description: 'The name of the part, in status and events.',
        'x-kubernetes-validations': [
          {
            rule: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
            message: 'must be lower-case letters, digits and "-", starting and ending with a letter or a digit, such as minority',
          },
          { rule: `self != '${restPart}'`, message: `must not be ${restPart}, which is the name of the nodes in no part` },
        ],
      }),
    ordinals: z
      .array(ordinal())
      .max(1000)
      .exactOptional()
      .meta({ ...listSet, description: 'The ordinals of nodes of the part.', absent: 'The nodes of groups only.' }),
    groups: z
      .array(z.string().min(1).max(15))
      .max(17)
      .exactOptional()
      .meta({
        ...listSet,
        description: 'Groups whose nodes are in the part; default names the nodes in no group.',
        absent: 'The nodes of ordinals only.',
      }),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: '(has(self.ordinals) && self.ordinals.size() > 0) || (has(self.groups) && self.groups.size() > 0)',
        message: 'must name nodes: give ordinals, groups or both',
      },
    ],
  });

export const partitionSchema = z
  .object({
    parts: z
      .array(partSchema)
      .max(8)
      .meta({
        ...listMap('name'),
        description: `The parts. Nodes in no part are one more, named ${restPart}. An empty list heals the network.`,
      }),
    healAfterSeconds: int32(1, 31_536_000).exactOptional().meta({
      description: 'The time after which the network is healed. It counts from status.partition.startTime.',
      absent: 'The network stays cut until the partition is removed.',
    }),
  })
  .meta({
    description:
      'Cuts the network: connections between nodes of different parts are closed, and not opened. A changed partition has a new start time.',
    absent: 'The network is not cut.',
  });

export type PartitionSpec = z.infer<typeof partitionSchema>;
