// The edges of a network's topology, in its status and in the condition Connected. Pure.
import { type BitcoinNetworkStatus, maxMissingEdges } from '../../bitcoin/api/status.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { type EdgesObserved, observeEdges } from '../../bitcoin/topology/observe-edges.ts';
import { isReachable, type Node } from '../../bitcoin/topology/peer-plan.ts';
import { type Dial, pairOf } from '../../bitcoin/topology/topology-plan.ts';
import type { NetworkPlan } from '../network-plan.ts';

export type EdgesStatus = NonNullable<BitcoinNetworkStatus['edges']>;

type TopologyPlanned = Pick<NetworkPlan, 'topology' | 'description'>;

/** As the nodes report them. Undefined without a topology. */
export function edgesOf(
  { topology, description }: TopologyPlanned,
  reports: readonly NodeReport[],
  isKept?: (edge: Dial) => boolean,
): EdgesStatus | undefined {
  if (topology === undefined || description === undefined) return undefined;
  const { wanted, connected, heldByController, missing }: EdgesObserved = observeEdges(topology, reports, isKept);
  return {
    topology: description,
    ...{ wanted, connected, heldByController },
    missing: missing.slice(0, maxMissingEdges),
    summary: `${connected}/${wanted}`,
  };
}

/**
 * As `edgesOf`, but an edge between two ready nodes that have not answered is as it was: without credentials, or after the start of the
 * controller, nothing is known of it. Where more edges were missing than the status names, it counts as missing.
 */
export function shownEdgesOf(
  plan: TopologyPlanned,
  reports: readonly NodeReport[],
  nodes: readonly Node[],
  before: EdgesStatus | undefined,
): EdgesStatus | undefined {
  const isSame = before?.topology === plan.description && before?.wanted === plan.topology?.edges.length;
  if (before === undefined || !isSame || before.wanted - before.connected !== before.missing.length)
    return edgesOf(plan, reports);
  const wereMissing = new Set(before.missing);
  const silent = new Set(nodes.filter(isReachable).map(({ ordinal }) => ordinal));
  for (const { node, connections } of reports) if (connections !== undefined) silent.delete(node.ordinal);
  return edgesOf(plan, reports, edge => silent.has(edge.from) && silent.has(edge.to) && !wereMissing.has(pairOf(edge)));
}

/** Such as `16 of 18 edges are connected; missing: 3-7, 4-9`. */
export function edgesText({ wanted, connected, heldByController, missing }: EdgesStatus): string {
  const held = heldByController === 0 ? '' : `; ${heldByController} of them are held by the controller`;
  return `${connected} of ${wanted} edges are connected${connected === wanted ? held : `; missing: ${missingText({ wanted, connected, missing })}`}`;
}

/** The edges that are missing, as far as the status names them. */
export function missingText({ wanted, connected, missing }: Pick<EdgesStatus, 'wanted' | 'connected' | 'missing'>): string {
  const others = wanted - connected - missing.length;
  return others > 0 ? `${missing.join(', ')} and ${others} more` : missing.join(', ');
}
