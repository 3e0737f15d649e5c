// The condition Connected. Pure.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import { failureMessage, failureReason } from '../events/failures.ts';
import { reasons } from '../events/reasons.ts';
import type { ConditionState } from './condition.ts';
import { type EdgesStatus, edgesText } from './edges.ts';
import type { Observation } from './observation.ts';
import { ready } from './readiness.ts';

/** Connected: Ready, and every edge is connected; without a topology, every node's list has every other node, connected. */
export function connected(network: BitcoinNetwork, observation: Observation): ConditionState {
  const { credentials, edges, problems, reports } = observation;
  if (!credentials.isAvailable && credentials.credentials === undefined)
    return { status: 'False', reason: credentials.reason, message: credentials.message };
  // A node that exits is reported as that, whatever the others answer about it.
  if (problems.length > 0) {
    const readiness = ready(network, observation);
    if (readiness.status === 'False') return readiness;
  }
  const failing = reports.filter(({ failure }) => failure !== undefined);
  const [first] = failing;
  if (first !== undefined) {
    const others = failing.length === 1 ? '' : ` (and ${failing.length - 1} more nodes)`;
    return { status: 'False', reason: failureReason(first), message: `${failureMessage(first)}${others}` };
  }
  const readiness = ready(network, observation);
  if (readiness.status === 'False') return readiness;
  const state = edges === undefined ? connectedMesh(network, observation) : connectedEdges(edges, observation);
  if (state.status === 'False' || chainParametersOf(network.spec).isClosed) return state;
  return reports.some(({ outsidePeers = 0 }) => outsidePeers > 0) ? state : noOutsidePeers(state);
}

/** A network that looks for peers outside of itself is of little use without any. */
const noOutsidePeers = ({ message }: ConditionState): ConditionState => ({
  status: 'False',
  reason: 'NoOutsidePeers',
  message: `${message}; no node has found a peer outside of the network: they need access to the Internet, or peerDiscovery: Disabled`,
});

/** Edges that the spec asks for and that cannot be planned are not connected either. */
function connectedEdges(edges: EdgesStatus, { unplanned }: Observation): ConditionState {
  if (unplanned !== undefined) return { status: 'False', ...unplanned };
  const message = edgesText(edges);
  return edges.connected === edges.wanted
    ? { status: 'True', reason: 'EdgesConnected', message }
    : { status: 'False', reason: 'EdgesMissing', message };
}

function connectedMesh(network: BitcoinNetwork, { reports, partition }: Observation): ConditionState {
  const complete = reports.filter(report => report.isComplete).length;
  const other = partition?.isCut === true ? 'every other of its part' : 'every other';
  if (complete === network.spec.nodes)
    return { status: 'True', reason: reasons.peersConnected, message: `each of ${complete} nodes is connected to ${other}` };
  return {
    status: 'False',
    reason: 'ConnectingPeers',
    message: `${complete} of ${network.spec.nodes} nodes are connected to ${other}`,
  };
}
