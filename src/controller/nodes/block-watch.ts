// BlockWatch: learns of new blocks at once, from one node for each side of a network whose chain moves. The node is asked with a call that it
//   answers when it has the block. Networks at rest hold no call; beyond the limit of held calls, polling alone finds the blocks.
import type { BlockWait } from '../../bitcoin/rpc/wait-for-block.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import { sleep } from '../../time/sleep.ts';

/** Nodes that share one chain: the whole network, or a part of one that is cut. */
export interface WatchedSide {
  readonly name: string;
  /** The height of the longest chain that is known. */
  readonly height: number;
  /** Those that can be asked, in the order in which they are taken. */
  readonly nodes: readonly Omit<BlockWait, 'height'>[];
}

export interface BlockWatchOptions {
  /** See waitForBlock. */
  readonly wait: (wait: BlockWait, signal: AbortSignal) => Promise<number>;
  /** Called with the key of a network, the side and the height when there is a new block. */
  readonly onBlock: (key: string, side: string, height: number) => void;
  /** How many calls the process holds at most. */
  readonly maxHeld: number;
}

interface Held {
  side: WatchedSide;
  /** The node that is asked. */
  host: string;
  readonly abort: AbortController;
}

/** Between two calls: blocks that come together are reported once, and a node that answers without waiting is not asked all the time. */
const pauseMs = 100;
/** For so long a node is passed over that failed. */
const passOverMs = 10_000;

export class BlockWatch {
  readonly #options: BlockWatchOptions;
  /** By the key of the network, then by side. */
  readonly #held = new Map<string, Map<string, Held>>();
  /** By host: until when a node is passed over; monotonic milliseconds. */
  readonly #passedOver = new Map<string, number>();
  #count = 0;
  #isStopped = false;

  constructor(options: BlockWatchOptions) {
    this.#options = options;
  }

  /** How many calls are held. */
  get held(): number {
    return this.#count;
  }

  /** The sides of a network that are watched from now on; none if it is at rest. Ends calls to other nodes. Never waits. */
  set(key: string, sides: readonly WatchedSide[]): void {
    const held = this.#held.get(key) ?? new Map<string, Held>();
    const wanted = new Map(sides.map(side => [side.name, side]));
    for (const [name, { host, abort }] of held) {
      const isKept = wanted.get(name)?.nodes.some(node => node.host === host) ?? false;
      if (isKept) continue;
      held.delete(name);
      abort.abort(new Error('the node is not watched any more'));
    }
    for (const side of sides) {
      const known = held.get(side.name);
      if (known !== undefined) known.side = side;
      else if (this.#count < this.#options.maxHeld && !this.#isStopped) this.#start(key, held, side);
    }
    if (held.size === 0) this.#held.delete(key);
    else this.#held.set(key, held);
  }

  /** Ends all calls. None is made after that. */
  stop(): void {
    this.#isStopped = true;
    for (const key of [...this.#held.keys()]) this.set(key, []);
  }

  #start(key: string, ofNetwork: Map<string, Held>, side: WatchedSide): void {
    const held = { side, host: '', abort: new AbortController() };
    ofNetwork.set(side.name, held);
    this.#count += 1;
    const ended = () => {
      this.#count -= 1;
      if (ofNetwork.get(side.name) === held) ofNetwork.delete(side.name);
    };
    this.#watch(key, held).then(ended, ended);
  }

  /** Returns when no node can be asked. @throws once the watch has ended */
  async #watch(key: string, held: Held): Promise<void> {
    for (;;) {
      const node = this.#nodeOf(held.side, held.host);
      if (node === undefined) return;
      held.host = node.host;
      const wanted = held.side.height + 1;
      try {
        const height = await this.#options.wait({ ...node, height: wanted }, held.abort.signal);
        held.abort.signal.throwIfAborted();
        // Meanwhile it may be known from another node.
        if (height > held.side.height) {
          held.side = { ...held.side, height };
          this.#options.onBlock(key, held.side.name, height);
        }
        await sleep(pauseMs, held.abort.signal);
      } catch (error) {
        if (!(error instanceof BitcoinRpcError || error instanceof BitcoinTransportError)) throw error;
        this.#passOver(node.host);
      }
    }
  }

  /** The one that is asked already, if it can be. */
  #nodeOf({ nodes }: WatchedSide, host: string): WatchedSide['nodes'][number] | undefined {
    const nowMs = performance.now();
    const usable = nodes.filter(node => (this.#passedOver.get(node.host) ?? 0) <= nowMs);
    return usable.find(node => node.host === host) ?? usable[0];
  }

  #passOver(host: string): void {
    const nowMs = performance.now();
    for (const [known, untilMs] of this.#passedOver) if (untilMs <= nowMs) this.#passedOver.delete(known);
    this.#passedOver.set(host, nowMs + passOverMs);
  }
}
