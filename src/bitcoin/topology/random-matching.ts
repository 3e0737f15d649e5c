// A random matching that changes little with one node more or less, whichever that is.
import { lowest, topologyHash } from './topology-hash.ts';

type Pair = readonly [number, number];
type IsForbidden = (one: number, other: number) => boolean;

interface Matching {
  readonly pairs: readonly Pair[];
  readonly singles: readonly number[];
}

/**
 * Pairs of nodes, each node in one; of an odd number of nodes, one is in none. The hashes of the nodes are the leaves of a binary tree. In
 * each subtree one node at most finds no partner, as a rule, and looks for one in the next larger subtree. So one more node changes the
 * pairs along one branch only.
 * @param isForbidden which nodes are no pair. For each node fewer than a third of the others, or there may be no such matching.
 */
export function randomMatching(ordinals: readonly number[], seed: number, isForbidden: IsForbidden): readonly Pair[] {
  const leaves = [...ordinals].sort((a, b) => a - b).map(ordinal => ({ ordinal, hash: topologyHash(seed, ordinal) }));
  return withoutSingles(matchedBelow(leaves, 31, isForbidden), seed, isForbidden);
}

/** The matching of a subtree, which takes the nodes apart by a bit of their hashes. */
function matchedBelow(
  nodes: readonly { readonly ordinal: number; readonly hash: number }[],
  bit: number,
  isForbidden: IsForbidden,
): Matching {
  if (nodes.length < 2 || bit < 0)
    return matched(
      nodes.map(({ ordinal }) => ordinal),
      isForbidden,
    );
  const isRight = ({ hash }: { readonly hash: number }) => ((hash >>> bit) & 1) === 1;
  const left = matchedBelow(
    nodes.filter(node => !isRight(node)),
    bit - 1,
    isForbidden,
  );
  const right = matchedBelow(nodes.filter(isRight), bit - 1, isForbidden);
  const between = matched([...left.singles, ...right.singles], isForbidden);
  return { pairs: [...left.pairs, ...right.pairs, ...between.pairs], singles: between.singles };
}

/** Each node with the first one before it that has no partner and that it may have. */
function matched(ordinals: readonly number[], isForbidden: IsForbidden): Matching {
  const pairs: Pair[] = [];
  const singles = new Set<number>();
  for (const ordinal of ordinals) {
    const partner = [...singles].find(single => !isForbidden(single, ordinal));
    if (partner === undefined) singles.add(ordinal);
    else {
      singles.delete(partner);
      pairs.push([partner, ordinal]);
    }
  }
  return { pairs, singles: [...singles] };
}

/** Two nodes that are no pair are taken in by another pair, the two nodes of which get one each. */
function withoutSingles({ pairs, singles }: Matching, seed: number, isForbidden: IsForbidden): readonly Pair[] {
  const [one, other, ...rest] = singles;
  if (one === undefined || other === undefined) return pairs;
  const fitting = pairs
    .flatMap(([a, b]): Pair[] => [
      [a, b],
      [b, a],
    ])
    .filter(([a, b]) => !isForbidden(one, a) && !isForbidden(other, b));
  const [pair] = lowest(fitting, 1, ([a]) => topologyHash(seed, one, other, a));
  if (pair === undefined) throw new RangeError('too many nodes are no pair');
  const [a, b] = pair;
  const others = pairs.filter(known => !known.includes(a));
  return withoutSingles({ pairs: [...others, [one, a], [other, b]], singles: rest }, seed, isForbidden);
}
