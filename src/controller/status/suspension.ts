// The suspension of a network (spec.suspend) in its conditions and in events. Pure.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { isSuspended } from '../../bitcoin/resources/node-sets.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { reasons } from '../events/reasons.ts';
import { sentence } from '../events/sentence.ts';
import { conditionIn, type ConditionStates, hadCondition } from './condition.ts';

/** Faults that need attention although the nodes are stopped. */
const faults: ReadonlySet<string> = new Set([reasons.nameTaken, reasons.reconcileFailed]);

/**
 * The conditions that differ from those of a running network. None of a network that was never suspended.
 * @param states those that it has as a running network
 */
export function suspensionStates(
  network: BitcoinNetwork,
  nodes: readonly Node[],
  { Ready, BlocksProduced }: ConditionStates,
  previous: BitcoinNetworkStatus | undefined,
): ConditionStates {
  if (!isSuspended(network)) {
    const running = { status: 'False', reason: 'Running', message: 'the nodes are not suspended' } as const;
    return hadCondition(previous, 'Suspended') ? { Suspended: running } : {};
  }
  const left = nodes.length;
  const stopped = 'all nodes are stopped: spec.suspend is set';
  const message = left === 0 ? stopped : `${left} ${left === 1 ? 'node has' : 'nodes have'} yet to stop: spec.suspend is set`;
  const notRunning = { status: 'False', reason: reasons.suspended, message } as const;
  const isFaulty = Ready !== undefined && faults.has(Ready.reason);
  const wasProducing = BlocksProduced !== undefined || network.spec.blockProduction !== undefined;
  return {
    ...(isFaulty ? {} : { Ready: notRunning }),
    Connected: notRunning,
    ...(wasProducing ? { BlocksProduced: notRunning } : {}),
    // So that who waits for it can read the volumes: no bitcoind writes to them any more.
    Suspended:
      left === 0
        ? { ...notRunning, status: 'True', message: `${stopped}${endOfRollout(previous)}` }
        : { ...notRunning, reason: 'Suspending' },
  };
}

/** A StatefulSet without pods forgets its former version, and which nodes had it. */
const endOfRollout = (previous: BitcoinNetworkStatus | undefined): string =>
  conditionIn(previous, 'UpToDate')?.status === 'False'
    ? '; the rollout was not over, and all of them start in the new version when they are resumed'
    : '';

export function suspensionEvents(
  { spec }: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
): PendingEvent[] {
  const was = conditionIn(previous, 'Suspended')?.reason;
  const { reason: is, message = '' } = conditionIn(status, 'Suspended') ?? {};
  if (was === is) return [];
  if (is === reasons.suspended) return [{ type: 'Normal', reason: reasons.suspended, message: sentence(message) }];
  if (is !== 'Running' || was === undefined) return [];
  return [{ type: 'Normal', reason: reasons.resumed, message: `The network is resumed with ${spec.nodes} nodes` }];
}
