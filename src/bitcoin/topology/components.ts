// Which nodes have a path to one another.
import type { Dial } from './topology-plan.ts';

/** The nodes that each node has a path to, itself included. A node without an edge is missing. */
export function componentsOf(edges: readonly Dial[]): Map<number, ReadonlySet<number>> {
  const components = new Map<number, Set<number>>();
  for (const { from, to } of edges) {
    const [one, other] = [components.get(from) ?? new Set([from]), components.get(to) ?? new Set([to])];
    const [small, large] = one.size < other.size ? [one, other] : [other, one];
    for (const node of small) large.add(node);
    for (const node of small === large ? [] : small) components.set(node, large);
    components.set(from, large).set(to, large);
  }
  return components;
}
