// The status of a network, computed from what a reconcile observed. Pure.
import type {
  BitcoinNetwork,
  BitcoinNetworkCondition,
  BitcoinNetworkNode,
  BitcoinNetworkStatus,
} from '../../bitcoin/api/bitcoin-network.ts';
import { podSelector, serviceName } from '../../bitcoin/api/names.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { definedOnly } from '../../collections/defined-only.ts';
import { isSameJson } from '../../collections/same-json.ts';
import { blockProductionStatusOf } from './block-production.ts';
import { partitionStatusOf } from './partition.ts';
import { withLoss } from './chain-loss.ts';
import { chainStatusOf, nodeChainOf, showsChains } from './chains.ts';
import { statusBlockOf } from './recent-blocks.ts';
import { conditionsOf } from './conditions.ts';
import type { Observation, PausedObservation } from './observation.ts';
import { oneOfEachOrdinal } from './pods.ts';
import { storageIn } from './storage.ts';
import { walletsIn } from './wallets.ts';

/** The status that a network should have. */
export function statusOf(
  network: BitcoinNetwork,
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
  now: Date,
): BitcoinNetworkStatus {
  const { nodes } = observation;
  const chains = chainsIn(network, observation, previous);
  const updatedOf = updatedIn(observation, previous);
  return {
    observedGeneration: network.metadata.generation ?? 0,
    replicas: nodes.length,
    readyNodes: nodes.filter(({ isReady }) => isReady).length,
    selector: Object.entries(podSelector(network))
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    // The API server refuses a list with an ordinal twice.
    nodes: oneOfEachOrdinal(nodes).map(node => ({
      ...nodeStatus(network, node),
      ...chains.ofNode(node),
      ...updatedOf(node),
      ...definedOnly({ externalAddress: observation.externalAddresses?.get(node.name) }),
    })),
    ...storageIn(network, observation, previous),
    ...edgesIn(observation, previous),
    ...rolloutIn(observation, previous),
    ...chains.ofNetwork,
    ...partitionIn(observation, previous),
    ...productionIn(network, observation, previous),
    ...bootstrapIn(network, observation, previous),
    ...walletsIn(network, 'wallets' in observation ? observation.wallets : undefined, previous),
    conditions: conditionsOf(network, observation, previous, now, chains.ofNetwork.chain),
  };
}

/** Those of a paused network are as they were. */
function edgesIn(
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): Pick<BitcoinNetworkStatus, 'edges'> {
  const edges = 'isPaused' in observation ? previous?.edges : (observation.shownEdges ?? observation.edges);
  return edges === undefined ? {} : { edges };
}

/** As it was while it is not known. */
function rolloutIn(
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): Pick<BitcoinNetworkStatus, 'rollout'> {
  const state = 'rollout' in observation ? observation.rollout : undefined;
  if (state === undefined) return previous?.rollout === undefined ? {} : { rollout: previous.rollout };
  const { reason, updatedNodes, current, detourEdges } = state;
  if (reason === 'AllNodesUpdated') return {};
  const rollout = { updatedNodes, ...(current === undefined ? {} : { current }), ...(detourEdges === 0 ? {} : { detourEdges }) };
  return { rollout };
}

/** During a rollout only: at rest all nodes are up to date. As it was while it is not known. */
function updatedIn(
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): (node: Node) => Pick<BitcoinNetworkNode, 'updated'> {
  const state = 'rollout' in observation ? observation.rollout : undefined;
  if (state?.reason === 'AllNodesUpdated') return () => ({});
  const isUpdated = state?.isUpdated ?? new Map(previous?.nodes?.map(({ nodeName, updated }) => [nodeName, updated]));
  return ({ name }) => definedOnly({ updated: isUpdated.get(name) });
}

/** A paused network keeps it, so that it is healed at its time once it is resumed. */
function partitionIn(
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): Pick<BitcoinNetworkStatus, 'partition'> {
  if ('isPaused' in observation) return previous?.partition === undefined ? {} : { partition: previous.partition };
  const { partition, reports } = observation;
  return partition === undefined ? {} : { partition: partitionStatusOf(partition, reports) };
}

/** The count of blocks stays as long as the spec asks for blocks. */
function productionIn(
  { spec }: BitcoinNetwork,
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): Pick<BitcoinNetworkStatus, 'blockProduction'> {
  if (spec.blockProduction === undefined) return {};
  if ('production' in observation && observation.production !== undefined)
    return { blockProduction: blockProductionStatusOf(observation.production) };
  return previous?.blockProduction === undefined ? {} : { blockProduction: previous.blockProduction };
}

/** Once it is chosen, the last block stays the same. */
function bootstrapIn(
  { spec }: BitcoinNetwork,
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): Pick<BitcoinNetworkStatus, 'bootstrap'> {
  const { fixed = previous?.bootstrap } = 'bootstrap' in observation ? (observation.bootstrap ?? {}) : {};
  return spec.bootstrap === undefined || fixed === undefined ? {} : { bootstrap: fixed };
}

const noChains: Pick<Observation, 'chains' | 'reports' | 'blocks' | 'production' | 'chainLoss'> = {
  chains: undefined,
  reports: [],
};

/** Those of a paused network, and of one whose nodes do not report, are as they were: a chain that is lost meanwhile is reported as lost. */
function chainsIn(
  network: BitcoinNetwork,
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
) {
  const { chains, reports, blocks = [], production, chainLoss = 'none' } = 'reports' in observation ? observation : noChains;
  const before = previous?.chain;
  if (!showsChains(network, chains, previous))
    return { ofNetwork: before === undefined ? {} : { chain: before }, ofNode: () => ({}) };
  const byName = new Map(reports.map(report => [report.node.name, nodeChainOf(report)]));
  // The producer knows nothing of a network while an experiment makes the blocks.
  const shownMakers = new Map(before?.blocks?.map(({ hash, ordinal }) => [hash, ordinal]));
  const makers = { get: (hash: string) => production?.makers?.get(hash) ?? shownMakers.get(hash) };
  const shown = blocks.map(block => statusBlockOf(block, makers));
  const chain = withLoss(chainStatusOf(network, chains, previous, shown), chainLoss, before);
  return { ofNetwork: { chain }, ofNode: ({ name }: Node) => byName.get(name) ?? {} };
}

const nodeStatus = (network: BitcoinNetwork, { ordinal, group, isReady, ip, name }: Node): BitcoinNetworkNode => ({
  ordinal,
  ...(group === undefined ? {} : { group }),
  ready: isReady,
  ip,
  nodeName: name,
  dnsName: `${name}.${serviceName(network)}`,
});

/**
 * Whether two statuses are equal, but for the events that they store, and for what is only written together with something else. The API
 * server may answer with another order of keys.
 */
export const isSameStatus = (a: BitcoinNetworkStatus | undefined, b: BitcoinNetworkStatus): boolean =>
  isSameJson(compared(a), compared(b));

/**
 * Connections with strangers come and go, and files grow with writes to disk; `storage` follows from the spec. At rest, and at an upgrade,
 * nothing is written for them.
 */
const compared = ({ nodes, ...status }: BitcoinNetworkStatus = {}) => ({
  ...status,
  ...definedOnly({ nodes: nodes?.map(node => ({ ...node, connections: 0, chainBytes: 0 })) }),
  ...{ lastEvents: undefined, storage: undefined },
});

/** Whether two statuses differ only in what every block changes. */
export const isChainProgress = (a: BitcoinNetworkStatus | undefined, b: BitcoinNetworkStatus): boolean =>
  isSameStatus(a && withoutBlocks(a), withoutBlocks(b));

/** The number of chains stays. While a network is cut each block changes their depth and the message about them. */
function withoutBlocks(whole: BitcoinNetworkStatus): BitcoinNetworkStatus {
  const { nodes, chain, partition, blockProduction, conditions = [], ...status } = whole;
  return {
    ...status,
    conditions: conditions.map(each => (each.type === 'ChainsAgree' ? { ...each, message: '' } : each)),
    ...(blockProduction === undefined ? {} : { blockProduction: { produced: 0 } }),
    ...(nodes === undefined ? {} : { nodes: nodes.map(node => ({ ...node, height: 0, tip: '' })) }),
    ...(chain === undefined ? {} : { chain: { ...chain, height: 0, tip: '', forkDepth: 0, blocks: [] } }),
    ...(partition === undefined
      ? {}
      : { partition: { ...partition, parts: partition.parts.map(({ name, nodes: own }) => ({ name, nodes: own })) } }),
  };
}

/** Whether a change of status is more than progress of a network that comes up: such a change is written at once. */
export function isUrgent(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): boolean {
  if (previous?.observedGeneration !== status.observedGeneration || (previous?.readyNodes ?? 0) > (status.readyNodes ?? 0))
    return true;
  // No block is copied before the last one is stored.
  if (previous?.bootstrap?.hash !== status.bootstrap?.hash) return true;
  // A wallet is created again only once the status has it no more.
  if (JSON.stringify(previous?.wallets) !== JSON.stringify(status.wallets)) return true;
  // Each step of a rollout has its event.
  const stepOf = ({ rollout }: BitcoinNetworkStatus = {}) => `${rollout?.current} ${rollout?.detourEdges}`;
  if (stepOf(previous) !== stepOf(status)) return true;
  const states = (conditions: readonly BitcoinNetworkCondition[] = []) =>
    conditions.map(({ type, status: state, reason }) => `${type} ${state} ${reason}`).join();
  return states(previous?.conditions) !== states(withoutFirstAgreement(previous, status));
}

/** The conditions without ChainsAgree=True of a network that had no chains: as its nodes come up, there are first ones whose chains agree. */
const withoutFirstAgreement = (
  previous: BitcoinNetworkStatus | undefined,
  { conditions }: BitcoinNetworkStatus,
): BitcoinNetworkStatus['conditions'] =>
  previous?.conditions?.some(({ type }) => type === 'ChainsAgree') === true
    ? conditions
    : conditions?.filter(({ type, status }) => type !== 'ChainsAgree' || status !== 'True');
