// What a reconcile did and found, told as events. Before it: reconcile.ts. After it: record/event-recorder.ts.
// Whoever reads `kubectl describe` learns the cause from the message; the reason is for machines.
import type { V1Service, V1StatefulSet } from '@kubernetes/client-node';
import type {
  BitcoinNetwork,
  BitcoinNetworkCondition,
  BitcoinNetworkNode,
  BitcoinNetworkStatus,
} from '../bitcoin/bitcoin-network.ts';
import type { NodeReport } from '../bitcoin/peers.ts';
import { serviceName, statefulSetName } from '../bitcoin/resources.ts';
import type { EventRecorder } from '../record/event-recorder.ts';
import type { Applied } from './apply.ts';
import type { CredentialsState } from './credentials.ts';
import { reasons } from './reasons.ts';
import { failureMessage, failureReason } from './status.ts';

/** More names than this make a message hard to read; the status has them all. */
const maxNames = 10;

export function recordService(recorder: EventRecorder, network: BitcoinNetwork, applied: Applied<V1Service>): void {
  const name = serviceName(network);
  if (applied.outcome === 'created') recorder.event(network, 'Normal', reasons.serviceCreated, `Created Service ${name}`);
  if (applied.outcome === 'updated' || applied.outcome === 'recreated')
    recorder.event(network, 'Normal', reasons.serviceRepaired, `Service ${name} had been changed and is as it should be again`);
}

export function recordStatefulSet(
  recorder: EventRecorder,
  network: BitcoinNetwork,
  applied: Applied<V1StatefulSet> | undefined,
): void {
  const name = statefulSetName(network);
  const { nodes } = network.spec;
  switch (applied?.outcome) {
    case 'created':
      recorder.event(network, 'Normal', reasons.statefulSetCreated, `Created StatefulSet ${name} with ${count(nodes, 'node')}`);
      break;
    case 'recreated':
      recorder.event(
        network,
        'Normal',
        reasons.statefulSetRecreated,
        `Replaced StatefulSet ${name}, which had fields that cannot be changed; its pods stay`,
      );
      break;
    case 'updated': {
      const before = applied.previous.spec?.replicas;
      if (before !== nodes)
        recorder.event(
          network,
          'Normal',
          reasons.statefulSetScaled,
          `Scaled StatefulSet ${name} from ${before ?? 1} to ${nodes}`,
        );
      else recorder.event(network, 'Normal', reasons.statefulSetUpdated, `Updated StatefulSet ${name}`);
      break;
    }
  }
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
export function recordTransitions(
  recorder: EventRecorder,
  network: BitcoinNetwork,
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
): void {
  const before = previous?.nodes ?? [];
  const after = status.nodes ?? [];
  const gone = before.filter(node => node.ready && !isReadyIn(after, node));
  const stopped = gone.filter(({ ordinal }) => ordinal >= network.spec.nodes);
  const lost = gone.filter(node => !stopped.includes(node));
  const gained = after.filter(node => node.ready && !isReadyIn(before, node));
  const total = `${status.readyNodes ?? 0} of ${network.spec.nodes} are ready`;
  const credentials = conditionOf(status, 'CredentialsAvailable');
  if (credentials?.reason !== conditionOf(previous, 'CredentialsAvailable')?.reason && credentials?.status === 'True') {
    if (credentials.reason === reasons.defaultCredentials)
      recorder.event(network, 'Warning', reasons.defaultCredentials, sentence(credentials.message));
    else recorder.event(network, 'Normal', reasons.credentialsFound, sentence(credentials.message));
  }
  if (lost.length > 0) recorder.event(network, 'Warning', reasons.nodeLost, `Lost ${names(lost)}; ${total}`);
  if (stopped.length > 0) recorder.event(network, 'Normal', reasons.nodeStopped, `Stopped: ${names(stopped)}; ${total}`);
  if (gained.length > 0) recorder.event(network, 'Normal', reasons.nodeReady, `Ready: ${names(gained)}; ${total}`);
  const connected = conditionOf(status, 'Connected');
  const was = conditionOf(previous, 'Connected');
  if (connected?.status === 'True' && (was?.status !== 'True' || was.message !== connected.message))
    recorder.event(network, 'Normal', reasons.peersConnected, sentence(connected.message));
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
