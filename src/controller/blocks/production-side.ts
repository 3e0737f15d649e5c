// ProductionSide: makes the blocks of nodes that share one chain, one call at a time. What it knows is read from the nodes again whenever it is
//   not certain: no block is made on a tip that is not the highest known one, and none as long as an earlier call may still make one.
import type { BlockProductionSpec } from '../../bitcoin/api/block-production.ts';
import { initialBatch, intervalMsOf, producersFor, type Producer, type Side } from '../../bitcoin/chain/block-schedule.ts';
import { type NodeWallet, type Payment, paymentAt } from '../../bitcoin/chain/funding.ts';
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';
import { BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import { isReachable, type Node } from '../../bitcoin/topology/peer-plan.ts';
import { messageOf, type Result } from '../../runtime/controller.ts';
import { firstNames } from '../../logging/short-text.ts';
import { HighestTip, othersIn } from './highest-tip.ts';
import { type Look, OpenCalls, type Unsettled } from './open-calls.ts';

/** What a producer is asked. Both throw BitcoinRpcError and BitcoinTransportError, and the reason of the signal once it has aborted. */
export interface ProducerCalls {
  /** Its tip, and whether it is making a block. */
  look: Look;
  /**
   * Makes blocks on its tip.
   * @param descriptor what they pay to. Default: what blocks of the network pay to
   * @returns their hashes; fewer than asked for if it found no more
   */
  generate(node: Node, blocks: number, signal: AbortSignal, descriptor?: string): Promise<readonly string[]>;
  /** Whether this process may make blocks for as long as `generate` may take. */
  mayGenerate(): boolean;
}

export type SideState =
  | { readonly reason: 'Producing' | 'MiningInitialBlocks' | 'InitialBlocksMined' | 'Paused' }
  | { readonly reason: 'ProducerNotReady' | 'BlockProductionFailed'; readonly message: string }
  /** A node is still making a block after the call was given up. `isLate`: it takes it three intervals and more. */
  | { readonly reason: 'StillMaking'; readonly message: string; readonly isLate: boolean };

export interface MadeBlock {
  readonly height: number;
  readonly hash: string;
  readonly ordinal: number;
  readonly timeMs: number;
}

/** What a step did. */
export interface Step {
  readonly result: Result;
  readonly state: SideState;
  /** How many blocks it made, and the last of them. */
  readonly made?: { readonly count: number; readonly last: MadeBlock };
  /** When the next block is due; milliseconds since 1970. */
  readonly nextMs?: number;
}

/** What of a network's other features matters to its blocks. */
export interface ProductionLimits {
  /** No block is made on a shorter chain. */
  readonly leastHeight: number;
  /** Nodes that make no blocks are asked for their tips if the producers are below it. Default: they are always asked. */
  readonly knownHeight?: number;
  /** A block takes work, so that a call makes only one. */
  readonly needsWork: boolean;
  /** The first blocks, which pay to wallets. */
  readonly payments: readonly Payment[];
  /** Undefined as long as the wallet is not there. */
  readonly addressOf: (wallet: NodeWallet) => string | undefined;
  /** False once the side or what is wanted of it has changed while a step was in progress. */
  readonly isCurrent: () => boolean;
}

const noLimits: ProductionLimits = {
  ...{ leastHeight: 0, needsWork: false, payments: [] },
  ...{ addressOf: () => undefined, isCurrent: () => true },
};

/** How soon it is tried again to pay to a wallet that is not there yet. */
const walletMs = 250;
/** A producer that lacks the newest block is asked again after this time, and so often before another one is taken. */
const lagMs = 100;
const maxLags = 20;
/** For so long a producer is passed over that did not get the newest block. */
const passOverMs = 5_000;
/** Another process has the Lease, or it is about to end. */
const leaseMs = 500;
/** So often a node is asked that is making a block. */
const generatingMs = 1_000;
/** A block takes a node too long after so many intervals. */
const lateIntervals = 3;
/** A block that is later than this is no longer counted from the time at which it was due, so that none are made up for. */
const lateMs = 1_000;

interface Outcome {
  readonly node: Node;
  readonly chain: ChainState;
}

export class ProductionSide {
  readonly #calls: ProducerCalls;
  readonly #nowMs: () => number;
  /** The highest tip that is known. */
  readonly #best: HighestTip;
  /** The time that the next block is counted from, for a tip. */
  #base: { readonly tip: string; readonly ms: number } | undefined;
  readonly #open: OpenCalls;
  /** All nodes of the side are asked for their tips first. */
  #isFresh = true;
  /** By name: until when a node is passed over. It stays until the node has the newest block. */
  readonly #passedOver = new Map<string, number>();
  #lags = 0;

  /** @param nowMs milliseconds since 1970 */
  constructor(calls: ProducerCalls, nowMs: () => number) {
    this.#calls = calls;
    const look: Look = (node, signal) => calls.look(node, signal);
    this.#open = new OpenCalls(look, nowMs);
    this.#best = new HighestTip(look, nowMs);
    this.#nowMs = nowMs;
  }

  /** Call when there are other nodes: those with the highest tip may be gone, and their chain with them. */
  refresh(): void {
    this.#best.set();
    this.#isFresh = true;
  }

  /**
   * Makes the block that is due, if one is.
   * @param nodes the nodes of the network
   */
  async step(
    spec: BlockProductionSpec,
    side: Side,
    nodes: readonly Node[],
    signal: AbortSignal,
    { leastHeight, knownHeight, needsWork, payments, addressOf, isCurrent }: ProductionLimits = noLimits,
  ): Promise<Step> {
    if (spec.paused === true) return { result: {}, state: { reason: 'Paused' } };
    const ready = new Map(nodes.filter(isReachable).map(node => [node.ordinal, node]));
    const unsettled = await this.#settle(side, nodes, signal, knownHeight);
    if (unsettled?.isGenerating === true) return this.#generating(spec, side, unsettled.message);
    if (unsettled !== undefined) return notReady(unsettled.message);
    const found = await this.#producer(spec, side, ready, signal);
    if ('result' in found) return found;
    const { node, chain } = found;
    // Nothing is waited for between this and the call.
    if (!isCurrent()) return { result: { requeueAfterMs: 1 }, state: { reason: progressOf(spec, chain.height) } };
    // It has lost blocks that are copied again, or has yet to get those of nodes that are starting.
    if (chain.height < leastHeight)
      return notReady(`${node.name} has ${chain.height} of the ${leastHeight} blocks of the network`);
    const batch = initialBatch(spec, chain.height);
    if (batch > 0) {
      const payment = paymentAt(payments, chain.height + 1);
      const address = payment?.wallet && addressOf(payment.wallet);
      if (payment?.wallet !== undefined && address === undefined)
        return { result: { requeueAfterMs: walletMs }, state: { reason: 'MiningInitialBlocks' } };
      const blocks = Math.min(needsWork ? 1 : batch, (payment?.lastHeight ?? Infinity) - chain.height);
      const wanted = { blocks, dueMs: this.#nowMs(), ...(address === undefined ? {} : { descriptor: `addr(${address})` }) };
      return await this.#make(node, chain, wanted, 'MiningInitialBlocks', signal);
    }
    const afterMs = intervalMsOf(spec, side, chain.height + 1);
    if (afterMs === undefined) return { result: {}, state: { reason: 'InitialBlocksMined' } };
    const dueMs = this.#baseOf(chain) + afterMs;
    const leftMs = dueMs - this.#nowMs();
    const waiting = (ms: number): Step => ({ result: { requeueAfterMs: ms }, state: { reason: 'Producing' }, nextMs: dueMs });
    if (leftMs > 0) return waiting(Math.max(1, leftMs));
    const step = await this.#make(node, chain, { blocks: 1, dueMs }, 'Producing', signal);
    if (step.made === undefined) return step;
    const nextMs = (this.#base?.ms ?? 0) + (intervalMsOf(spec, side, step.made.last.height + 1) ?? 0);
    return { ...step, nextMs, result: { requeueAfterMs: Math.max(1, nextMs - this.#nowMs()) } };
  }

  /** Waits for calls that may still make a block. @returns what it must be waited for */
  async #settle(side: Side, nodes: readonly Node[], signal: AbortSignal, knownHeight = Infinity): Promise<Unsettled | undefined> {
    const byOrdinal = new Map(nodes.map(node => [node.ordinal, node]));
    const producers = side.producers.flatMap(({ ordinal }) => byOrdinal.get(ordinal) ?? []);
    const isFresh = this.#isFresh;
    this.#isFresh = false;
    const asked = { nodes, producers, others: isFresh ? producers.filter(isReachable) : [] };
    const unsettled = await this.#open.settle(asked, chain => this.#best.see(chain), signal);
    // One that does not answer holds no producer that has the blocks of the status.
    if (isFresh && this.#best.height < knownHeight) await this.#best.ask(othersIn(side, nodes), signal);
    return unsettled;
  }

  #generating(spec: BlockProductionSpec, { share }: Side, message: string): Step {
    const { intervalSeconds = Infinity } = spec;
    const isLate = this.#open.generatingMs >= (lateIntervals * intervalSeconds * 1_000) / share;
    return { result: { requeueAfterMs: generatingMs }, state: { reason: 'StillMaking', message, isLate } };
  }

  /** The producer whose turn it is, with the highest tip; or why there is none. */
  async #producer(
    spec: BlockProductionSpec,
    side: Side,
    ready: ReadonlyMap<number, Node>,
    signal: AbortSignal,
  ): Promise<Outcome | Step> {
    const failures: string[] = [];
    const nowMs = this.#nowMs();
    const producers = side.producers.flatMap(each => ready.get(each.ordinal) ?? []);
    for (const { ordinal } of producersFor(spec, side, this.#best.height + 1)) {
      const node = ready.get(ordinal);
      if (node === undefined) continue;
      const lacksBlock = `${node.name} lacks the newest block`;
      if ((this.#passedOver.get(node.name) ?? 0) > nowMs) {
        failures.push(lacksBlock);
        continue;
      }
      try {
        const { chain } = await this.#calls.look(node, signal);
        if (chain.height >= this.#best.height) {
          this.#lags = 0;
          this.#passedOver.delete(node.name);
          this.#best.reach(chain);
          return { node, chain };
        }
      } catch (error) {
        signal.throwIfAborted();
        failures.push(`${node.name}: ${messageOf(error)}`);
        continue;
      }
      const isHeld = producers.every(({ name }) => this.#passedOver.has(name));
      const state = isHeld ? notReady(lacksBlock).state : { reason: progressOf(spec, this.#best.height) };
      const lagging: Step = { result: { requeueAfterMs: lagMs }, state };
      this.#lags += 1;
      if (this.#lags <= maxLags) return lagging;
      this.#lags = 0;
      if (await this.#best.lowerIfLost(producers, othersIn(side, [...ready.values()]), signal)) {
        this.#passedOver.clear();
        return lagging;
      }
      this.#passedOver.set(node.name, nowMs + passOverMs);
      failures.push(lacksBlock);
    }
    const [first] = failures;
    return notReady(first ?? `none of the producers is ready (${ordinalsOf(side.producers)})`);
  }

  async #make(
    node: Node,
    chain: ChainState,
    { blocks, dueMs, descriptor }: { readonly blocks: number; readonly dueMs: number; readonly descriptor?: string },
    reason: 'Producing' | 'MiningInitialBlocks',
    signal: AbortSignal,
  ): Promise<Step> {
    if (!this.#calls.mayGenerate()) return { result: { requeueAfterMs: leaseMs }, state: { reason }, nextMs: dueMs };
    this.#open.note(node);
    try {
      const hashes = await this.#calls.generate(node, blocks, signal, descriptor);
      this.#open.forget(node);
      const hash = hashes.at(-1);
      if (hash === undefined) return { result: { requeueAfterMs: lagMs }, state: { reason }, nextMs: dueMs };
      const timeMs = this.#nowMs();
      const height = chain.height + hashes.length;
      this.#best.set({ height, tip: hash });
      this.#base = { tip: hash, ms: timeMs - dueMs > lateMs ? timeMs : dueMs };
      return {
        result: { requeueAfterMs: 1 },
        state: { reason },
        made: { count: hashes.length, last: { height, hash, ordinal: node.ordinal, timeMs } },
      };
    } catch (error) {
      signal.throwIfAborted();
      // bitcoind refused, so that it is not at work. Otherwise it is asked for its tip before anything is made again.
      if (!(error instanceof BitcoinTransportError)) this.#open.forget(node);
      const isSlow = error instanceof BitcoinTransportError && error.failure === 'timeout';
      if (isSlow) return { result: { requeueAfterMs: leaseMs }, state: { reason }, nextMs: dueMs };
      const message = `${node.name}: ${messageOf(error)}`;
      return { result: { requeue: 'rateLimited' }, state: { reason: 'BlockProductionFailed', message } };
    }
  }

  /** A tip that this process did not make is counted from the time in its header, but not from one to come. */
  #baseOf({ tip, timeSeconds }: ChainState): number {
    if (this.#base?.tip !== tip) this.#base = { tip, ms: Math.min((timeSeconds ?? Infinity) * 1_000, this.#nowMs()) };
    return this.#base.ms;
  }
}

/** What is going on at a height, if a producer can be asked. */
function progressOf(spec: BlockProductionSpec, height: number): 'Producing' | 'MiningInitialBlocks' | 'InitialBlocksMined' {
  if (initialBatch(spec, height) > 0) return 'MiningInitialBlocks';
  return spec.intervalSeconds === undefined ? 'InitialBlocksMined' : 'Producing';
}

const notReady = (message: string): Step => ({
  result: { requeue: 'rateLimited' },
  state: { reason: 'ProducerNotReady', message },
});

const maxOrdinals = 10;

function ordinalsOf(producers: readonly Producer[]): string {
  const ordinals = producers.map(({ ordinal }) => String(ordinal));
  return `${ordinals.length === 1 ? 'node' : 'nodes'} ${firstNames(ordinals, maxOrdinals)}`;
}
