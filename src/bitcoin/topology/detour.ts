// Connections that keep a network in one piece while a node is away.
import { componentsOf } from './components.ts';
import { type Dial, pairOf } from './topology-plan.ts';

/**
 * The edges that join the neighbours of a node in a ring, if some of them have no path to one another without it. None otherwise, and none
 * that there is already.
 * @param absent the nodes that are away; their neighbours are those of the node
 */
export function detourAround(edges: readonly Dial[], absent: ReadonlySet<number>): Dial[] {
  const rest = edges.filter(({ from, to }) => !absent.has(from) && !absent.has(to));
  const components = componentsOf(rest);
  const existing = new Set(rest.map(pairOf));
  return [...absent].flatMap(ordinal => {
    const neighbours = neighboursOf(edges, ordinal).filter(neighbour => !absent.has(neighbour));
    const [first] = neighbours;
    const isWhole = neighbours.every(neighbour => first === neighbour || components.get(first ?? -1)?.has(neighbour) === true);
    if (isWhole) return [];
    return ringOf(neighbours).filter(edge => {
      const isNew = !existing.has(pairOf(edge));
      existing.add(pairOf(edge));
      return isNew;
    });
  });
}

const neighboursOf = (edges: readonly Dial[], ordinal: number): number[] =>
  [...new Set(edges.flatMap(({ from, to }) => (from === ordinal ? [to] : to === ordinal ? [from] : [])))].sort((a, b) => a - b);

/** Two nodes have one edge. */
const ringOf = (nodes: readonly number[]): Dial[] =>
  nodes.flatMap((from, index) => {
    const to = nodes[(index + 1) % nodes.length];
    return to === undefined || to === from || (nodes.length === 2 && index === 1) ? [] : [{ from, to }];
  });
