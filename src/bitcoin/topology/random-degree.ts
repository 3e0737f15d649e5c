// A random graph in which every node has the same number of connections, and that changes little with one more node.
import { elementAt } from '../../collections/element-at.ts';
import { dialOf } from './dialling.ts';
import { fullMesh } from './graph-shapes.ts';
import { randomMatching } from './random-matching.ts';
import { topologyHash } from './topology-hash.ts';
import type { Dial, Member } from './topology-plan.ts';

/**
 * Every node has `degree` connections; one has `degree` - 1 if the number of nodes and the degree are odd. Up to `degree` + 1 nodes are a
 * full mesh. Connected from degree 2 on. One more node that is the last in the order of growth, as that of a network without groups or of
 * its largest group, changes at most 1.5 * degree + 1 connections; for an odd degree with groups, a branch of the matching besides. One
 * that comes earlier in that order, as the first of a new group, can change most connections. So can one for an odd degree with groups if
 * it is the first beyond 3 * degree nodes.
 *
 * It grows from a full mesh, node by node: a new node is put into the middle of degree / 2 connections that have no end in common, drawn by
 * hash. That keeps every other degree, and what was connected stays connected. For an odd degree there is a matching besides.
 */
export function randomDegree(members: readonly Member[], degree: number, seed: number): Dial[] {
  const { order, runs } = growthOrder(members);
  if (order.length <= degree + 1) return fullMesh([...order].sort((a, b) => a - b));
  // A matching that grows with the graph changes as a whole if a node comes that is not the last one.
  if (degree % 2 === 0 || runs === 1 || order.length <= 3 * degree) return grown(order, degree, seed).dials();
  const graph = grown(order, degree - 1, seed);
  const pairs = randomMatching(order, seed, (one, other) => graph.isConnected(one, other));
  return [...graph.dials(), ...pairs.map(([one, other]) => dialOf(one, other))];
}

function grown(order: readonly number[], degree: number, seed: number): GrowingGraph {
  const graph = new GrowingGraph(order.slice(0, degree + 1), seed);
  for (const ordinal of order.slice(degree + 1)) graph.add(ordinal);
  return graph;
}

/** The place in its run of ordinals comes first: then a node that is added at the end of any of several groups is among the last. */
function growthOrder(members: readonly Member[]): { readonly order: readonly number[]; readonly runs: number } {
  const sorted = [...members].sort((a, b) => a.ordinal - b.ordinal);
  let place = 0;
  const placed = sorted.map(({ ordinal, group }, index) => {
    const before = sorted[index - 1];
    place = before?.ordinal === ordinal - 1 && before.group === group ? place + 1 : 0;
    return { ordinal, place };
  });
  const runs = placed.filter(member => member.place === 0).length;
  return { order: placed.sort((a, b) => a.place - b.place || a.ordinal - b.ordinal).map(({ ordinal }) => ordinal), runs };
}

/** A connection, with the part of a circle of keys that it takes: from its key to that of the next one. */
interface Arc {
  readonly key: number;
  readonly one: number;
  readonly other: number;
}

const keyRange = 2 ** 32;
/** How often a hash is drawn. After that, the next connection on the circle that fits is taken. */
const maxDraws = 64;

class GrowingGraph {
  readonly #seed: number;
  readonly #halfDegree: number;
  readonly #isOdd: boolean;
  readonly #neighbours = new Map<number, Set<number>>();
  /** Without the matching. By key; the first one is 0. */
  readonly #arcs: Arc[] = [];
  /** The matching of an odd degree: both directions. */
  readonly #partners = new Map<number, number>();
  /** The node without a partner. */
  #single: number | undefined;

  /** Starts with the full mesh of `first`: each node with the next, with the one after that, and so on; the opposite one is its partner. */
  constructor(first: readonly number[], seed: number) {
    const { length } = first;
    this.#seed = seed;
    this.#halfDegree = Math.floor((length - 1) / 2);
    this.#isOdd = length % 2 === 0;
    const arcCount = this.#halfDegree * length;
    for (let distance = 1; distance <= this.#halfDegree; distance += 1)
      for (const [index, one] of first.entries()) {
        const other = elementAt(first, (index + distance) % length);
        this.#arcs.push({ key: (this.#arcs.length / arcCount) * keyRange, one, other });
        this.#connect(one, other);
      }
    if (this.#isOdd)
      for (let index = 0; index < length / 2; index += 1)
        this.#pair(elementAt(first, index), elementAt(first, index + length / 2));
  }

  add(ordinal: number): void {
    for (let place = 0; place < this.#halfDegree; place += 1) this.#insert(ordinal, this.#arcFor(ordinal, place));
    if (this.#isOdd) this.#match(ordinal);
  }

  isConnected(one: number, other: number): boolean {
    return this.#neighbours.get(one)?.has(other) === true;
  }

  dials(): Dial[] {
    return [...this.#neighbours].flatMap(([one, others]) =>
      [...others].filter(other => one < other).map(other => dialOf(one, other)),
    );
  }

  /**
   * Where the node goes. There is always a place: m nodes are excluded at most, for an m that is less than degree; if no two of the
   * others were connected, each would lack more connections than it does.
   */
  #arcFor(ordinal: number, place: number): { readonly index: number; readonly key: number } {
    let index = 0;
    for (let draw = 0; draw < maxDraws; draw += 1) {
      const key = topologyHash(this.#seed, ordinal, place, draw);
      index = this.#indexOf(key);
      if (this.#fits(ordinal, index)) return { index, key };
    }
    while (!this.#fits(ordinal, index)) index = (index + 1) % this.#arcs.length;
    return { index, key: elementAt(this.#arcs, index).key };
  }

  #fits(ordinal: number, index: number): boolean {
    const { one, other } = elementAt(this.#arcs, index);
    const isFree = (end: number) => end !== ordinal && end !== this.#single && !this.isConnected(end, ordinal);
    return isFree(one) && isFree(other);
  }

  /** The arc that a key is on. */
  #indexOf(key: number): number {
    let [low, high] = [0, this.#arcs.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (elementAt(this.#arcs, middle).key <= key) low = middle;
      else high = middle;
    }
    return low;
  }

  #insert(ordinal: number, { index, key }: { readonly index: number; readonly key: number }): void {
    const { key: start, one, other } = elementAt(this.#arcs, index);
    this.#arcs.splice(index, 1, { key: start, one, other: ordinal }, { key, one: ordinal, other });
    this.#disconnect(one, other);
    this.#connect(one, ordinal);
    this.#connect(ordinal, other);
  }

  /** Gives the node a partner: the single one, or that of another node, which is the single one then. */
  #match(ordinal: number): void {
    const single = this.#single;
    if (single !== undefined) {
      this.#pair(single, ordinal);
      this.#single = undefined;
      return;
    }
    let [partner, lowestHash] = [ordinal, keyRange];
    for (const candidate of this.#partners.keys()) {
      const hash = topologyHash(this.#seed, ordinal, this.#halfDegree, candidate);
      if (hash < lowestHash && !this.isConnected(candidate, ordinal)) [partner, lowestHash] = [candidate, hash];
    }
    this.#single = this.#partners.get(partner) ?? ordinal;
    if (partner === ordinal) return;
    this.#partners.delete(this.#single);
    this.#disconnect(partner, this.#single);
    this.#pair(partner, ordinal);
  }

  #pair(one: number, other: number): void {
    this.#partners.set(one, other).set(other, one);
    this.#connect(one, other);
  }

  #connect(one: number, other: number): void {
    this.#neighboursOf(one).add(other);
    this.#neighboursOf(other).add(one);
  }

  #disconnect(one: number, other: number): void {
    this.#neighboursOf(one).delete(other);
    this.#neighboursOf(other).delete(one);
  }

  #neighboursOf(ordinal: number): Set<number> {
    const known = this.#neighbours.get(ordinal);
    if (known !== undefined) return known;
    const neighbours = new Set<number>();
    this.#neighbours.set(ordinal, neighbours);
    return neighbours;
  }
}
