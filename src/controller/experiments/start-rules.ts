// Whether an experiment may begin, what it waits for, and what ends it early. Pure.
import type { BitcoinExperiment } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { ExperimentStep } from '../../bitcoin/api/experiment-steps.ts';
import { isSuspended, resumedSetsOf } from '../../bitcoin/resources/node-sets.ts';
import { planPartition } from '../../bitcoin/topology/partition.ts';
import { rangesOf } from '../../bitcoin/topology/topology-problems.ts';
import { isBeingDeleted as isGoing, isPaused } from '../lifecycle.ts';
import { membersOf } from '../network-plan.ts';
import { conditionIn } from '../status/condition.ts';
import { currentOf } from './demands.ts';
import { deadlineMs, type Failure, positionOf } from './progress.ts';

const isPartitioned = ({ spec }: BitcoinNetwork): boolean => spec.partition !== undefined;

/**
 * Why the experiment waits. Undefined: it may begin.
 * @param experiments those of its network, itself included
 */
export function whyPending(
  { metadata, spec }: BitcoinExperiment,
  network: BitcoinNetwork | undefined,
  experiments: readonly BitcoinExperiment[],
): Failure | undefined {
  const { name } = spec.network;
  if (network === undefined || isGoing(network)) return { reason: 'NetworkMissing', message: `there is no network ${name}` };
  const current = currentOf(experiments);
  if (current !== undefined && current.metadata.uid !== metadata.uid)
    return { reason: 'AnotherExperiment', message: `waits for the experiment ${current.metadata.name}` };
  if (isPaused(network)) return { reason: 'NetworkPaused', message: `the network ${name} is paused` };
  if (isSuspended(network)) return { reason: 'NetworkSuspended', message: `the network ${name} is suspended` };
  if (isPartitioned(network))
    return { reason: 'NetworkPartitioned', message: `the network ${name} has spec.partition, which is to be removed first` };
  return whyNotReady(network);
}

/** The steps need a network that has come up: all nodes, connected, with the initial blocks. */
function whyNotReady(network: BitcoinNetwork): Failure | undefined {
  const { metadata, status } = network;
  for (const type of ['Ready', 'Connected']) {
    const condition = conditionIn(status, type);
    if (condition?.status !== 'True' || (condition.observedGeneration ?? 0) < (metadata.generation ?? 0))
      return {
        reason: 'NetworkNotReady',
        message: `the network ${metadata.name} is not ${type}: ${condition?.message ?? 'not known yet'}`,
      };
  }
  if (hasInitialBlocks(network)) return undefined;
  return { reason: 'NetworkNotReady', message: `the network ${metadata.name} has not made its initial blocks yet` };
}

/** The producer knows of blocks before the status shows their height. While it is paused they may never come. */
function hasInitialBlocks({ spec, status }: BitcoinNetwork): boolean {
  const { initialBlocks = 0, paused = false } = spec.blockProduction ?? {};
  const reason = conditionIn(status, 'BlocksProduced')?.reason;
  return paused || reason === 'Producing' || reason === 'InitialBlocksMined' || (status?.chain?.height ?? 0) >= initialBlocks;
}

/**
 * What the network cannot do, however long it is waited for: its spec does not have what a step names. A node that is not there at present comes
 * back, also one that is stopped while the network is suspended.
 * @param steps those that are still to be done
 */
export function whyImpossible(network: BitcoinNetwork, steps: readonly ExperimentStep[]): Failure | undefined {
  const members = membersOf({ sets: resumedSetsOf(network) });
  const ordinals = members.map(({ ordinal }) => ordinal).sort((a, b) => a - b);
  for (const step of steps) {
    const unknown = ordinalsOf(step).find(ordinal => !ordinals.includes(ordinal));
    if (unknown !== undefined)
      return {
        reason: 'OrdinalUnknown',
        message: `step ${step.name}: there is no node ${unknown} (nodes: ${rangesOf(ordinals)})`,
      };
    const [problem] = (step.partition && planPartition(step.partition, members)?.problems) ?? [];
    if (problem !== undefined) return { reason: problem.reason, message: `step ${step.name}: ${problem.message}` };
    if ((step.mine ?? step.reorg) !== undefined && !isMineable(network))
      return {
        reason: 'ChainNotMineable',
        message: `step ${step.name}: blocks can be made only on regtest, and on a signet with the challenge 51`,
      };
    if (step.reorg !== undefined && ordinals.length < 2)
      return { reason: 'OrdinalUnknown', message: `step ${step.name}: the network has no second node` };
  }
  return undefined;
}

const ordinalsOf = ({ mine, reorg, isolate, restart }: ExperimentStep): number[] => [
  ...[mine, reorg].flatMap(named => named?.ordinal ?? []),
  ...[isolate, restart].flatMap(named => named?.ordinals ?? []),
];

const isMineable = ({ spec: { chain = 'regtest', signet } }: BitcoinNetwork): boolean =>
  chain === 'regtest' || (chain === 'signet' && signet?.challenge === '51');

/** What ends an experiment that has started. */
export function whyOver(
  experiment: BitcoinExperiment,
  network: BitcoinNetwork | undefined,
  experiments: readonly BitcoinExperiment[],
  nowMs: number,
): Failure | undefined {
  const { metadata, spec, status } = experiment;
  if (network === undefined || isGoing(network))
    return { reason: 'NetworkMissing', message: `the network ${spec.network.name} was deleted` };
  if (isPartitioned(network))
    return { reason: 'NetworkPartitioned', message: `spec.partition of the network ${spec.network.name} was set meanwhile` };
  const current = currentOf(experiments);
  if (current !== undefined && current.metadata.uid !== metadata.uid)
    return { reason: 'AnotherExperiment', message: `the experiment ${current.metadata.name} began before it` };
  if (status !== undefined && nowMs >= deadlineMs(spec, status))
    return {
      reason: 'DeadlineExceeded',
      message: `not complete in the time of activeDeadlineSeconds; the step was ${status.step ?? ''}`,
    };
  // While the network is left alone, its experiment stays where it is. An unusable spec lacks the groups and the chain.
  if (isPaused(network) || network.unusableSpec !== undefined) return undefined;
  return whyImpossible(network, spec.steps.slice(positionOf(spec, status)?.index ?? 0));
}
