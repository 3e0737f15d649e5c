// The partition of a network, in its status, in the condition Partitioned and in events. Pure.
import type {
  BitcoinNetworkCondition,
  BitcoinNetworkPartition,
  BitcoinNetworkStatus,
} from '../../bitcoin/api/bitcoin-network.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { rangesOf } from '../../bitcoin/topology/topology-problems.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { reasons } from '../events/reasons.ts';
import type { PartitionState } from '../partition-clock.ts';
import { type ConditionState, hadCondition } from './condition.ts';

export function partitionStatusOf(
  { plan, specHash, startMs, startHeight, healMs, experiment }: PartitionState,
  reports: readonly NodeReport[],
): BitcoinNetworkPartition {
  return {
    startTime: timeText(startMs),
    ...(startHeight === 0 ? {} : { startHeight }),
    ...(healMs === undefined ? {} : { healTime: timeText(healMs) }),
    specHash,
    ...(experiment === undefined ? {} : { experiment }),
    parts: plan.parts.map(part => {
      const chains = reports.flatMap(({ node, chain }) =>
        chain !== undefined && plan.partOf.get(node.ordinal) === part ? chain : [],
      );
      const [highest] = chains.toSorted((a, b) => b.height - a.height);
      return {
        name: part.name,
        nodes: rangesOf(part.ordinals),
        ...(highest === undefined ? {} : { height: highest.height, tip: highest.tip }),
      };
    }),
  };
}

const timeText = (ms: number): string => new Date(ms).toISOString();

/** Undefined for a network that was never cut. */
export function partitioned(
  partition: PartitionState | undefined,
  previous: BitcoinNetworkStatus | undefined,
): ConditionState | undefined {
  if (partition?.isCut === true) return { status: 'True', reason: 'Cut', message: cutText(partition) };
  if (partition?.healMs !== undefined)
    return {
      status: 'False',
      reason: 'Healed',
      message: `healed at ${timeText(partition.healMs)}: the time of healAfterSeconds is over. Change spec.partition to cut it again`,
    };
  if (!hadCondition(previous, 'Partitioned')) return undefined;
  return { status: 'False', reason: 'Healed', message: 'all nodes may be connected' };
}

/** Such as `cut into minority (0-1) and majority (2-5) until 2026-01-01T00:00:30.000Z`. */
function cutText({ plan, healMs, experiment }: PartitionState): string {
  const parts = plan.parts.map(({ name, ordinals }) => `${name} (${rangesOf(ordinals)})`).join(', ');
  const without = experiment === undefined ? 'until spec.partition is removed' : `by the experiment ${experiment}`;
  return `cut into ${parts} ${healMs === undefined ? without : `until ${timeText(healMs)}`}`;
}

export function partitionEvents(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): PendingEvent[] {
  const [was, is] = [cutIn(previous), cutIn(status)];
  const isOther = (['specHash', 'startTime'] as const).some(field => previous?.partition?.[field] !== status.partition?.[field]);
  if (is !== undefined && (was === undefined || isOther))
    return [{ type: 'Normal', reason: reasons.partitionStarted, message: `The network is ${is.message}` }];
  if (was === undefined || is !== undefined) return [];
  // Those before: by now nodes may have replaced their blocks.
  const parts = previous?.partition?.parts ?? [];
  const heights = parts.flatMap(({ name, height }) => (height === undefined ? [] : `${name} at height ${height}`));
  const text = heights.length === 0 ? '' : `: ${heights.join(', ')}`;
  return [{ type: 'Normal', reason: reasons.partitionHealed, message: `The parts are connected again${text}` }];
}

const cutIn = (status: BitcoinNetworkStatus | undefined): BitcoinNetworkCondition | undefined =>
  status?.conditions?.find(({ type, status: state }) => type === 'Partitioned' && state === 'True');
