// ChainMotion: when the nodes of a network are asked again because a block is on its way through it, and which of them. Nodes that have the
//   newest block of their side are not asked.
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';

/** A node, by the side that it is on: a part of a cut network, or the empty name. */
interface Sided {
  readonly side: string;
  readonly chain: ChainState | undefined;
}

/** A block has reached most nodes of a small network after this time. Then the pause doubles, until looks are as rare as without a block. */
const firstPauseMs = 100;
const lastPauseMs = 1_600;
const lateMs = 3 * firstPauseMs;

export class ChainMotion {
  readonly #nowMs: () => number;
  /** By side: the height of the longest chain. */
  #heights = new Map<string, number>();
  #movedAtMs = -Infinity;

  /** @param nowMs monotonic milliseconds; default: performance.now */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Call when the network is cut, healed, or has other nodes: their chains may change now. */
  restart(): void {
    this.#heights = new Map();
    this.#movedAtMs = this.#nowMs();
  }

  /** Call with the height of each chain that is reported. @returns whether it is a new one */
  note(side: string, height: number): boolean {
    const known = this.#heights.get(side);
    if (known !== undefined && known >= height) return false;
    this.#heights.set(side, height);
    // What is seen first need not be new.
    if (known !== undefined) this.#movedAtMs = this.#nowMs();
    return known !== undefined;
  }

  /** Whether blocks have had the time to reach the nodes: those that still differ may be on other chains. */
  get isLate(): boolean {
    return this.#nowMs() - this.#movedAtMs >= lateMs;
  }

  heightOf(side: string): number {
    return this.#heights.get(side) ?? 0;
  }

  /** After how many milliseconds the stragglers are asked; undefined if they are asked with all others. */
  pauseMs(): number | undefined {
    const sinceMs = this.#nowMs() - this.#movedAtMs;
    return sinceMs > lastPauseMs ? undefined : Math.max(firstPauseMs, sinceMs);
  }

  /** The nodes that are not known to have the newest block of their side. Of two blocks of one height, those without that of most nodes. */
  stragglers<Node extends Sided>(nodes: readonly Node[]): Node[] {
    const newest = new Map<string, Map<string, number>>();
    for (const { side, chain } of nodes) {
      if (chain === undefined || chain.height < this.heightOf(side)) continue;
      const tips = newest.get(side) ?? new Map<string, number>();
      newest.set(side, tips.set(chain.tip, (tips.get(chain.tip) ?? 0) + 1));
    }
    const tipOf = new Map([...newest].map(([side, tips]) => [side, [...tips].toSorted(([, a], [, b]) => b - a)[0]?.[0]]));
    return nodes.filter(({ side, chain }) => chain?.tip !== tipOf.get(side) || chain === undefined);
  }
}
