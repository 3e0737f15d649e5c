// LookPace: how often the nodes of networks are asked whose chains change. With few such nodes it is every two seconds. With many the looks of the
//   process stay within a rate, so that each network is asked less often; one that is cut is not, since its sides may part at any time.
const shortestMs = 2_000;
const looksPerSecond = 50;

export class LookPace {
  /** By the key of a network. */
  readonly #nodes = new Map<string, number>();
  #total = 0;

  /** Call with the number of nodes of a network whose chains change; 0 = they do not, or it is gone. */
  note(key: string, nodes: number): void {
    this.#total += nodes - (this.#nodes.get(key) ?? 0);
    if (nodes === 0) this.#nodes.delete(key);
    else this.#nodes.set(key, nodes);
  }

  /** Between two looks at all nodes of a network. */
  intervalMs(isCut: boolean): number {
    return isCut ? shortestMs : Math.max(shortestMs, (this.#total / looksPerSecond) * 1_000);
  }
}
