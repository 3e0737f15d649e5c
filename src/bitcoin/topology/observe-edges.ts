// Which edges of a plan there are, from what the nodes report.
import type { NodeReport } from './connect-node.ts';
import { type Dial, pairOf, type TopologyPlan } from './topology-plan.ts';

export interface EdgesObserved {
  readonly wanted: number;
  readonly connected: number;
  /** Those of `wanted` that are in no added-node list: the controller redials them. */
  readonly heldByController: number;
  /** Every edge that is not connected, as "3-7" with the lower ordinal first, in their order. */
  readonly missing: readonly string[];
}

/**
 * An edge is connected if either of its nodes reports the connection, whoever dialled.
 * @param isKept whether an edge that no node reports counts as connected. Default: none does.
 */
export function observeEdges(
  { edges }: TopologyPlan,
  reports: readonly NodeReport[],
  isKept: (edge: Dial) => boolean = () => false,
): EdgesObserved {
  const connected = new Set<string>();
  for (const { node, connections = [] } of reports)
    for (const { ordinal } of connections) connected.add(pairOf({ from: node.ordinal, to: ordinal }));
  const missing = edges.filter(edge => !connected.has(pairOf(edge)) && !isKept(edge));
  return {
    wanted: edges.length,
    connected: edges.length - missing.length,
    heldByController: edges.filter(({ isListed }) => !isListed).length,
    missing: missing.sort((a, b) => low(a) - low(b) || high(a) - high(b)).map(pairOf),
  };
}

const low = ({ from, to }: Dial): number => Math.min(from, to);
const high = ({ from, to }: Dial): number => Math.max(from, to);
