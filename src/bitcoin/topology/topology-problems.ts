// What is wrong with a topology, as far as it depends on which nodes there are, and the parts of it that can be applied.
import { type Dial, pairOf, type SpecProblem } from './topology-plan.ts';

const unknown = (field: string, ordinal: number, ordinals: readonly number[]): SpecProblem => ({
  reason: 'OrdinalUnknown',
  message: `${field}: there is no node ${ordinal} (nodes: ${rangesOf(ordinals)})`,
});

/** The problem of a hub that is no node. A network without nodes has none. */
export const hubProblems = (hub: number, ordinals: readonly number[]): SpecProblem[] =>
  ordinals.length === 0 || ordinals.includes(hub) ? [] : [unknown('topology.star.hub', hub, ordinals)];

/** The edges that can be applied: between two nodes, and the first for each pair of them. */
export function checkedEdges(
  edges: readonly Dial[],
  ordinals: readonly number[],
): { readonly dials: readonly Dial[]; readonly problems: readonly SpecProblem[] } {
  const existing = new Set(ordinals);
  if (existing.size === 0) return { dials: [], problems: [] };
  const firstOf = new Map<string, number>();
  const dials: Dial[] = [];
  const problems = edges.flatMap(({ from, to }, index) => {
    const field = `topology.edges[${index}]`;
    const missing = (['from', 'to'] as const).filter(end => !existing.has({ from, to }[end]));
    if (missing.length > 0) return missing.map(end => unknown(`${field}.${end}`, { from, to }[end], ordinals));
    const pair = pairOf({ from, to });
    const first = firstOf.get(pair);
    if (first !== undefined) return [doubled(`${field}: ${from}-${to} joins the same nodes as topology.edges[${first}]`)];
    if (from === to) return [doubled(`${field}: ${from}-${to} joins a node with itself`)];
    firstOf.set(pair, index);
    dials.push({ from, to });
    return [];
  });
  return { dials, problems };
}

const doubled = (message: string): SpecProblem => ({ reason: 'EdgeDoubled', message });

/** Ascending ordinals as text: "0-5, 100, 102-104". */
export function rangesOf(ordinals: readonly number[]): string {
  const starts = ordinals.filter((ordinal, index) => ordinals[index - 1] !== ordinal - 1);
  const ends = ordinals.filter((ordinal, index) => ordinals[index + 1] !== ordinal + 1);
  return starts.map((start, index) => (start === ends[index] ? `${start}` : `${start}-${ends[index]}`)).join(', ');
}
