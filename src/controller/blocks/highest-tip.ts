// HighestTip: the newest block that nodes with one chain have reported, and whether they have lost it.
import type { Side } from '../../bitcoin/chain/block-schedule.ts';
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';
import { isReachable, type Node } from '../../bitcoin/topology/peer-plan.ts';
import type { Look } from './open-calls.ts';

/** For so long the producers may stay without the newest block if others have it: one that receives blocks has another tip before that. */
const patienceMs = 30_000;

interface Answer {
  readonly name: string;
  /** Undefined: it did not answer. */
  readonly chain: ChainState | undefined;
  readonly isGenerating: boolean;
}

export class HighestTip {
  readonly #look: Look;
  readonly #nowMs: () => number;
  #chain: ChainState | undefined;
  /** The tips of producers without the newest block, and since when they have these. */
  #stuck: { readonly tips: string; readonly sinceMs: number } | undefined;

  constructor(look: Look, nowMs: () => number) {
    this.#look = look;
    this.#nowMs = nowMs;
  }

  /** 0 as long as none is known. */
  get height(): number {
    return this.#chain?.height ?? 0;
  }

  see(chain: ChainState): void {
    if (this.#chain === undefined || chain.height > this.#chain.height) this.#chain = chain;
  }

  /** Call with the block that was just made, or without one if the nodes that had the newest block may be gone. */
  set(chain?: ChainState): void {
    this.#chain = chain;
    this.#stuck = undefined;
  }

  /** Call with the chain of a producer that has the newest block: if one lacks it later, that is for another reason. */
  reach(chain: ChainState): void {
    this.see(chain);
    this.#stuck = undefined;
  }

  /** Asks nodes for their tips. Those that do not answer are left out. */
  async ask(nodes: readonly Node[], signal: AbortSignal): Promise<void> {
    for (const { chain } of await this.#answersOf(nodes, signal)) if (chain !== undefined) this.see(chain);
  }

  /**
   * Takes a lower block for the newest one if that is lost: if no node has it any more, or if the producers do not take it, as after
   * invalidateblock. A node that does not answer may have it. A producer without any block gets it in the end.
   * @returns whether it did
   */
  async lowerIfLost(producers: readonly Node[], others: readonly Node[], signal: AbortSignal): Promise<boolean> {
    const [own, rest] = await Promise.all([this.#answersOf(producers, signal), this.#answersOf(others, signal)]);
    const lacksBlock = ({ chain, isGenerating }: Answer) => chain !== undefined && chain.height < this.height && !isGenerating;
    if (!own.every(lacksBlock)) return false;
    const isGone = rest.every(lacksBlock);
    if (!isGone && !this.#isRefused(own)) return false;
    this.#chain = undefined;
    for (const { chain } of isGone ? [...own, ...rest] : own) if (chain !== undefined) this.see(chain);
    return true;
  }

  /** Whether producers that have blocks have received none for long. */
  #isRefused(producers: readonly Answer[]): boolean {
    if (producers.every(({ chain }) => (chain?.height ?? 0) === 0)) return false;
    const tips = producers.map(({ name, chain }) => `${name} ${chain?.tip}`).join();
    if (this.#stuck?.tips !== tips) this.#stuck = { tips, sinceMs: this.#nowMs() };
    return this.#nowMs() - this.#stuck.sinceMs >= patienceMs;
  }

  async #answersOf(nodes: readonly Node[], signal: AbortSignal): Promise<Answer[]> {
    const answerOf = async (node: Node): Promise<Answer> => {
      try {
        return { name: node.name, ...(await this.#look(node, signal)) };
      } catch {
        signal.throwIfAborted();
        return { name: node.name, chain: undefined, isGenerating: false };
      }
    };
    return await Promise.all(nodes.map(answerOf));
  }
}

/** The nodes of a side that make no blocks. They may have the newest one. */
export function othersIn({ ordinals, producers }: Side, nodes: readonly Node[]): Node[] {
  const making = new Set(producers.map(({ ordinal }) => ordinal));
  const own = ordinals && new Set(ordinals);
  return nodes.filter(node => isReachable(node) && !making.has(node.ordinal) && own?.has(node.ordinal) !== false);
}
