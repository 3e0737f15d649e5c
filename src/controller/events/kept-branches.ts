// KeptBranches: branches of a fork whose nodes are all away for a moment, as while their containers are restarted. They still have their
// blocks, so that the fork is not over.
import type { Branch, ChainView } from '../../bitcoin/chain/compare-chains.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';

/** The restart of a node usually takes less. */
export const keptMs = 60_000;

export interface SeenNodes {
  /** All nodes, ready or not. */
  readonly nodes: readonly Node[];
  /** The ordinals of nodes with a volume of their own, which outlives their pods. */
  readonly stored: ReadonlySet<number>;
  /** What the nodes that answer have reported. */
  readonly views: readonly ChainView[];
}

export class KeptBranches {
  /** By ordinal: the address at which a node reported its chain last. */
  readonly #addresses = new Map<number, string>();
  /** Those of the last fork, the longest first; none while there is one chain. */
  #last: readonly Branch[] = [];
  /** By ordinal: the height of the last block that its branch has in common with the others. */
  #forkHeights: ReadonlyMap<number, number> = new Map();
  /** By tip: the monotonic time since which no node reports the branch. */
  #goneSinceMs = new Map<string, number>();

  /**
   * @param live the branches that the views show, the longest first
   * @returns these and the further ones that their nodes still have, though none of them answers, the longest first; and for how long at most
   *   these stay
   */
  observe(
    live: readonly [Branch, ...Branch[]],
    { nodes, stored, views }: SeenNodes,
    nowMs: number,
  ): { readonly branches: readonly [Branch, ...Branch[]]; readonly waitMs: number | undefined } {
    // Most networks, at each reconcile. The addresses are those of nodes of a fork.
    if (this.#last.length === 0 && live.length === 1) return { branches: live, waitMs: undefined };
    const byOrdinal = new Map(nodes.map(node => [node.ordinal, node]));
    const answering = new Set(views.map(({ ordinal }) => ordinal));
    const known = new Set(views.flatMap(({ tip, hashes }) => [tip, ...(hashes?.values() ?? [])]));
    const hasItStill = (ordinal: number): boolean =>
      !answering.has(ordinal) &&
      (stored.has(ordinal) || (byOrdinal.has(ordinal) && byOrdinal.get(ordinal)?.ip === this.#addresses.get(ordinal)));
    const gone = this.#last.filter(({ tip, ordinals }) => !known.has(tip) && ordinals.every(ordinal => hasItStill(ordinal)));
    this.#goneSinceMs = new Map(gone.map(({ tip }) => [tip, this.#goneSinceMs.get(tip) ?? nowMs]));
    const leftMs = ({ tip }: Branch): number => (this.#goneSinceMs.get(tip) ?? nowMs) + keptMs - nowMs;
    const kept = gone.filter(branch => leftMs(branch) > 0);
    const branches = kept.length === 0 ? live : this.#merged(live, kept);
    for (const ordinal of answering) this.#addresses.set(ordinal, byOrdinal.get(ordinal)?.ip ?? '');
    this.#remember(branches);
    return { branches, waitMs: kept.length === 0 ? undefined : Math.min(...kept.map(leftMs)) };
  }

  /** Of equal height, that which was the first before comes first. */
  #merged(live: readonly [Branch, ...Branch[]], kept: readonly Branch[]): readonly [Branch, ...Branch[]] {
    const wasFirst = ({ ordinals }: Branch): number =>
      this.#last[0]?.ordinals.some(each => ordinals.includes(each)) === true ? 0 : 1;
    const [first, ...others] = [...kept, ...live].sort((a, b) => b.height - a.height || wasFirst(a) - wasFirst(b));
    const depthOf = ({ height, depth, ordinals: [ordinal = -1] }: Branch): number =>
      depth > 0 ? depth : Math.max(1, height - (this.#forkHeights.get(ordinal) ?? height));
    return [{ ...(first ?? live[0]), depth: 0 }, ...others.map(branch => ({ ...branch, depth: depthOf(branch) }))];
  }

  #remember(branches: readonly [Branch, ...Branch[]]): void {
    const [first, ...others] = branches;
    this.#last = others.length === 0 ? [] : branches;
    const heights = others.map(({ height, depth, ordinals }) => [height - depth, ordinals] as const);
    const highest = Math.max(0, ...heights.map(([height]) => height));
    this.#forkHeights = new Map(
      [[highest, first.ordinals] as const, ...heights].flatMap(([height, ordinals]) =>
        ordinals.map(each => [each, height] as const),
      ),
    );
  }
}
