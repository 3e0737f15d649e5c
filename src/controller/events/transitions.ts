// The events of what the controller changed, and of what changed between two statuses. Pure. The reason is for programs, the message
// gives the cause to readers of `kubectl describe`.
import type { V1StatefulSet } from '@kubernetes/client-node';
import type {
  BitcoinNetwork,
  BitcoinNetworkCondition,
  BitcoinNetworkNode,
  BitcoinNetworkStatus,
} from '../../bitcoin/api/bitcoin-network.ts';
import { pausedAnnotation, serviceName, statefulSetName } from '../../bitcoin/api/names.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import type { Problem } from '../diagnosis/pod-problems.ts';
import { causesOf, isSaidIn } from '../diagnosis/summary.ts';
import { type Reason, reasons } from './reasons.ts';

/** How an object was changed. */
export type Changed = 'created' | 'updated' | 'recreated';

/** More names than this make a message hard to read; the status has them all. */
const maxNames = 10;

export const serviceEvent = (network: BitcoinNetwork, change: Changed): PendingEvent =>
  change === 'created'
    ? { type: 'Normal', reason: reasons.serviceCreated, message: `Created Service ${serviceName(network)}` }
    : { type: 'Normal', reason: reasons.serviceRepaired, message: `Reverted drift of Service ${serviceName(network)}` };

export function statefulSetEvent(network: BitcoinNetwork, change: Changed, previous: V1StatefulSet | undefined): PendingEvent {
  const name = statefulSetName(network);
  const { nodes } = network.spec;
  const before = previous?.spec?.replicas ?? 1;
  const normal = (reason: Reason, message: string): PendingEvent => ({ type: 'Normal', reason, message });
  if (change === 'created') return normal(reasons.statefulSetCreated, `Created StatefulSet ${name} with ${count(nodes, 'node')}`);
  if (change === 'recreated')
    return normal(
      reasons.statefulSetRecreated,
      `Recreated StatefulSet ${name} to change immutable fields; its pods keep running`,
    );
  if (before === nodes) return normal(reasons.statefulSetUpdated, `Updated StatefulSet ${name}`);
  return normal(reasons.statefulSetScaled, `Scaled StatefulSet ${name} from ${before} to ${nodes}`);
}

/**
 * The events of the changes between two statuses.
 * @param problems those that `status` reports: each cause that the previous status did not have is an event
 */
export function transitionEvents(
  network: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
  problems: readonly Problem[] = [],
): PendingEvent[] {
  return [
    ...pauseEvents(previous, status),
    ...problemEvents(previous, status, problems),
    ...credentialsEvents(previous, status),
    ...nodeEvents(network, previous, status),
    ...connectionEvents(previous, status),
  ];
}

function credentialsEvents(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): PendingEvent[] {
  const credentials = conditionOf(status, 'CredentialsAvailable');
  if (credentials?.status !== 'True' || credentials.reason === conditionOf(previous, 'CredentialsAvailable')?.reason) return [];
  const message = sentence(credentials.message);
  return credentials.reason === reasons.credentialsFound
    ? [{ type: 'Normal', reason: reasons.credentialsFound, message }]
    : [{ type: 'Warning', reason: credentials.reason, message }];
}

function nodeEvents(
  network: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
): PendingEvent[] {
  const before = previous?.nodes ?? [];
  const after = status.nodes ?? [];
  const gone = before.filter(node => node.ready && !isReadyIn(after, node));
  const stopped = gone.filter(({ ordinal }) => ordinal >= network.spec.nodes);
  const lost = gone.filter(node => !stopped.includes(node));
  const gained = after.filter(node => node.ready && !isReadyIn(before, node));
  const total = `${status.readyNodes ?? 0} of ${network.spec.nodes} are ready`;
  const events: PendingEvent[] = [];
  if (lost.length > 0) events.push({ type: 'Warning', reason: reasons.nodeLost, message: `Lost ${names(lost)}; ${total}` });
  if (stopped.length > 0)
    events.push({ type: 'Normal', reason: reasons.nodeStopped, message: `Stopped: ${names(stopped)}; ${total}` });
  if (gained.length > 0) events.push({ type: 'Normal', reason: reasons.nodeReady, message: `Ready: ${names(gained)}; ${total}` });
  return events;
}

function connectionEvents(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): PendingEvent[] {
  const connected = conditionOf(status, 'Connected');
  const was = conditionOf(previous, 'Connected');
  if (connected?.status !== 'True' || (was?.status === 'True' && was.message === connected.message)) return [];
  return [{ type: 'Normal', reason: reasons.peersConnected, message: sentence(connected.message) }];
}

function pauseEvents(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): PendingEvent[] {
  const [was, is] = [conditionOf(previous, 'Paused')?.status === 'True', conditionOf(status, 'Paused')?.status === 'True'];
  if (was === is) return [];
  const message = is ? `The network is paused as long as it has the annotation ${pausedAnnotation}` : 'The network is resumed';
  return [{ type: 'Normal', reason: is ? reasons.paused : reasons.resumed, message }];
}

function problemEvents(
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
  problems: readonly Problem[],
): PendingEvent[] {
  if (conditionOf(status, 'Ready')?.status === 'True') return [];
  const before = conditionOf(previous, 'Ready')?.message;
  return causesOf(problems)
    .filter(cause => !isSaidIn(before, cause))
    .map(({ reason, message }) => ({ type: 'Warning', reason, message }));
}

const isReadyIn = (nodes: readonly BitcoinNetworkNode[], { nodeName, ip }: BitcoinNetworkNode): boolean =>
  nodes.some(node => node.nodeName === nodeName && node.ip === ip && node.ready);

const conditionOf = (status: BitcoinNetworkStatus | undefined, type: string): BitcoinNetworkCondition | undefined =>
  status?.conditions?.find(condition => condition.type === type);

function names(nodes: readonly BitcoinNetworkNode[]): string {
  const shown = nodes.slice(0, maxNames).map(({ nodeName, ip }) => `${nodeName} (${ip})`);
  return nodes.length > maxNames ? `${shown.join(', ')} and ${nodes.length - maxNames} more` : shown.join(', ');
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** The text with a capital at its beginning, as event messages have. */
export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
