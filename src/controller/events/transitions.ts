// What a reconcile did and found, as events. Before it: reconcile.ts. After it: story.ts; record/event-recorder.ts for what is found again at each try.
// Whoever reads `kubectl describe` learns the cause from the message; the reason is for machines.
import type { V1StatefulSet } from '@kubernetes/client-node';
import type {
  BitcoinNetwork,
  BitcoinNetworkCondition,
  BitcoinNetworkNode,
  BitcoinNetworkStatus,
} from '../../bitcoin/api/bitcoin-network.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { serviceName, statefulSetName } from '../../bitcoin/api/names.ts';
import type { EventRecorder } from '../../record/core/event-recorder.ts';
import type { Applied, Changed } from '../../runtime/apply.ts';
import type { CredentialsState } from '../steps/credentials.ts';
import { type Reason, reasons } from './reasons.ts';
import { failureMessage, failureReason } from '../status/status.ts';
import type { News } from '../../runtime/event-outbox.ts';

/** More names than this make a message hard to read; the status has them all. */
const maxNames = 10;

export function serviceNews(network: BitcoinNetwork, what: Changed): News {
  const name = serviceName(network);
  return what === 'created'
    ? { type: 'Normal', reason: reasons.serviceCreated, message: `Created Service ${name}` }
    : {
        type: 'Normal',
        reason: reasons.serviceRepaired,
        message: `Service ${name} had been changed and is as it should be again`,
      };
}

export function statefulSetNews(network: BitcoinNetwork, what: Changed, previous: V1StatefulSet | undefined): News {
  const name = statefulSetName(network);
  const { nodes } = network.spec;
  const [reason, message] = ((): [Reason, string] => {
    if (what === 'created') return [reasons.statefulSetCreated, `Created StatefulSet ${name} with ${count(nodes, 'node')}`];
    if (what === 'recreated')
      return [
        reasons.statefulSetRecreated,
        `Replaced StatefulSet ${name}, which had fields that cannot be changed; its pods stay`,
      ];
    const before = previous?.spec?.replicas ?? 1;
    if (before === nodes) return [reasons.statefulSetUpdated, `Updated StatefulSet ${name}`];
    return [reasons.statefulSetScaled, `Scaled StatefulSet ${name} from ${before} to ${nodes}`];
  })();
  return { type: 'Normal', reason, message };
}

/** What keeps a network from being as it should be; told again at each try, so that the count of the event shows that it lasts. */
export function recordFailures(
  recorder: EventRecorder,
  network: BitcoinNetwork,
  found: {
    readonly credentials: CredentialsState;
    readonly peers: readonly NodeReport[];
    readonly children: readonly (Applied<unknown> | undefined)[];
  },
): void {
  const { credentials, peers, children } = found;
  if (!credentials.isAvailable) recorder.event(network, 'Warning', credentials.reason, sentence(credentials.message));
  for (const child of children) {
    if (child?.outcome === 'taken') recorder.event(network, 'Warning', reasons.nameTaken, child.message);
    if (child?.outcome === 'contested') recorder.event(network, 'Warning', reasons.repairContested, child.message);
  }
  for (const report of peers)
    if (report.failure !== undefined) recorder.event(network, 'Warning', failureReason(report), failureMessage(report));
}

/** What became of a network between two statuses. */
export function transitionNews(
  network: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
): News[] {
  return [...credentialsNews(previous, status), ...nodeNews(network, previous, status), ...connectionNews(previous, status)];
}

function credentialsNews(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): News[] {
  const credentials = conditionOf(status, 'CredentialsAvailable');
  if (credentials?.status !== 'True' || credentials.reason === conditionOf(previous, 'CredentialsAvailable')?.reason) return [];
  const message = sentence(credentials.message);
  return credentials.reason === reasons.defaultCredentials
    ? [{ type: 'Warning', reason: reasons.defaultCredentials, message }]
    : [{ type: 'Normal', reason: reasons.credentialsFound, message }];
}

function nodeNews(network: BitcoinNetwork, previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): News[] {
  const before = previous?.nodes ?? [];
  const after = status.nodes ?? [];
  const gone = before.filter(node => node.ready && !isReadyIn(after, node));
  const stopped = gone.filter(({ ordinal }) => ordinal >= network.spec.nodes);
  const lost = gone.filter(node => !stopped.includes(node));
  const gained = after.filter(node => node.ready && !isReadyIn(before, node));
  const total = `${status.readyNodes ?? 0} of ${network.spec.nodes} are ready`;
  const news: News[] = [
    { type: 'Warning', reason: reasons.nodeLost, message: `Lost ${names(lost)}; ${total}` },
    { type: 'Normal', reason: reasons.nodeStopped, message: `Stopped: ${names(stopped)}; ${total}` },
    { type: 'Normal', reason: reasons.nodeReady, message: `Ready: ${names(gained)}; ${total}` },
  ];
  return news.filter((_, index) => ([lost, stopped, gained][index] ?? []).length > 0);
}

function connectionNews(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): News[] {
  const connected = conditionOf(status, 'Connected');
  const was = conditionOf(previous, 'Connected');
  if (connected?.status !== 'True' || (was?.status === 'True' && was.message === connected.message)) return [];
  return [{ type: 'Normal', reason: reasons.peersConnected, message: sentence(connected.message) }];
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

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
