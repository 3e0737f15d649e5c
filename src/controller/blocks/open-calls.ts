// OpenCalls: the nodes that may still be making a block, since a call to them was not answered: a call of this process, or of a former leader.
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';
import { BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { messageOf } from '../../runtime/controller.ts';

/** For so long a node that does not answer may still be making a block. */
const silentMs = 60_000;

/** A node that may still be making a block. */
export interface Unsettled {
  readonly message: string;
  /** It says so. Otherwise it does not answer. */
  readonly isGenerating: boolean;
}

/** Asks a node for its tip, and whether it is making a block. */
export type Look = (node: Node, signal: AbortSignal) => Promise<{ readonly chain: ChainState; readonly isGenerating: boolean }>;

export class OpenCalls {
  readonly #look: Look;
  readonly #nowMs: () => number;
  /** By name. */
  readonly #uncertain = new Map<string, { readonly node: Node; readonly sinceMs: number }>();
  /** A former process may have had a producer make a block. */
  #isNew = true;
  /** Since when a node has been making a block after the call was given up. */
  #generatingSinceMs: number | undefined;

  constructor(look: Look, nowMs: () => number) {
    this.#look = look;
    this.#nowMs = nowMs;
  }

  /** Call before a node is asked to make a block. */
  note(node: Node): void {
    this.#uncertain.set(node.name, { node, sinceMs: this.#nowMs() });
  }

  /** Call when it has answered, so that it is not at work. */
  forget({ name }: Node): void {
    this.#uncertain.delete(name);
  }

  /** For how many milliseconds a node has been making a block after the call was given up. */
  get generatingMs(): number {
    return this.#generatingSinceMs === undefined ? 0 : this.#nowMs() - this.#generatingSinceMs;
  }

  /**
   * Asks the nodes that may still be making a block; at first all producers, also those that are not ready.
   * @param nodes those of the network
   * @param others producers that are asked for their tips as well
   * @param onChain called with each chain that is reported
   * @returns what it must be waited for
   */
  async settle(
    { nodes, producers, others }: Readonly<Record<'nodes' | 'producers' | 'others', readonly Node[]>>,
    onChain: (chain: ChainState) => void,
    signal: AbortSignal,
  ): Promise<Unsettled | undefined> {
    // Another pod has another process. One that is not ready may be frozen, and make the block later.
    const addresses = new Map(nodes.map(({ name, ip }) => [name, ip]));
    for (const { node } of this.#uncertain.values()) if (addresses.get(node.name) !== node.ip) this.forget(node);
    const isNew = this.#isNew;
    this.#isNew = false;
    const present = producers.filter(({ ip, isTerminating }) => ip !== '' && !isTerminating);
    const asked = [...[...this.#uncertain.values()].map(({ node }) => node), ...(isNew ? present : others)];
    const unsettled: Unsettled[] = [];
    const settle = async (node: Node) => {
      try {
        const { chain, isGenerating } = await this.#look(node, signal);
        onChain(chain);
        this.forget(node);
        if (!isGenerating) return;
        this.note(node);
        unsettled.push({ message: `${node.name} is still making a block`, isGenerating });
      } catch (error) {
        signal.throwIfAborted();
        if (isNew && !isUnreachable(error) && !this.#uncertain.has(node.name)) this.note(node);
        if (this.#mayStillGenerate(node, error))
          unsettled.push({ message: `${node.name}: ${messageOf(error)}`, isGenerating: false });
      }
    };
    await Promise.all([...new Map(asked.map(node => [node.name, node])).values()].map(settle));
    const isGenerating = unsettled.some(each => each.isGenerating);
    this.#generatingSinceMs = isGenerating ? (this.#generatingSinceMs ?? this.#nowMs()) : undefined;
    return unsettled.find(each => !each.isGenerating) ?? unsettled[0];
  }

  /** @param error why the node did not say whether it does */
  #mayStillGenerate(node: Node, error: unknown): boolean {
    const sinceMs = this.#uncertain.get(node.name)?.sinceMs;
    if (sinceMs === undefined) return false;
    if (!isRefused(error) && this.#nowMs() - sinceMs < silentMs) return true;
    this.forget(node);
    return false;
  }
}

const isUnreachable = (error: unknown): boolean => error instanceof BitcoinTransportError && error.failure === 'unreachable';

/** Nobody listens there: the process is gone, and with it the call. */
const isRefused = (error: unknown): boolean =>
  isUnreachable(error) && (error as { readonly cause?: { readonly code?: unknown } }).cause?.code === 'ECONNREFUSED';
