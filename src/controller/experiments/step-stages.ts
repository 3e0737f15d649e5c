// What a step of an experiment consists of: one stage after another, each of which has one thing to do. Pure.
import type { ExperimentStage, ExperimentCut } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { ExperimentStep } from '../../bitcoin/api/experiment-steps.ts';
import { cutOffPart } from '../../bitcoin/topology/partition.ts';

export type Parts = ExperimentCut['parts'];

/** A stage changes what the experiment asks of the network when it begins, and ends when its work is done. */
export type Stage = { readonly stage: ExperimentStage } & (
  | {
      readonly work: 'connect';
      readonly parts: Parts | undefined;
      readonly joins: boolean;
      readonly timeoutSeconds: number | undefined;
      /** The node whose replaced blocks the step is about. */
      readonly ordinal?: number | undefined;
    }
  | { readonly work: 'mine'; readonly blocks: number; readonly ordinal: number | undefined; readonly apartFrom?: number }
  | { readonly work: 'wait'; readonly seconds: number }
  | { readonly work: 'await'; readonly condition: string }
  | { readonly work: 'restart'; readonly ordinals: readonly number[] }
);

/** If `heal` names no time. */
export const healSeconds = 60;

const cut = (parts: Parts): Stage => ({ stage: 'Cutting', work: 'connect', parts, joins: false, timeoutSeconds: undefined });
const heal = (timeoutSeconds = healSeconds, ordinal?: number): Stage => ({
  ...{ stage: 'Healing', work: 'connect', parts: undefined, joins: true },
  ...{ timeoutSeconds, ordinal },
});

/** The stages of a step, by its place in the list of steps. At least one. */
export function stagesOf(steps: readonly ExperimentStep[], index: number): readonly Stage[] {
  const step = steps[index];
  if (step?.partition !== undefined) return [cut(step.partition.parts)];
  if (step?.heal !== undefined) return [heal(step.heal.timeoutSeconds)];
  if (step?.mine !== undefined) return [{ stage: 'Mining', work: 'mine', ...step.mine }];
  if (step?.reorg !== undefined) return reorgStages(step.reorg);
  if (step?.isolate !== undefined) return isolateStages(step.isolate, partsAfter(steps.slice(0, index)));
  if (step?.restart !== undefined) return [{ stage: 'Restarting', work: 'restart', ordinals: step.restart.ordinals }];
  const { seconds, condition } = step?.wait ?? {};
  if (seconds !== undefined) return [{ stage: 'Waiting', work: 'wait', seconds }];
  return [{ stage: 'Waiting', work: 'await', condition: condition ?? '' }];
}

/** The others make theirs on the longest of their chains. A node that is further ahead of them before the step replaces nothing: the step fails. */
const reorgStages = ({ ordinal, depth }: NonNullable<ExperimentStep['reorg']>): readonly Stage[] => [
  cut([{ name: cutOffPart('reorg', ordinal), ordinals: [ordinal] }]),
  { stage: 'Mining', work: 'mine', ordinal, blocks: depth },
  { stage: 'MiningElsewhere', work: 'mine', ordinal: undefined, apartFrom: ordinal, blocks: depth + 1 },
  heal(healSeconds, ordinal),
];

function isolateStages(
  { ordinals, forSeconds }: NonNullable<ExperimentStep['isolate']>,
  before: Parts | undefined,
): readonly Stage[] {
  const isolated = ordinals.map(ordinal => ({ name: cutOffPart('isolated', ordinal), ordinals: [ordinal] }));
  return [
    // A node that two parts name is in the first of them.
    cut([...isolated, ...(before ?? [])]),
    { stage: 'Waiting', work: 'wait', seconds: forSeconds },
    { stage: 'Rejoining', work: 'connect', parts: before, joins: before === undefined, timeoutSeconds: healSeconds },
  ];
}

/** The cut that is in force after these steps. */
export function partsAfter(steps: readonly ExperimentStep[]): Parts | undefined {
  const last = steps.findLast(
    ({ partition, heal: healed, reorg }) => partition !== undefined || healed !== undefined || reorg !== undefined,
  );
  return last?.partition?.parts;
}

/** One hour more than the seconds of all steps. */
export function defaultDeadlineSeconds(steps: readonly ExperimentStep[]): number {
  const seconds = steps.map(
    step => (step.wait?.seconds ?? 0) + (step.isolate?.forSeconds ?? 0) + (step.heal?.timeoutSeconds ?? 0),
  );
  return 3_600 + seconds.reduce((sum, each) => sum + each, 0);
}

/** Whether the blockProduction of the network rests in the stage: the blocks of a step are counted. */
export const restsProduction = ({ stage }: { readonly stage: ExperimentStage }, step: ExperimentStep): boolean =>
  step.reorg !== undefined || (step.mine !== undefined && stage === 'Mining');
