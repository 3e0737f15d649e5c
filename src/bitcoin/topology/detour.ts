// Connections that keep a network in one piece while nodes are away.
import { componentsOf } from './components.ts';
import { type Dial, pairOf } from './topology-plan.ts';

/**
 * The edges that keep a path between the other nodes of each piece of the network. None around a node whose neighbours all have another
 * path, and none that there is already. The neighbours of a node that is away are joined in a ring. Around neighbours that are away
 * together, the parts that are left are then joined by their lowest ordinals, so that a ring stays as it is when another node leaves or
 * comes back.
 * @param absent the nodes that are away
 */
export function detourAround(edges: readonly Dial[], absent: ReadonlySet<number>): Dial[] {
  const rest = edges.filter(({ from, to }) => !absent.has(from) && !absent.has(to));
  const around = neighboursOf(edges, absent);
  const joined = withRings(rest, [...around.values()], ringOf);
  const groups = groupsOf(edges, absent).map(group => sorted([...group].flatMap(ordinal => around.get(ordinal) ?? [])));
  return withRings(joined, groups, (nodes, components) => ringOf(lowestOfEach(nodes, components))).slice(rest.length);
}

type Components = ReadonlyMap<number, ReadonlySet<number>>;

/** With the edges that join these groups of nodes, but for those that are in one piece already. */
function withRings(
  edges: readonly Dial[],
  groups: readonly (readonly number[])[],
  join: (nodes: readonly number[], components: Components) => readonly Dial[],
): readonly Dial[] {
  const components = componentsOf(edges);
  const apart = groups.filter(([first = -1, ...others]) => !others.every(other => components.get(first)?.has(other) === true));
  if (apart.length === 0) return edges;
  const existing = new Set(edges.map(pairOf));
  const added = apart
    .flatMap(nodes => join(nodes, components))
    .filter(edge => {
      const isNew = !existing.has(pairOf(edge));
      existing.add(pairOf(edge));
      return isNew;
    });
  return [...edges, ...added];
}

/** The neighbours of each node that is away, without those that are away too. */
function neighboursOf(edges: readonly Dial[], absent: ReadonlySet<number>): Map<number, number[]> {
  const found = new Map(sorted(absent).map(ordinal => [ordinal, new Set<number>()]));
  for (const { from, to } of edges) {
    if (!absent.has(to)) found.get(from)?.add(to);
    if (!absent.has(from)) found.get(to)?.add(from);
  }
  return new Map([...found].map(([ordinal, neighbours]) => [ordinal, sorted(neighbours)]));
}

/** The nodes that are away together with neighbours, by what connects them. */
const groupsOf = (edges: readonly Dial[], absent: ReadonlySet<number>): ReadonlySet<number>[] => [
  ...new Set(componentsOf(edges.filter(({ from, to }) => absent.has(from) && absent.has(to))).values()),
];

/** Of each part that has some of these nodes, the lowest one of them. */
const lowestOfEach = (nodes: readonly number[], components: Components): number[] =>
  sorted(new Map(nodes.toReversed().map(node => [components.get(node) ?? node, node])).values());

const sorted = (ordinals: Iterable<number>): number[] => [...new Set(ordinals)].sort((a, b) => a - b);

/** Two nodes have one edge. */
const ringOf = (nodes: readonly number[]): Dial[] =>
  nodes.flatMap((from, index) => {
    const to = nodes[(index + 1) % nodes.length];
    return to === undefined || to === from || (nodes.length === 2 && index === 1) ? [] : [{ from, to }];
  });
