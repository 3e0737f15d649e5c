// Graphs for the tests of topologies: what a plan says about a network, worked out apart from the code under test.
import type { Dial, Member } from '../../src/bitcoin/topology/topology-plan.ts';

/** `count` members from an ordinal. */
export const membersFrom = (start: number, count: number, group?: string): Member[] =>
  Array.from({ length: count }, (_, index) => ({ ordinal: start + index, ...(group === undefined ? {} : { group }) }));

/** "0>1": 0 dials 1. */
export const arrows = (edges: readonly Dial[]): string[] => edges.map(({ from, to }) => `${from}>${to}`);

/** "0-1", the lower ordinal first, whoever dials. */
export const pairs = (edges: readonly Dial[]): string[] =>
  edges.map(({ from, to }) => (from < to ? `${from}-${to}` : `${to}-${from}`)).sort();

/** The neighbours of each node. */
export function neighbours(edges: readonly Dial[], ordinals: readonly number[]): Map<number, number[]> {
  const found = new Map<number, number[]>(ordinals.map(ordinal => [ordinal, []]));
  for (const { from, to } of edges) {
    found.get(from)!.push(to);
    found.get(to)!.push(from);
  }
  return found;
}

/** The edges that each node dials; of every node, also of one that dials none. */
export function dialledBy<T extends Dial>(edges: readonly T[], ordinals: readonly number[]): Map<number, T[]> {
  const found = new Map<number, T[]>(ordinals.map(ordinal => [ordinal, []]));
  for (const edge of edges) found.get(edge.from)!.push(edge);
  return found;
}

/** How many nodes are connected with the first one, itself included, directly or through others. */
export function reached(edges: readonly Dial[], ordinals: readonly number[]): number {
  const next = neighbours(edges, ordinals);
  const seen = new Set(ordinals.slice(0, 1));
  for (const ordinal of seen) for (const other of next.get(ordinal)!) seen.add(other);
  return seen.size;
}

/** How many edges only one of two plans has. */
export function changed(before: readonly Dial[], after: readonly Dial[]): number {
  const [one, other] = [new Set(pairs(before)), new Set(pairs(after))];
  const common = [...one].filter(pair => other.has(pair)).length;
  return one.size + other.size - 2 * common;
}
