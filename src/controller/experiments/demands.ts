// What the experiments of a network ask of it: whose turn it is, the cut that is in force, and whether its blockProduction rests. Pure.
import { createHash } from 'node:crypto';
import type { BitcoinExperiment, ExperimentCut } from '../../bitcoin/api/bitcoin-experiment.ts';
import { isEnding, isFinished, isStarted, positionOf } from './progress.ts';
import { restsProduction } from './step-stages.ts';

/** What a network does because of its running experiment. */
export interface Demand {
  /** The name of the experiment. */
  readonly experiment: string;
  readonly cut: ExperimentCut | undefined;
  /** No blocks of blockProduction are made. */
  readonly restsProduction: boolean;
  /** The same for the same demand of the same experiment. */
  readonly id: string;
}

export const isBeingDeleted = ({ metadata }: BitcoinExperiment): boolean => metadata.deletionTimestamp !== undefined;

/** It has started, and has not ended: others of its network wait. */
export const isActive = ({ status }: BitcoinExperiment): boolean => isStarted(status) && !isFinished(status);

const byStart = (a: BitcoinExperiment, b: BitcoinExperiment): number =>
  compare(a.status?.startTime, b.status?.startTime) || byName(a, b);
const byAge = (a: BitcoinExperiment, b: BitcoinExperiment): number =>
  compare(timeOf(a.metadata.creationTimestamp), timeOf(b.metadata.creationTimestamp)) || byName(a, b);
const byName = (a: BitcoinExperiment, b: BitcoinExperiment): number => compare(a.metadata.name, b.metadata.name);
const compare = (a = '', b = ''): number => (a < b ? -1 : a > b ? 1 : 0);
/** client-node's type says Date; what the API server sends is a text. */
const timeOf = (time: unknown): string => (time instanceof Date ? time.toISOString() : typeof time === 'string' ? time : '');

/**
 * The experiment of a network whose turn it is: the one that has started, or the oldest.
 * @param experiments those of one network
 */
export function currentOf(experiments: readonly BitcoinExperiment[]): BitcoinExperiment | undefined {
  const [active] = experiments.filter(isActive).sort(byStart);
  if (active !== undefined) return active;
  const [oldest] = experiments.filter(experiment => !isFinished(experiment.status) && !isBeingDeleted(experiment)).sort(byAge);
  return oldest;
}

/** Undefined if no experiment asks for anything. One that ends, or is being deleted, asks for nothing any more. */
export function demandOf(experiments: readonly BitcoinExperiment[]): Demand | undefined {
  const current = currentOf(experiments);
  if (current === undefined || !isActive(current) || isBeingDeleted(current) || isEnding(current.status)) return undefined;
  const { metadata, spec, status } = current;
  const position = positionOf(spec, status);
  const step = position === undefined ? undefined : spec.steps[position.index];
  const rests = position !== undefined && step !== undefined && restsProduction(position.stage, step);
  const cut = status?.cut;
  if (cut === undefined && !rests) return undefined;
  const id = createHash('sha256')
    .update(JSON.stringify([metadata.uid, cut, rests]))
    .digest('hex')
    .slice(0, 16);
  return { experiment: metadata.name, cut, restsProduction: rests, id };
}
