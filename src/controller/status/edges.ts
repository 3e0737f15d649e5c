// The edges of a network's topology, in its status and in the condition Connected. Pure.
import { type BitcoinNetworkStatus, maxMissingEdges } from '../../bitcoin/api/status.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { type EdgesObserved, observeEdges } from '../../bitcoin/topology/observe-edges.ts';
import type { NetworkPlan } from '../network-plan.ts';

export type EdgesStatus = NonNullable<BitcoinNetworkStatus['edges']>;

/** Undefined without a topology. */
export function edgesOf(
  { topology, description }: Pick<NetworkPlan, 'topology' | 'description'>,
  reports: readonly NodeReport[],
): EdgesStatus | undefined {
  if (topology === undefined || description === undefined) return undefined;
  const { wanted, connected, heldByController, missing }: EdgesObserved = observeEdges(topology, reports);
  return {
    topology: description,
    ...{ wanted, connected, heldByController },
    missing: missing.slice(0, maxMissingEdges),
    summary: `${connected}/${wanted}`,
  };
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
