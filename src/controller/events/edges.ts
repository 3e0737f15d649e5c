// The events of a network's edges: a changed topology, edges that were lost, and all of them connected again.
import type { BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { pairOf, type TopologyPlan } from '../../bitcoin/topology/topology-plan.ts';
import type { PendingEvent, StoredEvent } from '../../runtime/event-outbox.ts';
import { missingText } from '../status/edges.ts';
import { reasons } from './reasons.ts';

/** What of a network's edges only this process knows. */
export class EdgeHistory {
  #changes: { readonly added: number; readonly removed: number } | undefined;

  /** How many edges a change of the plan added and removed; undefined if there was none, or if an earlier process did it. */
  get changes(): { readonly added: number; readonly removed: number } | undefined {
    return this.#changes;
  }

  /** Call when the plan of a network changes. */
  noteChange(before: TopologyPlan | undefined, after: TopologyPlan | undefined): void {
    const [old, now] = [pairsOf(before), pairsOf(after)];
    const added = [...now].filter(pair => !old.has(pair)).length;
    const removed = [...old].filter(pair => !now.has(pair)).length;
    const { added: earlier = 0, removed: former = 0 } = this.#changes ?? {};
    this.#changes = { added: earlier + added, removed: former + removed };
  }

  /** Call with the events that were stored. */
  noteEvents(events: readonly Pick<PendingEvent, 'reason'>[]): void {
    if (events.some(({ reason }) => reason === reasons.topologyChanged)) this.#changes = undefined;
  }
}

const pairsOf = (plan: TopologyPlan | undefined): Set<string> => new Set(plan?.edges.map(pairOf));

export function edgeEvents(
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
  history: EdgeHistory,
): PendingEvent[] {
  const [was, is] = [previous?.edges, status.edges];
  if (previous?.conditions === undefined) return [];
  if (was?.topology !== is?.topology) return [topologyChanged(was, is, history)];
  if (was === undefined || is === undefined) return [];
  const isLost = was.wanted === is.wanted && was.connected === was.wanted && is.connected < is.wanted;
  if (isLost)
    return [
      {
        type: 'Warning',
        reason: reasons.edgesLost,
        message: `Lost ${is.wanted - is.connected} of ${is.wanted} edges: ${missingText(is)}`,
      },
    ];
  if (!isRestored(previous, status)) return [];
  return [{ type: 'Normal', reason: reasons.edgesRestored, message: `All ${is.wanted} edges are connected again` }];
}

/** Whether edges that were lost are all there. */
export function isRestored(previous: BitcoinNetworkStatus | undefined, { edges: is }: BitcoinNetworkStatus): boolean {
  const was = previous?.edges;
  if (was === undefined || is === undefined || was.topology !== is.topology) return false;
  return storedLoss(previous).length > 0 && was.connected < was.wanted && is.connected === is.wanted;
}

const storedLoss = (status: BitcoinNetworkStatus | undefined): StoredEvent[] =>
  (status?.lastEvents ?? []).filter(({ reason }) => reason === reasons.edgesLost);

/** The event of a loss that lasts stays stored beside newer ones, so that any process can report that the edges are restored. */
export function lastingLoss(previous: BitcoinNetworkStatus | undefined, { edges: is }: BitcoinNetworkStatus): StoredEvent[] {
  const lasts = is !== undefined && is.connected < is.wanted && is.topology === previous?.edges?.topology;
  return lasts ? storedLoss(previous) : [];
}

/** Whether all edges were connected, and are: as when a network is resumed. */
export function stayedConnected(previous: BitcoinNetworkStatus | undefined, { edges: is }: BitcoinNetworkStatus): boolean {
  const was = previous?.edges;
  return was?.topology === is?.topology && was?.wanted === is?.wanted && was?.connected === is?.wanted && is !== undefined;
}

function topologyChanged(
  was: BitcoinNetworkStatus['edges'],
  is: BitcoinNetworkStatus['edges'],
  { changes }: EdgeHistory,
): PendingEvent {
  // Without a topology every node is connected to every other, from both ends.
  const [from, to] = [was?.topology ?? 'none given', is?.topology ?? 'none given'];
  const counts = changes === undefined ? '' : `: ${changes.added} edges added, ${changes.removed} removed`;
  return { type: 'Normal', reason: reasons.topologyChanged, message: `Topology changed from ${from} to ${to}${counts}` };
}
