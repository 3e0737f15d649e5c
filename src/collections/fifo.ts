// Fifo: a queue with constant-time push and shift. Array.prototype.shift moves every remaining element once an array is large.

/** First in, first out, in a ring that grows as needed and keeps its size. */
export class Fifo<T> {
  #slots: (T | undefined)[] = [undefined, undefined, undefined, undefined];
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(value: T): void {
    if (this.#size === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#size) & (this.#slots.length - 1)] = value;
    this.#size += 1;
  }

  /** Removes and returns the oldest value; `undefined` if there is none. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const value = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#size -= 1;
    return value;
  }

  clear(): void {
    this.#slots = [undefined, undefined, undefined, undefined];
    this.#head = 0;
    this.#size = 0;
  }

  /** The length stays a power of two, so that an index is found with a mask. */
  #grow(): void {
    const { length } = this.#slots;
    const slots = new Array<T | undefined>(length * 2).fill(undefined);
    for (let index = 0; index < length; index += 1) slots[index] = this.#slots[(this.#head + index) & (length - 1)];
    this.#slots = slots;
    this.#head = 0;
  }
}
