// What a network is, as pure functions: pods → nodes, nodes and their peers → the status with its conditions.
// Before it: reconcile.ts with what it observed. After it: reconcile.ts patches the status, if it changed.
import type { V1Pod } from '@kubernetes/client-node';
import type {
  BitcoinNetwork,
  BitcoinNetworkCondition,
  BitcoinNetworkNode,
  BitcoinNetworkStatus,
} from '../../bitcoin/api/bitcoin-network.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { podSelector, serviceName, ordinalOfPod } from '../../bitcoin/api/names.ts';
import { BitcoinTransportError } from '../../bitcoin/rpc/rpc-client.ts';
import type { Applied } from '../../runtime/apply.ts';
import type { CredentialsState } from '../steps/credentials.ts';
import { type Reason, reasons } from '../events/reasons.ts';

export const isTerminating = ({ metadata }: V1Pod): boolean => metadata?.deletionTimestamp !== undefined;

export const isReady = (pod: V1Pod): boolean =>
  !isTerminating(pod) && (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false);

/** The nodes of a network, by ordinal: the pods of its StatefulSet. */
export function observeNodes(network: BitcoinNetwork, pods: readonly V1Pod[]): Node[] {
  const readyBefore = new Set(network.status?.nodes?.filter(({ ready }) => ready).map(({ ip }) => ip));
  const nodes = pods.flatMap(pod => {
    const name = pod.metadata?.name ?? '';
    const ordinal = ordinalOfPod(network, name);
    if (ordinal === undefined) return [];
    const ip = pod.status?.podIP ?? '';
    const isNew = !readyBefore.has(ip);
    return [{ name, ordinal, ip, isReady: isReady(pod), isTerminating: isTerminating(pod), isNew }];
  });
  return nodes.sort((a, b) => a.ordinal - b.ordinal);
}

/** What a reconcile found out about a network. */
export interface Observation {
  readonly nodes: readonly Node[];
  readonly peers: readonly NodeReport[];
  readonly credentials: CredentialsState;
  /** What became of the Service and the StatefulSet; undefined if nothing was tried. */
  readonly children: readonly (Applied<unknown> | undefined)[];
}

type ConditionState = Pick<BitcoinNetworkCondition, 'status' | 'reason' | 'message'>;

/** The status that a network should have, with the times of those conditions that did not change kept from the previous one. */
export function statusOf(
  network: BitcoinNetwork,
  observation: Observation,
  previous: BitcoinNetworkStatus | undefined,
  now: Date,
): BitcoinNetworkStatus {
  const { nodes } = observation;
  const generation = network.metadata.generation ?? 0;
  const states = {
    Ready: ready(network, observation),
    Connected: connected(network, observation, previous),
    CredentialsAvailable: credentialsAvailable(observation),
  };
  return {
    observedGeneration: generation,
    replicas: nodes.length,
    readyNodes: nodes.filter(({ isReady }) => isReady).length,
    selector: Object.entries(podSelector(network))
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    nodes: nodes.map(node => nodeStatus(network, node)),
    conditions: Object.entries(states).map(([type, state]) => condition(type, state, generation, previous, now)),
  };
}

const nodeStatus = (network: BitcoinNetwork, { ordinal, isReady, ip, name }: Node): BitcoinNetworkNode => ({
  ordinal,
  ready: isReady,
  ip,
  nodeName: name,
  dnsName: `${name}.${serviceName(network)}`,
});

function condition(
  type: string,
  state: ConditionState,
  observedGeneration: number,
  previous: BitcoinNetworkStatus | undefined,
  now: Date,
): BitcoinNetworkCondition {
  const before = previous?.conditions?.find(candidate => candidate.type === type);
  const lastTransitionTime = before?.status === state.status ? before.lastTransitionTime : `${now.toISOString().slice(0, 19)}Z`;
  return { type, ...state, observedGeneration, lastTransitionTime };
}

/** Ready: exactly the nodes that the spec asks for exist, and all are ready. */
function ready(network: BitcoinNetwork, { nodes, children }: Observation): ConditionState {
  const wanted = network.spec.nodes;
  const taken = children.find(child => child?.outcome === 'taken');
  const failed = children.find(child => child?.outcome === 'failed');
  const count = nodes.filter(({ isReady }) => isReady).length;
  if (taken?.outcome === 'taken') return { status: 'False', reason: reasons.nameTaken, message: taken.message };
  if (count === wanted && nodes.length === wanted)
    return { status: 'True', reason: 'AllNodesReady', message: `${count} of ${wanted} nodes are ready` };
  if (failed?.outcome === 'failed') return { status: 'False', reason: reasons.reconcileFailed, message: failed.message };
  const leaving =
    nodes.length > wanted ? `; ${nodes.length - wanted} more ${nodes.length - wanted === 1 ? 'has' : 'have'} yet to stop` : '';
  return { status: 'False', reason: 'NodesNotReady', message: `${count} of ${wanted} nodes are ready${leaving}` };
}

/** Connected: Ready, and every node's list holds every other node, connected. */
function connected(
  network: BitcoinNetwork,
  observation: Observation,
  previous: BitcoinNetworkStatus | undefined,
): ConditionState {
  const { credentials, peers } = observation;
  const readiness = ready(network, observation);
  if (!credentials.isAvailable) return { status: 'False', reason: credentials.reason, message: credentials.message };
  const failing = peers.filter(({ failure }) => failure !== undefined);
  const first = failing[0];
  if (first !== undefined) {
    const others = failing.length === 1 ? '' : ` (and ${failing.length - 1} more nodes)`;
    return { status: 'False', reason: failureReason(first), message: `${failureMessage(first)}${others}` };
  }
  if (readiness.status === 'False') return readiness;
  const before = previous?.conditions?.find(({ type }) => type === 'Connected');
  if (before !== undefined && peers.some(({ isUnheard }) => isUnheard === true))
    return { status: before.status, reason: before.reason, message: before.message };
  const complete = peers.filter(report => report.isComplete).length;
  if (complete === network.spec.nodes)
    return { status: 'True', reason: reasons.peersConnected, message: `each of ${complete} nodes is connected to every other` };
  return {
    status: 'False',
    reason: 'ConnectingPeers',
    message: `${complete} of ${network.spec.nodes} nodes are connected to every other`,
  };
}

const credentialsAvailable = ({ credentials: { isAvailable, reason, message } }: Observation): ConditionState => ({
  status: isAvailable ? 'True' : 'False',
  reason,
  message,
});

/** The event reason for a node's failure. */
export function failureReason({ failure }: NodeReport): Reason {
  const kind = failure instanceof BitcoinTransportError ? failure.failure : undefined;
  if (kind === 'unauthorized') return reasons.credentialsRejected;
  return kind === 'oversized' ? reasons.peerListTooLong : reasons.peerConnectFailed;
}

export const failureMessage = ({ node, failure }: NodeReport): string =>
  `${node.name} (${node.ip}): ${failure?.message ?? 'no failure'}`;

/** Whether two statuses say the same about the network, however it came to be so. */
export const isSameStatus = (a: BitcoinNetworkStatus | undefined, b: BitcoinNetworkStatus): boolean =>
  JSON.stringify(normalized({ ...a, lastEvents: undefined })) === JSON.stringify(normalized({ ...b, lastEvents: undefined }));

/** Whether a change of status says more than that a network which is coming up has come further. */
export function isUrgent(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): boolean {
  if (previous?.observedGeneration !== status.observedGeneration || (previous?.readyNodes ?? 0) > (status.readyNodes ?? 0))
    return true;
  const states = (conditions: readonly BitcoinNetworkCondition[] = []) =>
    conditions.map(({ type, status: state, reason }) => `${type} ${state} ${reason}`).join();
  return states(previous?.conditions) !== states(status.conditions);
}

/** Key order differs between what was sent and what the API server sends back. */
function normalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalized);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, normalized(child)]),
  );
}
