// The conditions of a network: Ready, Connected, UpToDate, SpecAccepted, CredentialsAvailable and Paused. Pure.
import type { BitcoinNetwork, BitcoinNetworkCondition, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { pausedAnnotation } from '../../bitcoin/api/names.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { Applied } from '../../runtime/apply.ts';
import type { Problem } from '../diagnosis/pod-problems.ts';
import { causesOf } from '../diagnosis/summary.ts';
import type { ProductionObserved } from '../blocks/block-producer.ts';
import { blocksProduced } from './block-production.ts';
import { type ChainsObserved, chainsAgree, hadCondition, mayStillFork, showsChains } from './chains.ts';
import { failureMessage, failureReason } from '../events/failures.ts';
import { reasons } from '../events/reasons.ts';
import type { RolloutState } from '../rollout/rollout-input.ts';
import type { CredentialsState } from '../steps/credentials.ts';
import { partitioned } from './partition.ts';
import type { PartitionState } from '../partition-clock.ts';
import { type EdgesStatus, edgesText } from './edges.ts';
import { storageReady } from './storage.ts';
import { suspensionStates } from './suspension.ts';
import { isDeclared, type SpecFault } from './spec-faults.ts';

/** What a reconcile found out about a network. */
export interface Observation {
  readonly nodes: readonly Node[];
  /** The last report of each ready node that has given one. */
  readonly reports: readonly NodeReport[];
  readonly credentials: CredentialsState;
  /** The outcomes of applying the Service and the StatefulSet; undefined if one was not applied. */
  readonly children: readonly (Applied<unknown> | undefined)[];
  /** What keeps nodes from existing or from becoming ready. */
  readonly problems: readonly Problem[];
  /** What of the spec is not applied. Default: nothing. */
  readonly specFaults?: readonly SpecFault[];
  /** The edges of the topology. Default: there is none. */
  readonly edges?: EdgesStatus | undefined;
  /** The rollout. Default: not known. */
  readonly rollout?: RolloutState | undefined;
  /** The chains of the nodes. Default: no node has reported one. */
  readonly chains?: ChainsObserved | undefined;
  /** Default: the spec does not cut the network. */
  readonly partition?: PartitionState | undefined;
  /** Default: no blocks are made, or it is not known yet. */
  readonly production?: ProductionObserved | undefined;
}

/** What is seen of a network that is left alone. */
export interface PausedObservation {
  readonly isPaused: true;
  readonly nodes: readonly Node[];
  /** Why it is left alone, if not for the annotation. */
  readonly specFault?: SpecFault;
}

/** More would make a message hard to read. */
const maxSpecFaults = 5;

/** Without a generation: it is based on the present one. */
type ConditionState = Pick<BitcoinNetworkCondition, 'status' | 'reason' | 'message' | 'observedGeneration'>;

/** The conditions, each with the time at which its status changed. */
export function conditionsOf(
  network: BitcoinNetwork,
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
  now: Date,
): BitcoinNetworkCondition[] {
  const states =
    'isPaused' in observation ? pausedStates(network, observation, previous) : activeStates(network, observation, previous);
  return Object.entries(states).map(([type, state]) => condition(type, state, network.metadata.generation ?? 0, previous, now));
}

type ConditionStates = Readonly<Record<string, ConditionState>>;

function activeStates(
  network: BitcoinNetwork,
  observation: Observation,
  previous: BitcoinNetworkStatus | undefined,
): ConditionStates {
  const wasPaused = previous?.conditions?.some(({ type }) => type === 'Paused') ?? false;
  const StorageReady = storageReady(network, observation.nodes, observation.problems, previous);
  const states: ConditionStates = {
    Ready: ready(network, observation),
    Connected: connected(network, observation),
    ...upToDate(network, observation, previous),
    CredentialsAvailable: credentialsAvailable(observation),
    ...specAccepted(network, observation, previous),
    ...chainConditions(network, observation, previous),
    ...productionCondition(network, observation, previous),
    ...(StorageReady === undefined ? {} : { StorageReady }),
    // Absent, as for most networks, until it has been paused once.
    ...(wasPaused ? { Paused: { status: 'False', reason: reasons.resumed, message: 'the network is reconciled' } } : {}),
  };
  return { ...states, ...suspensionStates(network, observation.nodes, states, previous) };
}

/** What needs no request to a node or for a Secret is still observed; the rest is not known, or as it was. */
function pausedStates(
  network: BitcoinNetwork,
  { nodes, specFault }: PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): ConditionStates {
  const beforeOf = (wanted: string) => previous?.conditions?.find(({ type }) => type === wanted);
  const [credentials, rollout, suspended] = ['CredentialsAvailable', 'UpToDate', 'Suspended'].map(beforeOf);
  const storage = beforeOf('StorageReady');
  const isReady = countReady(nodes) === network.spec.nodes && nodes.length === network.spec.nodes;
  const [reason, why] =
    specFault === undefined ? [reasons.paused, 'the network is paused'] : [specFault.reason, specFault.message];
  return {
    Ready: isReady ? allReady(network) : { status: 'False', reason, message: `${readyText(network, nodes)}; ${why}` },
    Connected: {
      status: 'Unknown',
      reason,
      message: `${why}: its nodes are not asked about their peers`,
    },
    ...(rollout === undefined ? {} : { UpToDate: asBefore(rollout) }),
    ...(credentials === undefined ? {} : { CredentialsAvailable: pick(credentials) }),
    ...(storage === undefined ? {} : { StorageReady: asBefore(storage) }),
    ...(suspended === undefined ? {} : { Suspended: asBefore(suspended) }),
    ...(hadCondition(previous, 'BlocksProduced') ? { BlocksProduced: { status: 'Unknown', reason, message: why } } : {}),
    ...(hadCondition(previous, 'ChainsAgree') ? { ChainsAgree: { status: 'Unknown', reason, message: why } } : {}),
    ...(specFault === undefined ? { Paused: pausedTrue } : { SpecAccepted: { status: 'False', ...specFault } }),
  };
}

const pausedTrue: ConditionState = {
  status: 'True',
  reason: reasons.paused,
  message: `nothing of the network is changed as long as it has the annotation ${pausedAnnotation}`,
};

const pick = ({ status, reason, message }: BitcoinNetworkCondition): ConditionState => ({ status, reason, message });

const asBefore = ({ observedGeneration, ...condition }: BitcoinNetworkCondition): ConditionState => ({
  ...pick(condition),
  ...(observedGeneration === undefined ? {} : { observedGeneration }),
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
  return { type, observedGeneration, ...state, lastTransitionTime };
}

/** Ready: exactly as many nodes as the spec wants exist, and all are ready. */
function ready(network: BitcoinNetwork, { nodes, children, credentials, problems }: Observation): ConditionState {
  const wanted = network.spec.nodes;
  const taken = children.find(child => child?.outcome === 'taken');
  const failed = children.find(child => child?.outcome === 'failed');
  if (taken !== undefined) return { status: 'False', reason: reasons.nameTaken, message: taken.message };
  if (countReady(nodes) === wanted && nodes.length === wanted) return allReady(network);
  if (failed !== undefined) return { status: 'False', reason: reasons.reconcileFailed, message: failed.message };
  const text = readyText(network, nodes);
  const causes = causesOf(problems);
  const [first] = causes;
  if (first !== undefined)
    return { status: 'False', reason: first.reason, message: [text, ...causes.map(({ message }) => message)].join('; ') };
  if (!credentials.isAvailable)
    return { status: 'False', reason: credentials.reason, message: `${text}; ${credentials.message}` };
  const surplus = nodes.length - wanted;
  const stopping = surplus > 0 ? `; ${surplus} more ${surplus === 1 ? 'has' : 'have'} yet to stop` : '';
  return { status: 'False', reason: 'NodesNotReady', message: `${text}${stopping}` };
}

const countReady = (nodes: readonly Node[]): number => nodes.filter(({ isReady }) => isReady).length;

const readyText = ({ spec }: BitcoinNetwork, nodes: readonly Node[]): string =>
  `${countReady(nodes)} of ${spec.nodes} nodes are ready`;

const allReady = ({ spec }: BitcoinNetwork): ConditionState => ({
  status: 'True',
  reason: 'AllNodesReady',
  message: `${spec.nodes} of ${spec.nodes} nodes are ready`,
});

/** Connected: Ready, and every edge is connected; without a topology, every node's list has every other node, connected. */
function connected(network: BitcoinNetwork, observation: Observation): ConditionState {
  const { credentials, edges, problems, reports } = observation;
  if (!credentials.isAvailable) return { status: 'False', reason: credentials.reason, message: credentials.message };
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
function connectedEdges(edges: EdgesStatus, { specFaults = [] }: Observation): ConditionState {
  const unplanned = specFaults.find(({ reason, message }) => reason === 'OrdinalUnknown' && message.startsWith('topology.'));
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

/**
 * UpToDate: no node has yet to be restarted for a change. As it was, of the former generation, while that is not known. Absent until all
 * nodes have been ready once, or a rollout begins.
 */
function upToDate(
  network: BitcoinNetwork,
  { rollout, nodes }: Observation,
  previous: BitcoinNetworkStatus | undefined,
): Record<string, ConditionState> {
  const before = previous?.conditions?.find(({ type }) => type === 'UpToDate');
  if (rollout === undefined) return before === undefined ? {} : { UpToDate: asBefore(before) };
  const { reason, message } = rollout;
  const isUpToDate = reason === 'AllNodesUpdated';
  if (before === undefined && isUpToDate && countReady(nodes) < network.spec.nodes) return {};
  return { UpToDate: { status: isUpToDate ? 'True' : 'False', reason, message } };
}

/** Absent for a spec that has nothing which could be refused, until something of it is. */
function specAccepted(
  network: BitcoinNetwork,
  { specFaults = [] }: Observation,
  previous: BitcoinNetworkStatus | undefined,
): Record<string, ConditionState> {
  const wasThere = previous?.conditions?.some(({ type }) => type === 'SpecAccepted') ?? false;
  const [first] = specFaults;
  if (first !== undefined) {
    const message = specFaults.slice(0, maxSpecFaults).map(fault => fault.message);
    const others = specFaults.length > maxSpecFaults ? [`${specFaults.length - maxSpecFaults} more`] : [];
    return { SpecAccepted: { status: 'False', reason: first.reason, message: [...message, ...others].join('; ') } };
  }
  if (!wasThere && !isDeclared(network)) return {};
  return { SpecAccepted: { status: 'True', reason: 'Accepted', message: 'all of the spec is applied' } };
}

/** Absent as long as the network has neither a block nor a field that is about connections or blocks. */
function chainConditions(
  network: BitcoinNetwork,
  { chains, partition }: Observation,
  previous: BitcoinNetworkStatus | undefined,
): Record<string, ConditionState> {
  const cut = partitioned(partition, previous);
  const Partitioned = cut === undefined ? {} : { Partitioned: cut };
  const before = previous?.conditions?.find(({ type }) => type === 'ChainsAgree');
  if (before !== undefined && chains !== undefined && mayStillFork(previous, chains))
    return { ...Partitioned, ChainsAgree: pick(before) };
  if (showsChains(network, chains)) return { ...Partitioned, ChainsAgree: chainsAgree(chains, partition?.isCut ?? false) };
  if (before === undefined) return Partitioned;
  return { ...Partitioned, ChainsAgree: { status: 'Unknown', reason: 'NoReports', message: 'no node has reported its chain' } };
}

/** Until a controller that has just started knows better, what its predecessor found out. */
function productionCondition(
  network: BitcoinNetwork,
  { production, chains }: Observation,
  previous: BitcoinNetworkStatus | undefined,
): Record<string, ConditionState> {
  const { blockProduction } = network.spec;
  if (blockProduction === undefined) return {};
  if (production !== undefined)
    return { BlocksProduced: blocksProduced(network, blockProduction, production, chains?.branches[0].height ?? 0) };
  const before = previous?.conditions?.find(({ type }) => type === 'BlocksProduced');
  return before === undefined ? {} : { BlocksProduced: pick(before) };
}

const credentialsAvailable = ({ credentials: { isAvailable, reason, message } }: Observation): ConditionState => ({
  status: isAvailable ? 'True' : 'False',
  reason,
  message,
});
