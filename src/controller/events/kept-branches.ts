// KeptBranches: branches whose nodes are all away for a moment, as while their containers are restarted. They still have their blocks, so that the
// fork is not over.
import type { Branch, ChainView } from '../../bitcoin/chain/compare-chains.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';

/** The restart of a node takes less. */
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
  #last: readonly Branch[] = [];
  /** By tip: the monotonic time since which no node reports the branch. */
  #goneSinceMs = new Map<string, number>();

  /**
   * @param branches those that the views show
   * @returns the further ones that their nodes still have, though none of them answers; and for how long at most they stay
   */
  observe(
    branches: readonly Branch[],
    { nodes, stored, views }: SeenNodes,
    nowMs: number,
  ): { readonly kept: readonly Branch[]; readonly waitMs: number | undefined } {
    const byOrdinal = new Map(nodes.map(node => [node.ordinal, node]));
    const answering = new Set(views.map(({ ordinal }) => ordinal));
    const known = new Set(views.flatMap(({ tip, hashes }) => [tip, ...(hashes?.values() ?? [])]));
    const hasItStill = (ordinal: number): boolean =>
      !answering.has(ordinal) &&
      (stored.has(ordinal) || (byOrdinal.has(ordinal) && byOrdinal.get(ordinal)?.ip === this.#addresses.get(ordinal)));
    const gone = this.#last.filter(
      ({ depth, tip, ordinals }) => depth > 0 && !known.has(tip) && ordinals.every(ordinal => hasItStill(ordinal)),
    );
    this.#goneSinceMs = new Map(gone.map(({ tip }) => [tip, this.#goneSinceMs.get(tip) ?? nowMs]));
    const leftMs = ({ tip }: Branch): number => (this.#goneSinceMs.get(tip) ?? nowMs) + keptMs - nowMs;
    const kept = gone.filter(branch => leftMs(branch) > 0);
    for (const ordinal of answering) this.#addresses.set(ordinal, byOrdinal.get(ordinal)?.ip ?? '');
    this.#last = [...branches, ...kept];
    return { kept, waitMs: kept.length === 0 ? undefined : Math.min(...kept.map(leftMs)) };
  }
}
