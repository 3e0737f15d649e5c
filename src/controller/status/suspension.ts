// The suspension of a network (spec.suspend) in its conditions and in events. Pure.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { isSuspended } from '../../bitcoin/resources/node-sets.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { reasons } from '../events/reasons.ts';
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
    Suspended: left === 0 ? { ...notRunning, status: 'True' } : { ...notRunning, reason: 'Suspending' },
  };
}

export function suspensionEvents(
  { spec }: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
): PendingEvent[] {
  const reasonIn = (of: BitcoinNetworkStatus | undefined) => conditionIn(of, 'Suspended')?.reason;
  const [was, is] = [reasonIn(previous), reasonIn(status)];
  if (was === is) return [];
  if (is === reasons.suspended)
    return [{ type: 'Normal', reason: reasons.suspended, message: 'All nodes are stopped: spec.suspend is set' }];
  if (is !== 'Running' || was === undefined) return [];
  return [{ type: 'Normal', reason: reasons.resumed, message: `The network is resumed with ${spec.nodes} nodes` }];
}
