// ChainComparison: the heights at which the nodes of a network are asked for the hashes of their chains while their tips differ.
import { type CompareOptions, heightsToCompare } from '../../bitcoin/chain/compare-chains.ts';
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';

export class ChainComparison {
  #heights: readonly number[] = [];
  /** By height: the hash that was reported last while the tips differed and no fork was likely. */
  readonly #hashes = new Map<number, string>();
  /** Whether nodes have reported different hashes of one height since the tips differed. */
  #isForked = false;

  /** The heights at which the nodes are compared; none as long as all have the same tip. */
  get heights(): readonly number[] {
    return this.#heights;
  }

  /**
   * Call with each report.
   * @param hashes those of the report, by height
   * @param chains those that the nodes reported last
   * @param options `isForkLikely`: whether different tips are more than a block on its way
   */
  note(hashes: ReadonlyMap<number, string> | undefined, chains: readonly ChainState[], options: Required<CompareOptions>): void {
    const { isForkLikely } = options;
    for (const [height, hash] of isForkLikely || this.#heights.length === 0 ? [] : (hashes ?? [])) {
      const known = this.#hashes.get(height);
      this.#isForked ||= known !== undefined && known !== hash;
      this.#hashes.set(height, hash);
    }
    this.#heights = heightsToCompare(chains, { ...options, isForkLikely: this.#isForked || isForkLikely });
    if (this.#hashes.size > 0) this.#forgetOthers(new Set(this.#heights));
    if (this.#heights.length === 0) this.#isForked = false;
  }

  #forgetOthers(heights: ReadonlySet<number>): void {
    for (const height of this.#hashes.keys()) if (!heights.has(height)) this.#hashes.delete(height);
  }
}
