// Step: writes the status of a network if it has changed, with the events of the change.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { isConflict, isNotFound } from '../../kube/api-error.ts';
import type { EventRecorder } from '../../record/core/event-recorder.ts';
import type { KubeClient } from '../../kube/client.ts';
import { lastingLoss } from '../events/edges.ts';
import { reasons } from '../events/reasons.ts';
import { transitionEvents } from '../events/transitions.ts';
import type { NetworkState } from '../network-state.ts';
import type { StoredEvent } from '../../runtime/event-outbox.ts';
import { networks } from '../resource-types.ts';
import type { ChainsObserved } from '../status/chains.ts';
import type { Observation, PausedObservation } from '../status/observation.ts';
import type { LostStatus } from '../status/lost-status.ts';
import { isChainProgress, isSameStatus, isUrgent, statusOf } from '../status/status.ts';

/** Until then the informer has seen what another writer did to the network. */
const conflictDelayMs = 500;

export interface StatusContext {
  readonly client: Pick<KubeClient, 'get' | 'patch'>;
  readonly recorder: Pick<EventRecorder, 'event'>;
  readonly lost: LostStatus;
  readonly network: BitcoinNetwork;
  readonly signal: AbortSignal;
}

/**
 * @param settlesInMs how long answers of nodes may still come that the status should include
 * @returns after how many milliseconds to try again; 0 = the status on the API server is up to date
 * @throws ApiError if the API server refuses the write
 */
export async function publishStatus(
  context: StatusContext,
  state: NetworkState,
  observation: Observation | PausedObservation,
  settlesInMs: number,
): Promise<number> {
  if (settlesInMs > 0) return settlesInMs;
  const { network, lost } = context;
  const { outbox, throttle, blocksThrottle } = state;
  const previous = lost.previousOf(network);
  const status = statusOf(network, observation, previous, new Date());
  const isSame = isSameStatus(previous, status) && !lost.isRetryDue(network);
  const { problems = [], chains, reorgs: reported = [] } = 'problems' in observation ? observation : {};
  const reorgs = state.chains.unpublished(reported, network.status);
  const isProgress = !isSame && !isUrgent(previous, status) && reorgs.length === 0;
  const isBlocks = isProgress && isChainProgress(previous, status);
  if (!isProgress) throttle.reset();
  const waitMs = isBlocks ? blocksThrottle.waitMs(network.spec.nodes, isUneven(chains)) : isProgress ? throttle.waitMs() : 0;
  if (waitMs > 0) return waitMs;
  if (isSame && reorgs.length === 0) return lost.retryMs(network) ?? 0;
  const changes = { problems, edges: state.edges, chains, reorgs };
  const lastEvents = outbox.name(network, transitionEvents(network, previous, status, changes));
  // Written again, to see whether they are kept by now, are also the events that were not.
  const isRepeated = lastEvents.length === 0 && lost.isRetryDue(network);
  const former = previous?.lastEvents ?? [];
  const stored = isRepeated ? former : withFormer(outbox, former, withLoss(lastEvents, lastingLoss(previous, status)));
  const isWritten = await writeStatus(context, state, stored.length === 0 ? status : { ...status, lastEvents: stored });
  if (!isWritten) return conflictDelayMs;
  // After the write: if it fails, nothing is published, and the next reconcile stores the events again.
  outbox.publish(network, 'status', lastEvents);
  state.edges.noteEvents(lastEvents);
  state.chains.notePublished(reorgs);
  blocksThrottle.noteWrite();
  // Blocks that the producers wait for are lost, and a write of the status alone requests no reconcile.
  if (heightIn(status) < heightIn(network.status)) return 1;
  return lost.retryMs(network) ?? 0;
}

const heightIn = (status: BitcoinNetworkStatus | undefined): number => status?.chain?.height ?? 0;

/** A loss of edges is stored for as long as it lasts. */
const withFormer = (
  outbox: NetworkState['outbox'],
  former: readonly StoredEvent[],
  events: readonly StoredEvent[],
): StoredEvent[] =>
  events.length === 0
    ? []
    : outbox.stored(
        former.filter(({ reason }) => reason !== reasons.edgesLost),
        events,
      );

const withLoss = (events: readonly StoredEvent[], loss: readonly StoredEvent[]): StoredEvent[] =>
  events.length === 0 || events.some(({ reason }) => reason === reasons.edgesLost) ? [...events] : [...events, ...loss];

/** Whether nodes lack the newest block of their chain. */
const isUneven = (chains: ChainsObserved | undefined): boolean =>
  chains?.branches.some(({ behind }) => behind.length > 0) ?? false;

/** @returns false if another writer was faster, or the network is gone */
export async function writeStatus(
  { client, network, lost, recorder, signal }: StatusContext,
  { writes }: NetworkState,
  status: BitcoinNetworkStatus,
): Promise<boolean> {
  const { namespace, name, uid, resourceVersion } = network.metadata;
  const options = { patchType: 'merge', subresource: 'status', signal } as const;
  // With the version that was read: of two controllers only one reports the change, and a network that was deleted and recreated
  // meanwhile does not get the former one's status.
  const body = { metadata: { uid, resourceVersion }, status: { ...removedFields(network.status, status), ...status } };
  let fault: string | undefined;
  try {
    const answer = await client.patch(networks, { namespace, name }, body, options);
    writes.remember(answer);
    fault = lost.noteAnswer(network, status, answer.status);
  } catch (error) {
    if (isConflict(error)) return false;
    if (!isNotFound(error)) throw error;
    if (!(await isThere(client, network, signal))) return false;
    fault = lost.noteNotServed(network, status);
  }
  if (fault !== undefined) recorder.event(network, 'Warning', reasons.definitionUnusable, fault);
  return true;
}

/** A merge patch removes a field by null. `lastEvents` stay until there are others. */
const removedFields = (before: BitcoinNetworkStatus | undefined, now: BitcoinNetworkStatus): Record<string, null> =>
  Object.fromEntries(
    Object.keys(before ?? {})
      .filter(field => field !== 'lastEvents' && !(field in now))
      .map(field => [field, null]),
  );

/** Whether the network exists: a definition without the status subresource answers as if it did not. */
async function isThere(client: Pick<KubeClient, 'get'>, { metadata }: BitcoinNetwork, signal: AbortSignal): Promise<boolean> {
  const { namespace, name, uid } = metadata;
  try {
    return (await client.get(networks, { namespace, name }, { signal })).metadata.uid === uid;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
