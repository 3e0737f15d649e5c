// The condition Ready. Pure.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { causesOf } from '../diagnosis/summary.ts';
import { reasons } from '../events/reasons.ts';
import type { ConditionState } from './condition.ts';
import type { Observation } from './observation.ts';

/** Ready: exactly as many nodes as the spec wants exist, and all are ready. */
export function ready(network: BitcoinNetwork, { nodes, children, credentials, problems }: Observation): ConditionState {
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

export const countReady = (nodes: readonly Node[]): number => nodes.filter(({ isReady }) => isReady).length;

export const readyText = ({ spec }: BitcoinNetwork, nodes: readonly Node[]): string =>
  `${countReady(nodes)} of ${spec.nodes} nodes are ready`;

export const allReady = ({ spec }: BitcoinNetwork): ConditionState => ({
  status: 'True',
  reason: 'AllNodesReady',
  message: `${spec.nodes} of ${spec.nodes} nodes are ready`,
});
