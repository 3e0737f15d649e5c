// How a change of the pods is rolled out: how many nodes at a time, and what holds it.
import * as z from 'zod';
import { int32, numberOrPercentage, ordinal } from './field-types.ts';

export const rolloutSchema = z
  .object({
    maxUnavailable: numberOrPercentage()
      .exactOptional()
      .meta({
        description:
          'How many nodes are restarted at a time, such as 2 or 25% (rounded down, at least 1). A StatefulSet restarts its nodes one after another; groups are restarted at the same time.',
        absent: '1.',
        'x-kubernetes-validations': [
          {
            rule: "type(self) == int ? self >= 1 : self.matches('^(100|[1-9][0-9]?)%$')",
            message: 'must be a number from 1, or a percentage from 1% to 100%',
          },
        ],
      }),
    partition: ordinal()
      .exactOptional()
      .meta({ description: 'Nodes with a lower ordinal are not restarted: lower it to continue.', absent: '0: all nodes are.' }),
    paused: z
      .boolean()
      .exactOptional()
      .meta({ description: 'Whether no more nodes are restarted. Those that are being restarted finish.', absent: 'false.' }),
    keepConnected: z.boolean().exactOptional().meta({
      description:
        'Whether the neighbours of a node are connected to one another while it is restarted, if the topology would fall apart without it.',
      absent: 'true.',
    }),
    progressDeadlineSeconds: int32(1, 86_400).exactOptional().meta({
      description:
        'The number of seconds after which a node that has not come back is reported (UpToDate=False, reason NodeNotBack). The rollout waits for it in any case.',
      absent: '600.',
    }),
    allowChainLoss: z.boolean().exactOptional().meta({
      description:
        'Whether a node is restarted although blocks are lost with it, since no other node that it is connected to has them.',
      absent: 'false: such a node is not restarted (UpToDate=False, reason WouldLoseChain).',
    }),
  })
  .meta({
    description:
      'How nodes are restarted when their pods change: one after another, the next one when the last one is ready, connected and as high as the network was.',
    absent: 'As with {}.',
  });

export type RolloutSpec = z.infer<typeof rolloutSchema>;
