// The kind BitcoinExperiment: what is done once with a network, step by step, and what came of it. Its CRD is generated from this schema.
import type { KubernetesObject } from '@kubernetes/client-node';
import * as z from 'zod';
import { group, maxNameLength, version } from './bitcoin-network.ts';
import { stepSchema } from './experiment-steps.ts';
import { int32, listAtomic, listMap, listSet, ordinal } from './field-types.ts';
import { conditionSchema, count, dateTime, lastEventSchema } from './status.ts';

export const experimentApiVersion = `${group}/${version}`;
export const experimentKind = 'BitcoinExperiment';
export const experimentPlural = 'bitcoinexperiments';

/** The name of an experiment is in events and in messages of the network. */
const maxExperimentNameLength = 63;

const specSchema = z
  .object({
    network: z
      .object({ name: z.string().min(1).max(maxNameLength).meta({ description: 'The name of the network.' }) })
      .meta({ description: 'The network, in the namespace of the experiment.' }),
    steps: z
      .array(stepSchema)
      .min(1)
      .max(50)
      .meta({ ...listMap('name'), description: 'The steps, one after another.' }),
    activeDeadlineSeconds: int32(1, 2_592_000).exactOptional().meta({
      description: 'The experiment fails if it is not complete in this time after status.startTime.',
      absent: 'One hour more than the seconds of all its steps.',
    }),
    ttlSecondsAfterFinished: int32(0, 31_536_000).exactOptional().meta({
      description: 'The experiment is deleted this time after it has completed or failed.',
      absent: 'It stays.',
    }),
  })
  .meta({
    description: 'What is done with the network.',
    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'an experiment cannot be changed: create another one' }],
  });

const tipSchema = z.object({
  height: count('The height of the block.'),
  hash: z.string().meta({ description: 'Its hash.' }),
  nodes: z.string().meta({ description: 'The ordinals of the nodes that have it as their newest block, such as 0-1, 7.' }),
});

const stepStatusSchema = z.object({
  name: z.string().meta({ description: 'The name of the step.' }),
  startTime: dateTime('When the step began.'),
  completionTime: dateTime('When it was done.').exactOptional().meta({ absent: 'It runs, or it failed.' }),
  stage: z
    .enum(['Cutting', 'Healing', 'Mining', 'MiningElsewhere', 'Waiting', 'Restarting', 'Rejoining'])
    .meta({ description: 'What the step did last.' }),
  stageTime: dateTime('Since when.'),
  message: z
    .string()
    .max(1024)
    .exactOptional()
    .meta({ description: 'What the step waits for, or why it failed.', absent: 'Nothing.' }),
  heights: z
    .array(z.int().meta({ format: 'int32' }))
    .max(8)
    .meta({ ...listAtomic, description: 'The heights of the chains that nodes are on, the highest first.' }),
  tips: z
    .array(tipSchema)
    .max(8)
    .meta({
      ...listAtomic,
      description:
        'The newest blocks of the nodes, the highest first: at the start of the step while it runs, at its completion then.',
    }),
  reorgDepth: count('The most blocks that a node replaced in the step.')
    .exactOptional()
    .meta({ absent: 'It was not looked for, or is not known.' }),
  convergenceMilliseconds: count('The time until all nodes had the same newest block.').exactOptional().meta({
    absent: 'It was not waited for, or they did not.',
  }),
  pods: z
    .array(
      z.object({
        name: z.string().meta({ description: 'The name of the pod.' }),
        uid: z.string().meta({ description: 'The uid of the pod that is evicted.' }),
      }),
    )
    .max(100)
    .exactOptional()
    .meta({ ...listMap('name'), description: 'The pods that the step evicts.', absent: 'None.' }),
});

const cutSchema = z
  .object({
    startTime: dateTime('Since when.'),
    parts: z
      .array(
        z.object({
          name: z.string().max(32).meta({ description: 'The name of the part.' }),
          ordinals: z
            .array(ordinal())
            .max(1000)
            .exactOptional()
            .meta({ ...listSet, description: 'The ordinals of nodes of the part.', absent: 'The nodes of groups only.' }),
          groups: z
            .array(z.string().max(15))
            .max(17)
            .exactOptional()
            .meta({ ...listSet, description: 'Groups whose nodes are in the part.', absent: 'The nodes of ordinals only.' }),
        }),
      )
      .max(108)
      .meta({ ...listMap('name'), description: 'The parts. Nodes in no part are one more, named rest.' }),
  })
  .meta({
    description: 'The cut that the network has because of the experiment.',
    absent: 'The experiment does not cut the network now.',
  });

const statusSchema = z
  .object({
    observedGeneration: z
      .int()
      .exactOptional()
      .meta({ format: 'int64', description: 'The metadata.generation that the status is based on.' }),
    startTime: dateTime('When the first step began.').exactOptional().meta({ absent: 'The experiment is pending.' }),
    completionTime: dateTime('When the experiment completed or failed.')
      .exactOptional()
      .meta({ absent: 'It is pending, or runs.' }),
    step: z
      .string()
      .exactOptional()
      .meta({ description: 'The name of the last step that started.', absent: 'None has started.' }),
    steps: z
      .array(stepStatusSchema)
      .max(50)
      .exactOptional()
      .meta({ ...listMap('name'), description: 'The steps that have started, and their results.', absent: 'None has started.' }),
    cut: cutSchema.exactOptional(),
    reorgDepth: count('The most blocks that a node replaced in a step.')
      .exactOptional()
      .meta({ absent: 'No step has looked for it.' }),
    conditions: z
      .array(conditionSchema)
      .exactOptional()
      .meta({
        ...listMap('type'),
        description:
          'Started: the steps have started; False names what the experiment waits for. Complete: all steps are done. Failed: a step failed, or the time was over. Ending: the steps are over, and the network is being healed; then the experiment is Complete or Failed.',
        absent: 'The controller has not seen the experiment.',
      }),
    lastEvents: z
      .array(lastEventSchema)
      .exactOptional()
      .meta({
        ...listAtomic,
        description: 'The events of the last change of this status and those of the four minutes before it.',
        absent: 'There was none.',
      }),
  })
  .meta({ description: 'The progress and the results. Only the controller writes it.' });

export const bitcoinExperimentSchema = z.object({ spec: specSchema, status: statusSchema.optional() }).meta({
  description: 'Steps that are done once with a BitcoinNetwork, and their results.',
  'x-kubernetes-validations': [
    {
      rule: `self.metadata.name.size() <= ${maxExperimentNameLength}`,
      message: `metadata.name must be at most ${maxExperimentNameLength} characters`,
    },
  ],
});

/** The fields that the schema defines. */
export const bitcoinExperimentFields = { spec: Object.keys(specSchema.shape), status: Object.keys(statusSchema.shape) } as const;

export type BitcoinExperimentSpec = z.infer<typeof specSchema>;
export type BitcoinExperimentStatus = z.infer<typeof statusSchema>;
export type ExperimentStepStatus = z.infer<typeof stepStatusSchema>;
export type ExperimentCut = z.infer<typeof cutSchema>;
export type ExperimentTip = z.infer<typeof tipSchema>;
export type ExperimentStage = ExperimentStepStatus['stage'];

/** A BitcoinExperiment as the API server returns it, with the metadata that it always has. */
export interface BitcoinExperiment extends KubernetesObject {
  readonly metadata: NonNullable<KubernetesObject['metadata']> & {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
  };
  readonly spec: BitcoinExperimentSpec;
  readonly status?: BitcoinExperimentStatus;
}
