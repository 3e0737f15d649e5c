// The steps of an experiment: what each kind of step does, and its limits.
import * as z from 'zod';
import { int32, listMap, listSet, ordinal } from './field-types.ts';
import { partitionSchema } from './partition.ts';

const maxWaitSeconds = 86_400;
/** On regtest bitcoind makes a thousand blocks in a second or two. */
const maxBlocks = 1_000;

const ordinals = (most: number, description: string) =>
  z
    .array(ordinal())
    .min(1)
    .max(most)
    .meta({ ...listSet, description });

const stepName = z
  .string()
  .min(1)
  .max(32)
  .meta({
    description: 'The name of the step, in status and events. It is unique in the list.',
    'x-kubernetes-validations': [
      {
        rule: "self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        message: 'must be lower-case letters, digits and "-", starting and ending with a letter or a digit, such as cut',
      },
    ],
  });

const kinds = {
  partition: z
    .object({
      parts: partitionSchema.shape.parts
        .min(1)
        .meta({ ...listMap('name'), description: 'The parts. Nodes in no part are one more, named rest.' }),
    })
    .meta({
      description:
        'Cuts the network into parts, until a step heals it or the experiment ends. The step ends when no connection crosses the parts.',
    }),
  heal: z
    .object({
      timeoutSeconds: int32(1, maxWaitSeconds)
        .exactOptional()
        .meta({ description: 'The step fails if the network is not healed in this time.', absent: '60.' }),
    })
    .meta({
      description:
        'Connects the parts again. The step ends when all connections are back and every node has the height of the longest chain.',
    }),
  mine: z
    .object({
      ordinal: ordinal().meta({ description: 'The ordinal of the node that makes the blocks.' }),
      blocks: int32(1, maxBlocks).meta({ description: 'The number of blocks.' }),
    })
    .meta({
      description:
        'Makes blocks on one node, on the longest chain of its part. The blockProduction of the network rests meanwhile. Not more blocks are made if the controller is restarted.',
    }),
  wait: z
    .object({
      seconds: int32(1, maxWaitSeconds)
        .exactOptional()
        .meta({ description: 'A time in seconds.', absent: 'A condition is waited for.' }),
      condition: z.string().min(1).max(64).exactOptional().meta({
        description: 'The type of a condition of the network that must be True, such as ChainsAgree.',
        absent: 'A time is waited for.',
      }),
    })
    .meta({
      description: 'Waits for a time, or for a condition of the network.',
      'x-kubernetes-validations': [
        { rule: 'has(self.seconds) != has(self.condition)', message: 'give either seconds or condition' },
      ],
    }),
  reorg: z
    .object({
      ordinal: ordinal().meta({ description: 'The ordinal of the node whose blocks are replaced.' }),
      depth: int32(1, maxBlocks - 1).meta({ description: 'The number of blocks that it replaces.' }),
    })
    .meta({
      description:
        'Cuts one node off, makes depth blocks on it and one more on another node, and heals the network, so that the node replaces its blocks. A cut of an earlier step ends with it.',
    }),
  isolate: z
    .object({
      ordinals: ordinals(100, 'The ordinals of the nodes that are cut off, also from one another.'),
      forSeconds: int32(1, maxWaitSeconds).meta({
        description: 'For how many seconds. Then a cut of an earlier step holds again, if there is one.',
      }),
    })
    .meta({ description: 'Cuts each of some nodes off from all others for a time.' }),
  restart: z.object({ ordinals: ordinals(100, 'The ordinals of the nodes.') }).meta({
    description:
      'Evicts the pods of nodes, as a PodDisruptionBudget allows, and waits until their new pods are ready. A node without storage loses its blocks, and gets them from its peers. It needs the chart value rbac.podEvictions.',
  }),
};

export const stepKinds = Object.keys(kinds) as readonly (keyof typeof kinds)[];

const { partition, heal, mine, wait, reorg, isolate, restart } = kinds;

export const stepSchema = z
  .object({
    name: stepName,
    partition: partition.exactOptional(),
    heal: heal.exactOptional(),
    mine: mine.exactOptional(),
    wait: wait.exactOptional(),
    reorg: reorg.exactOptional(),
    isolate: isolate.exactOptional(),
    restart: restart.exactOptional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: `[${stepKinds.map(kind => `has(self.${kind})`).join(', ')}].filter(x, x).size() == 1`,
        message: `a step does exactly one thing: give one of ${stepKinds.slice(0, -1).join(', ')} and ${stepKinds.at(-1) ?? ''}`,
      },
    ],
  });

export type ExperimentStep = z.infer<typeof stepSchema>;
