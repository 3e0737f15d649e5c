// FakeChainNode: a node with blocks in memory, whose hashes follow from their headers as bitcoind's do. It answers the calls that copy blocks.
import { createHash } from 'node:crypto';
import type { RpcCall, RpcOutcome } from '../../../src/bitcoin/rpc/rpc-client.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../src/bitcoin/rpc/rpc-errors.ts';

interface Block {
  readonly hash: string;
  readonly previous: string;
  readonly height: number;
  readonly hex: string;
}

const zeros = '00'.repeat(32);
const reversed = (hex: string): string => Buffer.from(hex, 'hex').reverse().toString('hex');
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** A block of that parent. Another `nonce` gives another block. */
function blockOn(previous: string, height: number, nonce: number, bytes = 1): Block {
  const header = Buffer.alloc(80);
  header.write(reversed(previous), 4, 'hex');
  header.writeUInt32LE(height, 72);
  header.writeUInt32LE(nonce, 76);
  const hash = sha256(sha256(header)).reverse().toString('hex');
  return { hash, previous, height, hex: header.toString('hex') + '00'.repeat(bytes) };
}

const genesis = blockOn(zeros, 0, 0);

export class FakeChainNode {
  readonly name: string;
  /** Called with each batch before it is answered; a test may change the chain or throw in it. */
  onBatch: (calls: readonly RpcCall[]) => void = () => undefined;
  /** Replaces results. */
  answer: (call: RpcCall, result: unknown) => unknown = (_, result) => result;
  /** The calls that were made. */
  readonly calls: RpcCall[] = [];
  readonly #blocks = new Map<string, Block>([[genesis.hash, genesis]]);
  #tip = genesis;
  bytes = 1_000;

  constructor(name: string) {
    this.name = name;
  }

  get tip(): { readonly height: number; readonly hash: string } {
    return { height: this.#tip.height, hash: this.#tip.hash };
  }

  /** The hash at that height of the active chain; undefined if it is shorter. */
  at(height: number): string | undefined {
    return this.#at(height)?.hash;
  }

  mine(blocks: number, nonce = 0): void {
    for (let count = 0; count < blocks; count += 1) this.#take(blockOn(this.#tip.hash, this.#tip.height + 1, nonce));
  }

  /** Replaces the last blocks by one more than there were. */
  reorganise(depth: number, nonce: number): void {
    let parent = this.#tip;
    for (let count = 0; count < depth; count += 1) parent = this.#blocks.get(parent.previous) ?? genesis;
    for (let count = 0; count <= depth; count += 1) {
      parent = blockOn(parent.hash, parent.height + 1, nonce);
      this.#take(parent);
    }
  }

  async batch(calls: readonly RpcCall[], signal: AbortSignal): Promise<RpcOutcome[]> {
    await Promise.resolve();
    signal.throwIfAborted();
    this.onBatch(calls);
    this.calls.push(...calls);
    return calls.map(call => {
      try {
        return { result: this.answer(call, this.#resultOf(call)) };
      } catch (error) {
        if (error instanceof BitcoinRpcError) return { error };
        throw error;
      }
    });
  }

  #resultOf({ method, params: [first, verbosity] = [] }: RpcCall): unknown {
    const known = (): Block => {
      const block = this.#blocks.get(String(first));
      if (block === undefined) throw new BitcoinRpcError(method, -5, 'Block not found');
      return block;
    };
    switch (method) {
      case 'getblockchaininfo':
        return { blocks: this.#tip.height, bestblockhash: this.#tip.hash, size_on_disk: this.bytes };
      case 'getblockhash': {
        const block = this.#at(Number(first));
        if (block === undefined) throw new BitcoinRpcError(method, -8, 'Block height out of range');
        return block.hash;
      }
      case 'getblockheader':
        return verbosity === true ? { nTx: 1, previousblockhash: known().previous } : known().hex.slice(0, 160);
      case 'getblock':
        return known().hex;
      case 'submitblock':
        return this.#submit(String(first));
      default:
        throw new BitcoinRpcError(method, -32601, 'Method not found');
    }
  }

  #submit(hex: string): string | null {
    const header = Buffer.from(hex.slice(0, 160), 'hex');
    const hash = sha256(sha256(header)).reverse().toString('hex');
    const previous = reversed(header.toString('hex', 4, 36));
    const parent = this.#blocks.get(previous);
    if (this.#blocks.has(hash)) return 'duplicate';
    if (parent === undefined) return 'prev-blk-not-found';
    this.#take({ hash, previous, height: parent.height + 1, hex });
    return this.#tip.hash === hash ? null : 'inconclusive';
  }

  #take(block: Block): void {
    this.#blocks.set(block.hash, block);
    if (block.height > this.#tip.height) this.#tip = block;
  }

  #at(height: number): Block | undefined {
    let block: Block | undefined = this.#tip;
    if (height > block.height || height < 0) return undefined;
    while (block !== undefined && block.height > height) block = this.#blocks.get(block.previous);
    return block;
  }
}

export const noAnswer = (): never => {
  throw new BitcoinTransportError('timeout', 'no answer within 5000 ms');
};
