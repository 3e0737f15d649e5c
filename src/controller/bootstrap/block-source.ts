// BlockSource: the nodes that blocks are read from. One after another is tried, and the one that answered last is asked first.
import type { HashBranch } from '../../bitcoin/chain/hash-branch.ts';
import { blockHashCall, blockHashOf } from '../../bitcoin/rpc/chain-state.ts';
import {
  blockCall,
  blockOf,
  headerCall,
  previousHashOf,
  transactionCountCall,
  transactionCountOf,
} from '../../bitcoin/rpc/copy-blocks.ts';
import type { RpcCall, RpcOutcome } from '../../bitcoin/rpc/rpc-client.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';

/** A node that blocks are read from, or written to. */
export interface CopyEnd {
  readonly name: string;
  /** As RpcClient.batch, within a time limit. */
  batch(calls: readonly RpcCall[], signal: AbortSignal): Promise<readonly RpcOutcome[]>;
}

/** That a node gave no usable answer. */
export class EndFailure {
  readonly name: string;
  readonly error: BitcoinRpcError | BitcoinTransportError;

  constructor(name: string, error: BitcoinRpcError | BitcoinTransportError) {
    this.name = name;
    this.error = error;
  }

  /** Another answer is not to be expected: the node lacks a block. */
  get isLasting(): boolean {
    return this.error instanceof BitcoinRpcError || this.isOversized;
  }

  get isOversized(): boolean {
    return isOversized(this.error);
  }

  get message(): string {
    return `${this.name}: ${this.error.message}`;
  }
}

const isOversized = (error: unknown): boolean => error instanceof BitcoinTransportError && error.failure === 'oversized';

/** How many hashes are read at a time. */
const walkBlocks = 1_000;
/** A transaction has some hundreds of bytes: so that an answer can be read, and bitcoind does not have to build a long one. */
const windowBlocks = 250;
const windowTransactions = 500;
/** More nodes are not tried at a time. */
const maxTried = 4;

/** @returns what `call` returns, or the failure of the node. @throws the reason of the signal once it has aborted */
export async function tried<T>({ name }: CopyEnd, call: () => Promise<T>, signal: AbortSignal): Promise<T | EndFailure> {
  try {
    return await call();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof BitcoinRpcError || error instanceof BitcoinTransportError) return new EndFailure(name, error);
    throw error;
  }
}

export class BlockSource {
  /** How many nodes failed before the one that is asked. */
  #turn = 0;

  /**
   * Reads hashes of the branch below its lowest known one, down to `floor` at most. The active chain only says which headers are worth
   * asking for: where the branch has left it, one header is read at a time.
   */
  async descend(
    nodes: readonly CopyEnd[],
    branch: HashBranch,
    floor: number,
    signal: AbortSignal,
  ): Promise<number | readonly EndFailure[]> {
    return await this.#first(nodes, signal, async node => {
      const { lowest } = branch;
      const heights = Array.from({ length: Math.min(walkBlocks, lowest - floor) - 1 }, (_, index) => lowest - 1 - index);
      const guesses = heights.length === 0 ? [] : await node.batch(heights.map(blockHashCall), signal);
      const hash = branch.at(lowest);
      const hashes = guesses.flatMap(outcome => blockHashOf(outcome) ?? []);
      const [first, ...headers] = await node.batch([hash, ...hashes].map(headerCall), signal);
      const previous = new Map([[hash, previousHashOf(first, hash)]]);
      for (const [index, guess] of hashes.entries()) {
        const outcome = headers[index];
        if (outcome !== undefined && 'result' in outcome) previous.set(guess, previousHashOf(outcome, guess));
      }
      return branch.descend(known => previous.get(known));
    });
  }

  /** The first of the blocks in hexadecimal, at least one: as many as are not too much for one answer. */
  async read(
    nodes: readonly CopyEnd[],
    branch: HashBranch,
    start: number,
    signal: AbortSignal,
  ): Promise<readonly string[] | readonly EndFailure[]> {
    const length = Math.min(windowBlocks, branch.height - start + 1);
    const hashes = Array.from({ length }, (_, index) => branch.at(start + index));
    return await this.#first(nodes, signal, async node => {
      const counts = await node.batch(hashes.map(transactionCountCall), signal);
      let transactions = 0;
      const end = counts.findIndex(outcome => (transactions += transactionCountOf(outcome)) > windowTransactions);
      return await readBlocks(node, end === -1 ? hashes : hashes.slice(0, Math.max(1, end)), signal);
    });
  }

  async #first<T>(
    nodes: readonly CopyEnd[],
    signal: AbortSignal,
    read: (node: CopyEnd) => Promise<T>,
  ): Promise<T | readonly EndFailure[]> {
    const failures: EndFailure[] = [];
    for (let attempt = 0; attempt < Math.min(maxTried, nodes.length); attempt += 1) {
      const node = nodes[this.#turn % nodes.length];
      if (node === undefined) break;
      const outcome = await tried(node, () => read(node), signal);
      if (!(outcome instanceof EndFailure)) return outcome;
      failures.push(outcome);
      this.#turn += 1;
    }
    return failures;
  }
}

/** With fewer of them as long as the answer is too long. */
async function readBlocks(node: CopyEnd, hashes: readonly string[], signal: AbortSignal): Promise<readonly string[]> {
  try {
    const blocks = await node.batch(hashes.map(blockCall), signal);
    return hashes.map((hash, index) => blockOf(blocks[index], hash));
  } catch (error) {
    if (!isOversized(error) || hashes.length === 1) throw error;
    return await readBlocks(node, hashes.slice(0, Math.ceil(hashes.length / 8)), signal);
  }
}

/** Whether the nodes gave nothing. */
export const areFailures = (value: unknown): value is readonly EndFailure[] =>
  Array.isArray(value) && (value.length === 0 || value[0] instanceof EndFailure);
