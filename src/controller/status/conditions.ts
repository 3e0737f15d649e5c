// The conditions of a network: Ready, Connected, UpToDate, SpecAccepted, CredentialsAvailable and Paused. Pure.
import type {
  BitcoinNetwork,
  BitcoinNetworkChain,
  BitcoinNetworkCondition,
  BitcoinNetworkStatus,
} from '../../bitcoin/api/bitcoin-network.ts';
import { pausedAnnotation } from '../../bitcoin/api/names.ts';
import { definedOnly } from '../../collections/defined-only.ts';
import { wholeSeconds } from '../../time/rfc3339.ts';
import { reasons } from '../events/reasons.ts';
import { blocksWaiting, bootstrapStates } from './bootstrap.ts';
import { blocksProduced } from './block-production.ts';
import { chainLost } from './chain-loss.ts';
import { chainsAgree, mayStillFork, showsChains } from './chains.ts';
import { conditionIn, type ConditionState, type ConditionStates, hadCondition, sameState } from './condition.ts';
import { connected } from './connected.ts';
import type { Observation, PausedObservation } from './observation.ts';
import { notExpired } from './expired.ts';
import { partitioned } from './partition.ts';
import { allReady, countReady, ready, readyText } from './readiness.ts';
import { isDeclared } from './spec-faults.ts';
import { storageReady } from './storage.ts';
import { suspensionStates } from './suspension.ts';
import { walletStates } from './wallets.ts';

/** More would make a message hard to read. */
const maxSpecFaults = 5;

/**
 * The conditions, each with the time at which its status changed.
 * @param chain of the status
 */
export function conditionsOf(
  network: BitcoinNetwork,
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
  now: Date,
  chain: BitcoinNetworkChain | undefined,
): BitcoinNetworkCondition[] {
  const states =
    'isPaused' in observation
      ? pausedStates(network, observation, previous)
      : activeStates(network, observation, previous, chain);
  return Object.entries(states).map(([type, state]) => condition(type, state, network.metadata.generation ?? 0, previous, now));
}

function activeStates(
  network: BitcoinNetwork,
  observation: Observation,
  previous: BitcoinNetworkStatus | undefined,
  chain: BitcoinNetworkChain | undefined,
): ConditionStates {
  const wasPaused = hadCondition(previous, 'Paused');
  const ChainLost = chainLost(chain, previous);
  const StorageReady = storageReady(network, observation, previous);
  const states: ConditionStates = {
    Ready: ready(network, observation),
    Connected: connected(network, observation),
    ...upToDate(network, observation, previous),
    CredentialsAvailable: credentialsAvailable(observation),
    ...specAccepted(network, observation, previous),
    ...chainConditions(network, observation, previous),
    ...(ChainLost === undefined ? {} : { ChainLost }),
    ...productionCondition(network, observation, previous),
    ...(StorageReady === undefined ? {} : { StorageReady }),
    ...(observation.expiry === undefined ? {} : { Expired: notExpired(network, observation.expiry) }),
    ...walletStates(network, observation.wallets, previous),
    // Absent, as for most networks, until it has been paused once.
    ...(wasPaused ? { Paused: { status: 'False', reason: reasons.resumed, message: 'the network is reconciled' } } : {}),
  };
  const all = { ...states, ...bootstrapStates(network, observation.bootstrap, states, previous) };
  return { ...all, ...suspensionStates(network, observation.nodes, all, previous) };
}

/** What needs no request to a node or for a Secret is still observed; the rest is not known, or as it was. */
function pausedStates(
  network: BitcoinNetwork,
  { nodes, specFault }: PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): ConditionStates {
  const credentials = conditionIn(previous, 'CredentialsAvailable');
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
    ...asBefore(previous, ['UpToDate']),
    ...(credentials === undefined ? {} : { CredentialsAvailable: sameState(credentials) }),
    ...asBefore(previous, ['StorageReady', 'Suspended', 'Expired', 'WalletsReady', 'Bootstrapped', 'ChainLost', 'Partitioned']),
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

/** The conditions of these types that there are, as they were, of the generation that they were about. */
function asBefore(previous: BitcoinNetworkStatus | undefined, types: readonly string[]): ConditionStates {
  const kept = types.flatMap(type => {
    const before = conditionIn(previous, type);
    return before === undefined ? [] : [[type, { ...sameState(before), ...generationOf(before) }] as const];
  });
  return Object.fromEntries(kept);
}

const generationOf = ({ observedGeneration }: BitcoinNetworkCondition): Pick<ConditionState, 'observedGeneration'> =>
  definedOnly({ observedGeneration });

/** The conditions of the network, with another state of the one of that type. */
export const withCondition = (
  { metadata, status }: BitcoinNetwork,
  type: string,
  state: ConditionState,
  now: Date,
): BitcoinNetworkCondition[] => [
  ...(status?.conditions ?? []).filter(other => other.type !== type),
  condition(type, state, metadata.generation ?? 0, status, now),
];

function condition(
  type: string,
  state: ConditionState,
  observedGeneration: number,
  previous: BitcoinNetworkStatus | undefined,
  now: Date,
): BitcoinNetworkCondition {
  const before = conditionIn(previous, type);
  const lastTransitionTime = before?.status === state.status ? before.lastTransitionTime : wholeSeconds(now.toISOString());
  return { type, observedGeneration, ...state, lastTransitionTime };
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
  const before = conditionIn(previous, 'UpToDate');
  if (rollout === undefined) return asBefore(previous, ['UpToDate']);
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
  const [first] = specFaults;
  if (first !== undefined) {
    const message = specFaults.slice(0, maxSpecFaults).map(fault => fault.message);
    const others = specFaults.length > maxSpecFaults ? [`${specFaults.length - maxSpecFaults} more`] : [];
    return { SpecAccepted: { status: 'False', reason: first.reason, message: [...message, ...others].join('; ') } };
  }
  if (!hadCondition(previous, 'SpecAccepted') && !isDeclared(network)) return {};
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
  const before = conditionIn(previous, 'ChainsAgree');
  if (before !== undefined && chains !== undefined && mayStillFork(previous, chains))
    return { ...Partitioned, ChainsAgree: sameState(before) };
  if (showsChains(network, chains, previous))
    return { ...Partitioned, ChainsAgree: chainsAgree(chains, partition?.isCut ?? false) };
  if (before === undefined) return Partitioned;
  return { ...Partitioned, ChainsAgree: { status: 'Unknown', reason: 'NoReports', message: 'no node has reported its chain' } };
}

/** Until a controller that has just started knows better, what its predecessor found out. */
function productionCondition(
  network: BitcoinNetwork,
  { production, chains, bootstrap }: Observation,
  previous: BitcoinNetworkStatus | undefined,
): Record<string, ConditionState> {
  const { blockProduction } = network.spec;
  if (blockProduction === undefined) return {};
  if (bootstrap?.isHeld === true) return { BlocksProduced: blocksWaiting(bootstrap) };
  const height = chains?.branches[0].height ?? previous?.chain?.height ?? 0;
  if (production !== undefined) return { BlocksProduced: blocksProduced(network, blockProduction, production, height) };
  const before = conditionIn(previous, 'BlocksProduced');
  return before === undefined ? {} : { BlocksProduced: sameState(before) };
}

const credentialsAvailable = ({ credentials: { isAvailable, reason, message } }: Observation): ConditionState => ({
  status: isAvailable ? 'True' : 'False',
  reason,
  message,
});
