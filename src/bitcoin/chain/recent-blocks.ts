// RecentBlocks: the newest blocks of a network's chains, with those that were replaced. It is filled from the nodes, and begins with the status.
import type { BlockHeader } from '../rpc/block-headers.ts';

export interface RecentBlock extends BlockHeader {
  /** The node that made it for the controller, if that is known. */
  readonly ordinal?: number | undefined;
}

/** A block as it is shown: those of the longest chain without the block before them. */
export interface ShownBlock extends Omit<RecentBlock, 'parent'> {
  /** The block before it. Absent if the block is on the longest chain. */
  readonly parent?: string | undefined;
}

/** How many blocks of the longest chain are kept, and how many of others. */
export const recentHeights = 24;

export class RecentBlocks {
  #known: Map<string, RecentBlock>;
  /** The newest block of the longest chain, as far as it is known. */
  #head: string | undefined;

  /** @param shown what a former process has shown */
  constructor(shown: readonly ShownBlock[] = []) {
    const main = shown.filter(({ parent }) => parent === undefined);
    const below = new Map(main.map(({ height, hash }) => [height + 1, hash]));
    this.#known = new Map(shown.map(block => [block.hash, { ...block, parent: block.parent ?? below.get(block.height) ?? '' }]));
    this.#head = main[0]?.hash;
  }

  /** The blocks that need not be read, by hash. */
  get known(): ReadonlyMap<string, BlockHeader> {
    return this.#known;
  }

  has(hash: string): boolean {
    return this.#known.has(hash);
  }

  add(blocks: readonly BlockHeader[]): void {
    for (const block of blocks) if (!this.#known.has(block.hash)) this.#known.set(block.hash, block);
  }

  /**
   * The newest blocks, the highest first, those of the longest chain first. Others are forgotten.
   * @param tip of the longest chain. The former one counts until it has been read
   */
  shown(tip: string): ShownBlock[] {
    if (this.#known.has(tip)) this.#head = tip;
    this.#head ??= [...this.#known.values()].sort((a, b) => b.height - a.height)[0]?.hash;
    const main = this.#chainTo(this.#head);
    const height = main[0]?.height ?? 0;
    const isMain = new Set(main.map(({ hash }) => hash));
    const others = [...this.#known.values()]
      .filter(block => !isMain.has(block.hash) && block.height > height - recentHeights && block.height <= height)
      .sort((a, b) => b.height - a.height || (a.hash < b.hash ? -1 : 1))
      .slice(0, recentHeights);
    const kept = [...main, ...others];
    this.#known = new Map(kept.map(block => [block.hash, block]));
    return kept
      .map(({ parent, ...block }) => (isMain.has(block.hash) ? block : { ...block, parent }))
      .sort((a, b) => b.height - a.height || Number(isMain.has(b.hash)) - Number(isMain.has(a.hash)));
  }

  #chainTo(tip: string | undefined): RecentBlock[] {
    const chain: RecentBlock[] = [];
    for (let at = this.#known.get(tip ?? ''); at !== undefined && chain.length < recentHeights; at = this.#known.get(at.parent))
      chain.push(at);
    return chain;
  }
}
