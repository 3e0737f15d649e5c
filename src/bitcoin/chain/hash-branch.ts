// HashBranch: the hashes of a chain that ends with a given block. They follow from that block alone, whatever a node's active chain is.

const hashBytes = 32;

export class HashBranch {
  readonly height: number;
  /** The hash at each height. Those below `lowest` are not known yet. */
  readonly #hashes: Buffer;
  #lowest: number;

  constructor({ height, hash }: { readonly height: number; readonly hash: string }) {
    this.height = height;
    this.#hashes = Buffer.alloc((height + 1) * hashBytes);
    this.#lowest = height + 1;
    this.#put(hash);
  }

  /** The lowest height at which the block is known. */
  get lowest(): number {
    return this.#lowest;
  }

  /** @throws RangeError for a height that is not known */
  at(height: number): string {
    if (height < this.#lowest || height > this.height) throw new RangeError(`block ${height} is not known`);
    return this.#hashes.toString('hex', height * hashBytes, (height + 1) * hashBytes);
  }

  /** Whether the block at that height is known and has the hash. */
  has(height: number, hash: string): boolean {
    return height >= this.#lowest && height <= this.height && this.at(height) === hash;
  }

  /**
   * Goes down as far as the headers reach.
   * @param previousOf the hash of the block before, by the hash of a block; undefined if it is not known
   * @returns by how many blocks
   */
  descend(previousOf: (hash: string) => string | undefined): number {
    const before = this.#lowest;
    while (this.#lowest > 0) {
      const previous = previousOf(this.at(this.#lowest));
      if (previous === undefined) break;
      this.#put(previous);
    }
    return before - this.#lowest;
  }

  #put(hash: string): void {
    this.#lowest -= 1;
    this.#hashes.write(hash, this.#lowest * hashBytes, 'hex');
  }
}
