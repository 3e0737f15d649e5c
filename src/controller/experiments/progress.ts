// How the status of an experiment goes on: which step and stage comes next, when it ends, and what it asks of the network meanwhile. Pure.
// Everything that a controller needs to go on is in the status, so that one that has just started does as its predecessor would have.
import type {
  BitcoinExperimentSpec,
  BitcoinExperimentStatus,
  ExperimentStepStatus,
} from '../../bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetworkCondition } from '../../bitcoin/api/bitcoin-network.ts';
import { wholeSeconds } from '../../time/rfc3339.ts';
import { chainsIn, type NodeChain } from './observed-chains.ts';
import { defaultDeadlineSeconds, type Stage, stagesOf } from './step-stages.ts';

export interface Moment {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly generation: number;
}

/** What a stage found out when its work was done. */
export interface StageResult {
  /** The chains at its end. */
  readonly chains: readonly NodeChain[];
  readonly reorgDepth?: number | undefined;
  /** How many blocks the node of a step `reorg` replaced itself. */
  readonly ownReorgDepth?: number | undefined;
  readonly convergenceMilliseconds?: number | undefined;
}

/** Why an experiment ends before its last step is done. */
export interface Failure {
  /** UpperCamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** The pods that a stage evicts. */
export type StagePods = ExperimentStepStatus['pods'];

/** Where an experiment is: the place of its step in the spec, and the stage. Undefined if it has not started, or no step runs. */
export interface Position {
  readonly index: number;
  readonly stageIndex: number;
  readonly stage: Stage;
  readonly step: ExperimentStepStatus;
}

/** More would not fit into the status. */
const maxMessage = 1_000;

export const timeText = (ms: number): string => new Date(ms).toISOString();

export const conditionOf = (status: BitcoinExperimentStatus | undefined, type: string): BitcoinNetworkCondition | undefined =>
  status?.conditions?.find(condition => condition.type === type);
const isTrue = (status: BitcoinExperimentStatus | undefined, type: string): boolean =>
  conditionOf(status, type)?.status === 'True';

export const isStarted = (status: BitcoinExperimentStatus | undefined): boolean => isTrue(status, 'Started');
export const isEnding = (status: BitcoinExperimentStatus | undefined): boolean => isTrue(status, 'Ending');
export const isFinished = (status: BitcoinExperimentStatus | undefined): boolean =>
  isTrue(status, 'Complete') || isTrue(status, 'Failed');

export function positionOf({ steps }: BitcoinExperimentSpec, status: BitcoinExperimentStatus | undefined): Position | undefined {
  const index = (status?.steps?.length ?? 0) - 1;
  const step = status?.steps?.[index];
  if (step === undefined || steps[index]?.name !== step.name) return undefined;
  const stages = stagesOf(steps, index);
  const stageIndex = Math.max(
    0,
    stages.findIndex(({ stage }) => stage === step.stage),
  );
  const stage = stages[stageIndex];
  return stage === undefined ? undefined : { index, stageIndex, stage, step };
}

/** When the experiment fails for want of time; milliseconds since 1970. */
export function deadlineMs(spec: BitcoinExperimentSpec, { startTime = '' }: BitcoinExperimentStatus): number {
  return Date.parse(startTime) + (spec.activeDeadlineSeconds ?? defaultDeadlineSeconds(spec.steps)) * 1_000;
}

/** Not started, and why. */
export function pending(
  status: BitcoinExperimentStatus | undefined,
  { reason, message }: Failure,
  moment: Moment,
): BitcoinExperimentStatus {
  return withCondition({ ...status, observedGeneration: moment.generation }, 'Started', 'False', { reason, message }, moment);
}

/** The first stage of the first step. @param pods those that it evicts */
export function started(
  spec: BitcoinExperimentSpec,
  status: BitcoinExperimentStatus | undefined,
  { chains }: StageResult,
  moment: Moment,
): BitcoinExperimentStatus {
  const started = { ...status, observedGeneration: moment.generation, startTime: timeText(moment.nowMs), steps: [] };
  const because = { reason: 'Running', message: `the steps are done with the network ${spec.network.name}` };
  return atStep(spec, withCondition(started, 'Started', 'True', because, moment), 0, chains, moment);
}

/** The work of the present stage is done. */
export function advanced(
  spec: BitcoinExperimentSpec,
  status: BitcoinExperimentStatus,
  result: StageResult,
  moment: Moment,
): BitcoinExperimentStatus {
  const position = positionOf(spec, status);
  if (position === undefined) return status;
  const { index, stageIndex } = position;
  const step = withResult(position.step, result);
  const next = stagesOf(spec.steps, index)[stageIndex + 1];
  const depths = [status.reorgDepth, step.reorgDepth].filter(depth => depth !== undefined);
  const found = { ...status, ...(depths.length === 0 ? {} : { reorgDepth: Math.max(...depths) }) };
  const shown = { ...step, ...chainsIn(result.chains, spec.steps[index]?.reorg?.ordinal) };
  if (next !== undefined) return atStage(withStep(found, shown), next, moment);
  const fault = shortfallOf(spec, index, result);
  if (fault !== undefined) return ending(withStep(found, shown), fault, moment);
  const done = withStep(found, { ...shown, completionTime: timeText(moment.nowMs) });
  if (index + 1 < spec.steps.length) return atStep(spec, done, index + 1, result.chains, moment);
  return withCondition(
    withoutCut(done),
    'Ending',
    'True',
    { reason: 'StepsDone', message: `${spec.steps.length} steps are done` },
    moment,
  );
}

/**
 * A step `reorg` is done if its node has replaced the blocks itself. It has not if it lost them, as by a restart, or was ahead of the others:
 * then these may have replaced as many.
 */
function shortfallOf({ steps }: BitcoinExperimentSpec, index: number, { ownReorgDepth = 0 }: StageResult): Failure | undefined {
  const { name, reorg: wanted } = steps[index] ?? {};
  if (wanted === undefined || ownReorgDepth >= wanted.depth) return undefined;
  const message = `step ${name}: node ${wanted.ordinal} replaced ${ownReorgDepth} blocks instead of ${wanted.depth}: its chain was lost or was not the shorter one`;
  return { reason: 'ReorgTooShort', message };
}

/** The steps are over, and the cut with them. */
export function ending(status: BitcoinExperimentStatus, { reason, message }: Failure, moment: Moment): BitcoinExperimentStatus {
  const last = status.steps?.at(-1);
  const stopped =
    last === undefined || last.completionTime !== undefined
      ? status
      : withStep(status, { ...last, message: message.slice(0, maxMessage) });
  return withCondition(withoutCut(stopped), 'Ending', 'True', { reason, message }, moment);
}

/** The network is healed. */
export function finished(status: BitcoinExperimentStatus, moment: Moment): BitcoinExperimentStatus {
  const { reason = '', message = '' } = conditionOf(status, 'Ending') ?? {};
  const isComplete = reason === 'StepsDone';
  const ended = { ...withoutCut(status), completionTime: timeText(moment.nowMs) };
  const over = withCondition(ended, 'Ending', 'False', { reason, message }, moment);
  return withCondition(over, isComplete ? 'Complete' : 'Failed', 'True', { reason, message }, moment);
}

/** What the stage waits for. The same object if it says so already. */
export function waiting(status: BitcoinExperimentStatus, message: string | undefined): BitcoinExperimentStatus {
  const last = status.steps?.at(-1);
  if (last === undefined) return status;
  const shown = message?.slice(0, maxMessage);
  if (last.message === shown) return status;
  const step = without('message', last);
  return withStep(status, shown === undefined ? step : { ...step, message: shown });
}

/** The pods that the present stage evicts. */
export function withPods(status: BitcoinExperimentStatus, pods: NonNullable<StagePods>): BitcoinExperimentStatus {
  const last = status.steps?.at(-1);
  return last === undefined ? status : withStep(status, { ...last, pods: [...pods] });
}

function atStep(
  spec: BitcoinExperimentSpec,
  status: BitcoinExperimentStatus,
  index: number,
  chains: readonly NodeChain[],
  moment: Moment,
): BitcoinExperimentStatus {
  const [stage] = stagesOf(spec.steps, index);
  const name = spec.steps[index]?.name ?? '';
  if (stage === undefined) return status;
  const startTime = timeText(moment.nowMs);
  const step = { name, startTime, stage: stage.stage, stageTime: startTime, ...chainsIn(chains) };
  return atStage({ ...status, step: name, steps: [...(status.steps ?? []), step] }, stage, moment);
}

/** A stage that connects nodes changes the cut of the network as it begins. */
function atStage(status: BitcoinExperimentStatus, stage: Stage, moment: Moment): BitcoinExperimentStatus {
  const last = status.steps?.at(-1);
  if (last === undefined) return status;
  const step = without('message', last);
  const started = withStep(status, { ...step, stage: stage.stage, stageTime: timeText(moment.nowMs) });
  if (stage.work !== 'connect') return started;
  if (stage.parts === undefined) return withoutCut(started);
  return { ...started, cut: { startTime: timeText(moment.nowMs), parts: stage.parts } };
}

function withResult(step: ExperimentStepStatus, { reorgDepth, convergenceMilliseconds }: StageResult): ExperimentStepStatus {
  const rest = without('message', step);
  const depths = [step.reorgDepth, reorgDepth].filter(depth => depth !== undefined);
  return {
    ...rest,
    ...(depths.length === 0 ? {} : { reorgDepth: Math.max(...depths) }),
    ...(convergenceMilliseconds === undefined ? {} : { convergenceMilliseconds }),
  };
}

const withStep = (status: BitcoinExperimentStatus, step: ExperimentStepStatus): BitcoinExperimentStatus => ({
  ...status,
  steps: [...(status.steps ?? []).slice(0, -1), step],
});

const withoutCut = (status: BitcoinExperimentStatus): BitcoinExperimentStatus => without('cut', status);

function without<T extends object, K extends keyof T>(field: K, object: T): Omit<T, K> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== field)) as unknown as Omit<T, K>;
}

function withCondition(
  status: BitcoinExperimentStatus,
  type: string,
  state: 'True' | 'False',
  { reason, message }: Failure,
  { nowMs, generation }: Moment,
): BitcoinExperimentStatus {
  const before = conditionOf(status, type);
  const lastTransitionTime = before?.status === state ? before.lastTransitionTime : wholeSeconds(timeText(nowMs));
  const condition = { type, status: state, observedGeneration: generation, lastTransitionTime, reason, message };
  const others = (status.conditions ?? []).filter(each => each.type !== type);
  return { ...status, conditions: [...others, condition] };
}
