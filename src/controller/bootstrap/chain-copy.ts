// ChainCopy: copies the blocks up to one fixed block from nodes of one network to a node of another, a step at a time. Where it goes on is
//   read from the target, and which blocks follows from the fixed block: what it remembers only saves work.
import { HashBranch } from '../../bitcoin/chain/hash-branch.ts';
import { blockHashCall, blockHashOf, type ChainState, chainStateCall, chainStateOf } from '../../bitcoin/rpc/chain-state.ts';
import { bytesOnDisk, refusalOf, submitCall } from '../../bitcoin/rpc/copy-blocks.ts';
import { rpcInWarmup } from '../../bitcoin/rpc/rpc-client.ts';
import { BitcoinRpcError } from '../../bitcoin/rpc/rpc-errors.ts';
import type { Result } from '../../runtime/controller.ts';
import { areFailures, BlockSource, type CopyEnd, EndFailure, tried } from './block-source.ts';
import { copied, copying, type CopyState, failed, type FixedBlock, holds, tooLarge } from './copy-state.ts';

export interface CopyStep {
  readonly result: Result;
  readonly state: CopyState;
}

export interface ChainCopyOptions {
  readonly fixed: FixedBlock;
  /** The name of the network that the blocks are of. */
  readonly from: string;
  /** How much the block files of the target may have before its last block is copied. */
  readonly maxBytes: number;
  /** Whether this process may write to nodes. */
  readonly maySubmit: () => boolean;
}

/** What the target has. */
interface Look {
  readonly chain: ChainState;
  readonly genesis: string | undefined;
  /** Its active chain has the fixed block. */
  readonly isCopied: boolean;
  readonly bytes: number;
}

const warmupMs = 100;
/** The other network is not ready, or another process has the Lease. */
const waitMs = 500;
const again: Result = { requeueAfterMs: 1 };
const later: Result = { requeue: 'rateLimited' };

export class ChainCopy {
  readonly #options: ChainCopyOptions;
  readonly #branch: HashBranch;
  readonly #source = new BlockSource();
  /** The next block of a target whose chain is not the branch. */
  #next = 1;
  /** Where nothing comes of copying again: a target that keeps a chain of its own, by its tip. */
  #stuck: { readonly tip: string; readonly state: CopyState } | undefined;
  /** How many blocks the target has. */
  #done = 0;

  constructor(options: ChainCopyOptions) {
    this.#options = options;
    this.#branch = new HashBranch(options.fixed);
  }

  /**
   * One step: nothing but a look at the target if it has all blocks, else some hashes or some blocks.
   * @param sourcesOf finds the nodes to read from, or says why there are none; called only if blocks are missing
   * @throws the reason of `signal` once it has aborted, and what `sourcesOf` throws
   */
  async step(target: CopyEnd, sourcesOf: () => Promise<readonly CopyEnd[] | CopyState>, signal: AbortSignal): Promise<CopyStep> {
    const { fixed, from, maxBytes, maySubmit } = this.#options;
    const look = await tried(target, () => this.#look(target, signal), signal);
    if (look instanceof EndFailure) return this.#targetFailed(look);
    if (look.isCopied) return { result: {}, state: copied(fixed, from) };
    if (look.bytes > maxBytes) return { result: later, state: tooLarge(holds(target.name, look.bytes), maxBytes) };
    const sources = await sourcesOf();
    if ('reason' in sources) return { result: { requeueAfterMs: waitMs }, state: sources };
    if (!maySubmit()) return { result: { requeueAfterMs: waitMs }, state: this.#copying() };
    return await this.#advance(look, target, sources, signal);
  }

  async #look(target: CopyEnd, signal: AbortSignal): Promise<Look> {
    const { fixed } = this.#options;
    const calls = [chainStateCall, blockHashCall(0), blockHashCall(fixed.height)];
    const [chain, first, last] = await target.batch(calls, signal);
    const isCopied = blockHashOf(last) === fixed.hash;
    return { chain: chainStateOf(chain), bytes: bytesOnDisk(chain), genesis: blockHashOf(first), isCopied };
  }

  async #advance(look: Look, target: CopyEnd, sources: readonly CopyEnd[], signal: AbortSignal): Promise<CopyStep> {
    const { fixed, from } = this.#options;
    const { height, tip } = look.chain;
    const floor = height <= fixed.height ? height : 0;
    if (this.#stuck?.tip === tip) return stalled(this.#stuck.state);
    if (this.#branch.lowest > floor) return await this.#descend(sources, floor, signal);
    if (this.#branch.has(height, tip)) this.#next = height + 1;
    // The target has blocks of its own: all of the branch are copied, and it decides.
    else if (this.#branch.lowest > 0) return await this.#descend(sources, 0, signal);
    else if (this.#branch.at(0) !== look.genesis)
      return stalled(failed(`the chain of network ${from} begins with another block than that of ${target.name}`));
    if (this.#next <= fixed.height) return await this.#copy(sources, target, signal);
    this.#next = 1;
    const state = failed(`${target.name} has a chain of its own with ${height} blocks, which it keeps`);
    this.#stuck = { tip, state };
    return stalled(state);
  }

  async #descend(sources: readonly CopyEnd[], floor: number, signal: AbortSignal): Promise<CopyStep> {
    const walked = await this.#source.descend(sources, this.#branch, floor, signal);
    return areFailures(walked) ? this.#sourceFailed(walked, sources) : { result: again, state: this.#copying() };
  }

  async #copy(sources: readonly CopyEnd[], target: CopyEnd, signal: AbortSignal): Promise<CopyStep> {
    const start = this.#next;
    const blocks = await this.#source.read(sources, this.#branch, start, signal);
    if (areFailures(blocks)) return this.#sourceFailed(blocks, sources);
    const submit = async () => {
      const outcomes = await target.batch(blocks.map(submitCall), signal);
      return blocks.map((_, index) => refusalOf(outcomes[index]));
    };
    const refusals = await tried(target, submit, signal);
    if (refusals instanceof EndFailure) return this.#targetFailed(refusals);
    const refused = refusals.findIndex(refusal => refusal !== undefined);
    this.#next = refused === -1 ? start + blocks.length : 1;
    if (refused !== -1) return stalled(failed(`${target.name} refuses block ${start + refused}: ${refusals[refused]}`));
    this.#done = this.#next - 1;
    return { result: again, state: this.#copying() };
  }

  #copying(why?: string): CopyState {
    return copying(this.#options.fixed, this.#options.from, this.#done, why);
  }

  #targetFailed({ error, message }: EndFailure): CopyStep {
    const isInWarmup = error instanceof BitcoinRpcError && error.code === rpcInWarmup;
    return isInWarmup ? { result: { requeueAfterMs: warmupMs }, state: this.#copying() } : stalled(this.#copying(message));
  }

  #sourceFailed(failures: readonly EndFailure[], sources: readonly CopyEnd[]): CopyStep {
    const { from, maxBytes } = this.#options;
    const [first] = failures;
    if (first?.isOversized === true) return stalled(tooLarge(`network ${from} has a block of more than 1 MiB`, maxBytes));
    const message = first?.message ?? `no node of network ${from} is ready`;
    const isLasting = failures.length === sources.length && failures.every(failure => failure.isLasting);
    return stalled(isLasting ? failed(message) : { reason: 'SourceNotReady', message });
  }
}

const stalled = (state: CopyState): CopyStep => ({ result: later, state });
