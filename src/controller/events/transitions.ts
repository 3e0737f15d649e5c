// The events of what changed between two statuses. Pure. The reason is for programs, the message
// gives the cause to readers of `kubectl describe`.
import type { BitcoinNetwork, BitcoinNetworkNode, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { pausedAnnotation } from '../../bitcoin/api/names.ts';
import type { NodeReorg } from '../../bitcoin/chain/reorg.ts';
import { hasOrdinal, isSuspended, nodeSetsOf } from '../../bitcoin/resources/node-sets.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import type { Problem } from '../diagnosis/pod-problems.ts';
import { causesOf, isSaidIn } from '../diagnosis/summary.ts';
import type { ChainsObserved } from '../status/chains.ts';
import { lossEvents } from '../status/chain-loss.ts';
import { conditionIn } from '../status/condition.ts';
import { bootstrapEvents } from '../status/bootstrap.ts';
import { productionEvents } from '../status/block-production.ts';
import { partitionEvents } from '../status/partition.ts';
import { storageEvents } from '../status/storage.ts';
import { suspensionEvents } from '../status/suspension.ts';
import { walletEvents } from '../status/wallets.ts';
import { chainEvents, reorgEvents } from './chains.ts';
import { EdgeHistory, edgeEvents, isRestored, stayedConnected } from './edges.ts';
import { reasons } from './reasons.ts';
import { rolloutEvents } from './rollout.ts';
import { sentence } from './sentence.ts';
import { firstNames } from '../../logging/short-text.ts';

/** More names than this make a message hard to read; the status has them all. */
const maxNames = 10;

/** What the two statuses do not show. */
export interface TransitionContext {
  readonly problems?: readonly Problem[];
  readonly edges?: EdgeHistory;
  readonly chains?: ChainsObserved | undefined;
  readonly reorgs?: readonly NodeReorg[];
}

/**
 * The events of the changes between two statuses.
 * @param context.problems those that `status` reports: each cause that the previous status did not have is an event
 */
export function transitionEvents(
  network: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
  { problems = [], edges = new EdgeHistory(), chains, reorgs = [] }: TransitionContext = {},
): PendingEvent[] {
  return [
    ...pauseEvents(previous, status),
    ...suspensionEvents(network, previous, status),
    ...storageEvents(previous, status),
    ...lossEvents(previous, status),
    ...problemEvents(previous, status, problems),
    ...credentialsEvents(previous, status),
    ...specEvents(previous, status),
    ...rolloutEvents(previous, status),
    ...nodeEvents(network, previous, status),
    ...edgeEvents(previous, status, edges),
    ...connectionEvents(previous, status),
    ...partitionEvents(previous, status),
    ...bootstrapEvents(network, previous, status),
    ...walletEvents(network, previous, status),
    ...productionEvents(network, previous, status),
    // The chains of stopped nodes are not known, but what they replaced before.
    ...(isSuspended(network) ? reorgEvents(reorgs) : chainEvents(previous, status, chains, reorgs)),
  ];
}

function credentialsEvents(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): PendingEvent[] {
  const credentials = conditionIn(status, 'CredentialsAvailable');
  if (credentials?.status !== 'True' || credentials.reason === conditionIn(previous, 'CredentialsAvailable')?.reason) return [];
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
  const sets = nodeSetsOf(network);
  // A node of its ordinal in another set is not it.
  const stopped = gone.filter(({ ordinal, group }) => !sets.some(set => set.group === group && hasOrdinal(set, ordinal)));
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
  const connected = conditionIn(status, 'Connected');
  const was = conditionIn(previous, 'Connected');
  if (connected?.status !== 'True' || (was?.status === 'True' && was.message === connected.message)) return [];
  if (isRestored(previous, status) || (was?.status === 'Unknown' && stayedConnected(previous, status))) return [];
  return [{ type: 'Normal', reason: reasons.peersConnected, message: sentence(connected.message) }];
}

function specEvents(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): PendingEvent[] {
  const [was, is] = [conditionIn(previous, 'SpecAccepted'), conditionIn(status, 'SpecAccepted')];
  if (is?.status === 'False' && (was?.status !== 'False' || was.message !== is.message))
    return [{ type: 'Warning', reason: reasons.specRejected, message: `${is.reason}: ${is.message}` }];
  if (is?.status === 'True' && was?.status === 'False')
    return [{ type: 'Normal', reason: reasons.specAccepted, message: sentence(is.message) }];
  return [];
}

function pauseEvents(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): PendingEvent[] {
  const [was, is] = [conditionIn(previous, 'Paused')?.status === 'True', conditionIn(status, 'Paused')?.status === 'True'];
  if (was === is) return [];
  const message = is ? `The network is paused as long as it has the annotation ${pausedAnnotation}` : 'The network is resumed';
  return [{ type: 'Normal', reason: is ? reasons.paused : reasons.resumed, message }];
}

function problemEvents(
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
  problems: readonly Problem[],
): PendingEvent[] {
  if (conditionIn(status, 'Ready')?.status === 'True') return [];
  const before = conditionIn(previous, 'Ready')?.message;
  return causesOf(problems)
    .filter(cause => !isSaidIn(before, cause))
    .map(({ reason, message }) => ({ type: 'Warning', reason, message }));
}

const isReadyIn = (nodes: readonly BitcoinNetworkNode[], { nodeName, ip }: BitcoinNetworkNode): boolean =>
  nodes.some(node => node.nodeName === nodeName && node.ip === ip && node.ready);

const names = (nodes: readonly BitcoinNetworkNode[]): string =>
  firstNames(
    nodes.map(({ nodeName, ip }) => `${nodeName} (${ip})`),
    maxNames,
  );
