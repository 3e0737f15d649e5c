// ChainComparison: the heights at which the nodes of a network are asked for the hashes of their chains while their tips differ.
import { heightsToCompare } from '../../bitcoin/chain/compare-chains.ts';
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';

export class ChainComparison {
  #heights: readonly number[] = [];
  /** By height: the hash that was reported last while the tips differed. */
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
   * @param mayDiffer whether different tips are more than the newest block on its way
   */
  note(hashes: ReadonlyMap<number, string> | undefined, chains: readonly ChainState[], mayDiffer: boolean): void {
    for (const [height, hash] of this.#heights.length === 0 ? [] : (hashes ?? [])) {
      const known = this.#hashes.get(height);
      this.#isForked ||= known !== undefined && known !== hash;
      this.#hashes.set(height, hash);
    }
    this.#heights = heightsToCompare(chains, this.#isForked || mayDiffer);
    if (this.#heights.length > 0) return;
    this.#hashes.clear();
    this.#isForked = false;
  }
}
