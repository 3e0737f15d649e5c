// The conditions of a network: Ready, Connected and CredentialsAvailable. Pure.
import type { BitcoinNetwork, BitcoinNetworkCondition, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { Applied } from '../../runtime/apply.ts';
import { failureMessage, failureReason } from '../events/failures.ts';
import { reasons } from '../events/reasons.ts';
import type { CredentialsState } from '../steps/credentials.ts';

/** What a reconcile found out about a network. */
export interface Observation {
  readonly nodes: readonly Node[];
  /** The last report of each ready node that has given one. */
  readonly reports: readonly NodeReport[];
  readonly credentials: CredentialsState;
  /** The outcomes of applying the Service and the StatefulSet; undefined if one was not applied. */
  readonly children: readonly (Applied<unknown> | undefined)[];
}

type ConditionState = Pick<BitcoinNetworkCondition, 'status' | 'reason' | 'message'>;

/** The conditions, each with the time at which its status changed. */
export function conditionsOf(
  network: BitcoinNetwork,
  observation: Observation,
  previous: BitcoinNetworkStatus | undefined,
  now: Date,
): BitcoinNetworkCondition[] {
  const states = {
    Ready: ready(network, observation),
    Connected: connected(network, observation),
    CredentialsAvailable: credentialsAvailable(observation),
  };
  return Object.entries(states).map(([type, state]) => condition(type, state, network.metadata.generation ?? 0, previous, now));
}

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

/** Ready: exactly as many nodes as the spec wants exist, and all are ready. */
function ready(network: BitcoinNetwork, { nodes, children }: Observation): ConditionState {
  const wanted = network.spec.nodes;
  const taken = children.find(child => child?.outcome === 'taken');
  const failed = children.find(child => child?.outcome === 'failed');
  const count = nodes.filter(({ isReady }) => isReady).length;
  if (taken !== undefined) return { status: 'False', reason: reasons.nameTaken, message: taken.message };
  if (count === wanted && nodes.length === wanted)
    return { status: 'True', reason: 'AllNodesReady', message: `${count} of ${wanted} nodes are ready` };
  if (failed !== undefined) return { status: 'False', reason: reasons.reconcileFailed, message: failed.message };
  const surplus = nodes.length - wanted;
  const stopping = surplus > 0 ? `; ${surplus} more ${surplus === 1 ? 'has' : 'have'} yet to stop` : '';
  return { status: 'False', reason: 'NodesNotReady', message: `${count} of ${wanted} nodes are ready${stopping}` };
}

/** Connected: Ready, and every node's list has every other node, connected. */
function connected(network: BitcoinNetwork, observation: Observation): ConditionState {
  const { credentials, reports } = observation;
  if (!credentials.isAvailable) return { status: 'False', reason: credentials.reason, message: credentials.message };
  const failing = reports.filter(({ failure }) => failure !== undefined);
  const [first] = failing;
  if (first !== undefined) {
    const others = failing.length === 1 ? '' : ` (and ${failing.length - 1} more nodes)`;
    return { status: 'False', reason: failureReason(first), message: `${failureMessage(first)}${others}` };
  }
  const readiness = ready(network, observation);
  if (readiness.status === 'False') return readiness;
  const complete = reports.filter(report => report.isComplete).length;
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
