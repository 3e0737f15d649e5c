// The events of a network's edges: a changed topology, edges that were lost, and all of them connected again.
import type { BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { pairOf, type TopologyPlan } from '../../bitcoin/topology/topology-plan.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { missingText } from '../status/edges.ts';
import { reasons } from './reasons.ts';

/** What of a network's edges only this process knows. */
export class EdgeHistory {
  #hasLost = false;
  #changes: { readonly added: number; readonly removed: number } | undefined;

  /** Edges that there were are missing. */
  get hasLost(): boolean {
    return this.#hasLost;
  }

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
    const has = (reason: string) => events.some(event => event.reason === reason);
    if (has(reasons.topologyChanged)) this.#changes = undefined;
    if (has(reasons.edgesRestored)) this.#hasLost = false;
    if (has(reasons.edgesLost)) this.#hasLost = true;
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
  if (!isRestored(previous, status, history)) return [];
  return [{ type: 'Normal', reason: reasons.edgesRestored, message: `All ${is.wanted} edges are connected again` }];
}

/** Whether edges that were lost are all there. */
export function isRestored(
  previous: BitcoinNetworkStatus | undefined,
  { edges: is }: BitcoinNetworkStatus,
  history: EdgeHistory,
): boolean {
  const was = previous?.edges;
  if (was === undefined || is === undefined || was.topology !== is.topology) return false;
  const hadLost = history.hasLost || (previous?.lastEvents?.some(({ reason }) => reason === reasons.edgesLost) ?? false);
  return hadLost && was.connected < was.wanted && is.connected === is.wanted;
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
