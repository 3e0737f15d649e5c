// The status of a network, computed from what a reconcile observed. Pure.
import type {
  BitcoinNetwork,
  BitcoinNetworkCondition,
  BitcoinNetworkNode,
  BitcoinNetworkStatus,
} from '../../bitcoin/api/bitcoin-network.ts';
import { podSelector, serviceName } from '../../bitcoin/api/names.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { conditionsOf, type Observation, type PausedObservation } from './conditions.ts';

/** The status that a network should have. */
export function statusOf(
  network: BitcoinNetwork,
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
  now: Date,
): BitcoinNetworkStatus {
  const { nodes } = observation;
  return {
    observedGeneration: network.metadata.generation ?? 0,
    replicas: nodes.length,
    readyNodes: nodes.filter(({ isReady }) => isReady).length,
    selector: Object.entries(podSelector(network))
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    nodes: nodes.map(node => nodeStatus(network, node)),
    ...edgesIn(observation),
    ...rolloutIn(observation, previous),
    conditions: conditionsOf(network, observation, previous, now),
  };
}

/** Those of a paused network are not known. */
const edgesIn = (observation: Observation | PausedObservation): Pick<BitcoinNetworkStatus, 'edges'> =>
  'edges' in observation && observation.edges !== undefined ? { edges: observation.edges } : {};

/** As it was while it is not known. */
function rolloutIn(
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): Pick<BitcoinNetworkStatus, 'rollout'> {
  const state = 'rollout' in observation ? observation.rollout : undefined;
  if (state === undefined) return previous?.rollout === undefined ? {} : { rollout: previous.rollout };
  const { reason, updatedNodes, current } = state;
  return reason === 'AllNodesUpdated' ? {} : { rollout: { updatedNodes, ...(current === undefined ? {} : { current }) } };
}

const nodeStatus = (network: BitcoinNetwork, { ordinal, group, isReady, ip, name }: Node): BitcoinNetworkNode => ({
  ordinal,
  ...(group === undefined ? {} : { group }),
  ready: isReady,
  ip,
  nodeName: name,
  dnsName: `${name}.${serviceName(network)}`,
});

/** Whether two statuses are equal, but for the events that they store. */
export const isSameStatus = (a: BitcoinNetworkStatus | undefined, b: BitcoinNetworkStatus): boolean =>
  JSON.stringify(normalized({ ...a, lastEvents: undefined })) === JSON.stringify(normalized({ ...b, lastEvents: undefined }));

/** Whether a change of status is more than progress of a network that comes up: such a change is written at once. */
export function isUrgent(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): boolean {
  if (previous?.observedGeneration !== status.observedGeneration || (previous?.readyNodes ?? 0) > (status.readyNodes ?? 0))
    return true;
  const states = (conditions: readonly BitcoinNetworkCondition[] = []) =>
    conditions.map(({ type, status: state, reason }) => `${type} ${state} ${reason}`).join();
  return states(previous?.conditions) !== states(status.conditions);
}

/** The API server may answer with another order of keys than that of the request. */
function normalized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalized);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, normalized(child)]),
  );
}
