// The blocks that the controller makes, in a network's status, in the condition BlocksProduced and in events. Pure.
import type { BitcoinNetwork, BitcoinNetworkBlockProduction, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import type { BlockProductionSpec } from '../../bitcoin/api/block-production.ts';
import { firstBlockWithoutReward } from '../../bitcoin/chain/block-schedule.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import type { ProductionObserved } from '../blocks/block-producer.ts';
import { reasons } from '../events/reasons.ts';
import { type ConditionState } from './condition.ts';

/** So many blocks before the reward ends there is a warning. By then a block pays 4 satoshi. */
const warnedBlocks = 450;

const timeText = (ms: number): string => new Date(ms).toISOString();

export function blockProductionStatusOf({ produced, last, nextMs }: ProductionObserved): BitcoinNetworkBlockProduction {
  return {
    produced,
    ...(last === undefined || Number.isNaN(last.timeMs)
      ? {}
      : { last: { height: last.height, hash: last.hash, ordinal: last.ordinal, time: timeText(last.timeMs) } }),
    ...(nextMs === undefined ? {} : { nextTime: timeText(nextMs) }),
  };
}

/** @param height that of the longest chain */
export function blocksProduced(
  { spec }: BitcoinNetwork,
  production: BlockProductionSpec,
  { state }: ProductionObserved,
  height: number,
): ConditionState {
  const isTrue = (message: string): ConditionState => ({ status: 'True', reason: state.reason, message });
  const isFalse = (message: string): ConditionState => ({ status: 'False', reason: state.reason, message });
  const { initialBlocks = 0 } = production;
  switch (state.reason) {
    case 'Paused':
      return isTrue('no blocks are made: blockProduction.paused is set');
    case 'InitialBlocksMined':
      return isTrue(`the chain has its ${initialBlocks} initial blocks${rewardText(spec, height)}`);
    case 'MiningInitialBlocks':
      return lacksInitial(production);
    case 'Producing':
      return isExhausted(spec, height) ? exhausted : isTrue(`${paceText(production)}${rewardText(spec, height)}`);
    case 'StillMaking':
      if (height < initialBlocks) return lacksInitial(production);
      if (spec.chain !== 'signet') return { status: 'False', reason: 'ProducerNotReady', message: state.message };
      return state.isLate
        ? {
            status: 'False',
            reason: 'DifficultyTooHigh',
            message: `${state.message}: the difficulty is too high for an interval of ${production.intervalSeconds} s`,
          }
        : { status: 'True', reason: 'Producing', message: paceText(production) };
    default:
      return isFalse('message' in state ? state.message : '');
  }
}

const lacksInitial = ({ initialBlocks = 0 }: BlockProductionSpec): ConditionState => ({
  status: 'False',
  reason: 'MiningInitialBlocks',
  message: `the chain does not have its ${initialBlocks} initial blocks yet`,
});

const isRegtest = ({ chain = 'regtest' }: BitcoinNetwork['spec']): boolean => chain === 'regtest';
const isExhausted = (spec: BitcoinNetwork['spec'], height: number): boolean =>
  isRegtest(spec) && height >= firstBlockWithoutReward;
/** Without the number of blocks that are left, so that the condition stays the same while they are made. */
const isNearlyExhausted = (spec: BitcoinNetwork['spec'], height: number): boolean =>
  isRegtest(spec) && height >= firstBlockWithoutReward - warnedBlocks;

const rewardText = (spec: BitcoinNetwork['spec'], height: number): string => {
  if (!isNearlyExhausted(spec, height)) return '';
  return isExhausted(spec, height)
    ? `; from height ${firstBlockWithoutReward} on blocks pay nothing but fees`
    : `; fewer than ${warnedBlocks} blocks are left that pay a reward: from height ${firstBlockWithoutReward} on they pay nothing but fees`;
};

const exhausted: ConditionState = {
  status: 'False',
  reason: 'SubsidyExhausted',
  message: `blocks are made, and from height ${firstBlockWithoutReward} on they pay nothing but fees: regtest halves the reward every 150 blocks`,
};

/** Such as `a block every 10 s`. */
const paceText = ({ intervalSeconds = 0, distribution = 'Fixed' }: BlockProductionSpec): string =>
  `a block every ${intervalSeconds} s${distribution === 'Exponential' ? ' on average' : ''}`;

const conditionIn = (status: BitcoinNetworkStatus | undefined) =>
  status?.conditions?.find(({ type }) => type === 'BlocksProduced');

/** Its reason, which a paused network and paused blocks have in common, unless it is not known. */
function stateIn(status: BitcoinNetworkStatus | undefined): string | undefined {
  const condition = conditionIn(status);
  return condition?.status === 'Unknown' ? 'Unknown' : condition?.reason;
}

/** The states in which the initial blocks are there, and those in which blocks are made. */
const hasInitial = (reason: string | undefined): boolean => reason === 'InitialBlocksMined' || isMaking(reason);
const isMaking = (reason: string | undefined): boolean => reason === 'Producing' || reason === 'SubsidyExhausted';

export function productionEvents(
  { spec }: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
): PendingEvent[] {
  const production = spec.blockProduction;
  const [was, is] = [stateIn(previous), stateIn(status)];
  // That the whole network is paused, so that it is not known, is no change.
  if (production === undefined || is === undefined || is === 'Unknown') return [];
  const events: PendingEvent[] = [];
  const [wasNear, isNear] = [previous, status].map(each => isNearlyExhausted(spec, each?.chain?.height ?? 0));
  if (isNear === true && wasNear === false && is !== 'SubsidyExhausted')
    events.push({
      type: 'Warning',
      reason: reasons.subsidyExhausted,
      message: `Fewer than ${warnedBlocks} blocks are left that pay a reward: from height ${firstBlockWithoutReward} on they pay nothing but fees`,
    });
  if (was === is) return events;
  const { initialBlocks = 0 } = production;
  const height = previous?.chain?.height ?? 0;
  const firstHeight = Math.max(initialBlocks, previous?.bootstrap?.height ?? 0);
  const failed = ['ProducerNotReady', 'BlockProductionFailed', 'DifficultyTooHigh', 'Unknown'].includes(was ?? '');
  const isNew = was === undefined || was === 'MiningInitialBlocks' || was === 'WaitingForBlocks';
  if (initialBlocks > 0 && hasInitial(is) && (isNew || (failed && height < initialBlocks)))
    events.push({
      type: 'Normal',
      reason: reasons.initialBlocksMined,
      message: `The chain has its ${initialBlocks} initial blocks`,
    });
  // After a failure blocks go on, unless there was none before it.
  const isStart =
    isNew || was === 'Paused' || was === 'Suspended' || was === 'InitialBlocksMined' || (failed && height <= firstHeight);
  if (isMaking(is) && isStart)
    events.push({
      type: 'Normal',
      reason: reasons.blocksStarted,
      message: `Blocks are made from now on: ${paceText(production)}`,
    });
  if (is === 'Paused' && was !== 'Unknown')
    events.push({ type: 'Normal', reason: reasons.blocksPaused, message: 'No blocks are made: blockProduction.paused is set' });
  if (is === 'SubsidyExhausted' && was !== 'Unknown')
    events.push({
      type: 'Warning',
      reason: reasons.subsidyExhausted,
      message: `From height ${firstBlockWithoutReward} on blocks pay nothing but fees`,
    });
  if (is === 'DifficultyTooHigh')
    events.push({
      type: 'Warning',
      reason: reasons.difficultyTooHigh,
      message: `No block for long: ${conditionIn(status)?.message ?? ''}`,
    });
  // Of a network that comes up no node is ready yet.
  if (is === 'ProducerNotReady' && was !== undefined && was !== 'Suspended')
    events.push({
      type: 'Warning',
      reason: reasons.blockProductionFailed,
      message: `No block can be made: ${conditionIn(status)?.message ?? ''}`,
    });
  return events;
}
