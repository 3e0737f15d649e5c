// A topology in words, for status and events; and what is wrong with external peers. Pure.
import type { TopologySpec } from '../api/topology.ts';
import type { SpecProblem } from './topology-plan.ts';
import { rangesOf } from './topology-problems.ts';

/** Such as `Random (degree 3, seed 7)`. Two specs that plan the same have the same text. Those that plan otherwise have another one, unless they differ after the first ten given edges. */
export function describeTopology({ type, seed = 0, random, star, tree, groups, edges }: TopologySpec): string {
  const seeded = `seed ${seed}`;
  const details: Record<TopologySpec['type'], readonly string[]> = {
    FullMesh: [],
    Ring: [],
    Line: [],
    None: [],
    Star: [`hub ${star?.hub ?? 0}`],
    Tree: [`arity ${tree?.arity ?? 2}`],
    Random: [random?.degree === undefined ? `outbound ${random?.outbound ?? 0}` : `degree ${random.degree}`, seeded],
    Groups: [
      `within ${groups?.within ?? 'FullMesh'}`,
      ...(groups?.degree === undefined ? [] : [`degree ${groups.degree}`]),
      `bridges ${groups?.bridges ?? 1}`,
      seeded,
    ],
    Edges: edgeTexts(edges ?? []),
  };
  const shown = details[type];
  return shown.length === 0 ? type : `${type} (${shown.join(', ')})`;
}

/** More would make a message hard to read. */
const maxEdges = 10;

function edgeTexts(edges: readonly { readonly from: number; readonly to: number }[]): string[] {
  const shown = edges.slice(0, maxEdges).map(({ from, to }) => `${from}-${to}`);
  return edges.length > maxEdges ? [...shown, `and ${edges.length - maxEdges} more`] : shown;
}

/** A problem for each external peer that names a node which there is not. */
export function externalPeerProblems(
  peers: readonly { readonly address: string; readonly ordinals?: readonly number[] | undefined }[],
  ordinals: readonly number[],
): SpecProblem[] {
  if (ordinals.length === 0) return [];
  const known = new Set(ordinals);
  return peers.flatMap(({ address, ordinals: named = [] }) =>
    named
      .filter(ordinal => !known.has(ordinal))
      .map((ordinal): SpecProblem => ({
        reason: 'OrdinalUnknown',
        message: `externalPeers[${address}].ordinals: there is no node ${ordinal} (nodes: ${rangesOf(ordinals.toSorted((a, b) => a - b))})`,
      })),
  );
}
