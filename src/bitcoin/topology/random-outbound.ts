// A random graph as bitcoind makes it: every node opens the same number of connections.
import { dialOf, isDialler } from './dialling.ts';
import { lowest, topologyHash } from './topology-hash.ts';
import type { Dial } from './topology-plan.ts';

/**
 * Every node opens `outbound` connections, or fewer if it is the dialler of fewer nodes: a full mesh then. Connected: parts that the
 * draw left apart get one connection more.
 * @param ordinals in ascending order
 */
export function randomOutbound(ordinals: readonly number[], outbound: number, seed: number): Dial[] {
  const dials = ordinals.flatMap(from => {
    const candidates = ordinals.filter(to => to !== from && isDialler(from, to));
    return lowest(candidates, outbound, to => topologyHash(seed, from, to)).map(to => ({ from, to }));
  });
  return [...dials, ...joining(partsOf(ordinals, dials), seed)];
}

/** The connections that join parts to the first one: for each, that of all possible ones with the lowest hash. */
function joining([first = [], ...others]: readonly (readonly number[])[], seed: number): Dial[] {
  return others.flatMap(part => {
    const pairs = part.flatMap(one => first.map(other => dialOf(one, other)));
    return lowest(pairs, 1, ({ from, to }) => topologyHash(seed, from, to));
  });
}

/** The connected parts of a graph, each in ascending order, and in the order of their lowest ordinals. */
export function partsOf(ordinals: readonly number[], dials: readonly Dial[]): number[][] {
  const neighbours = new Map<number, number[]>(ordinals.map(ordinal => [ordinal, []]));
  for (const { from, to } of dials) {
    neighbours.get(from)?.push(to);
    neighbours.get(to)?.push(from);
  }
  const seen = new Set<number>();
  return ordinals.flatMap(start => {
    if (seen.has(start)) return [];
    const part = [start];
    seen.add(start);
    for (const ordinal of part)
      for (const next of neighbours.get(ordinal) ?? [])
        if (!seen.has(next)) {
          seen.add(next);
          part.push(next);
        }
    return [part.sort((a, b) => a - b)];
  });
}
