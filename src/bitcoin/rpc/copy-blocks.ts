// bitcoind's calls that copy blocks from one node to another. A block's hash is computed from its header, so that no answer is trusted.
import { createHash } from 'node:crypto';
import { printable } from '../../logging/printable.ts';
import type { RpcCall, RpcOutcome } from './rpc-client.ts';
import { BitcoinTransportError } from './rpc-errors.ts';

const headerBytes = 80;
/** Of the header: the hash of the block before it. */
const [previousStart, previousEnd] = [4, 36];

const unusable = (method: string, why: string) => new BitcoinTransportError('unusable', `the result of ${method} ${why}`);

/** @throws BitcoinRpcError if bitcoind answered with an error */
function resultOf(outcome: RpcOutcome | undefined): unknown {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  return outcome?.result;
}

/** bitcoind shows hashes with their bytes in the opposite order. */
const shown = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex');

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** The hash of the block before, of a block that must have the hash. @throws BitcoinTransportError if it has another one */
function previousOf(header: Uint8Array, hash: string, method: string): string {
  if (header.length !== headerBytes || shown(sha256(sha256(header))) !== hash)
    throw unusable(method, `is not that of block ${hash}`);
  return shown(header.subarray(previousStart, previousEnd));
}

/** Fails (-5) for a block that the node does not have. */
export const headerCall = (hash: string): RpcCall => ({ method: 'getblockheader', params: [hash, false] });

/** @returns the hash of the block before. @throws BitcoinRpcError, BitcoinTransportError if it is not the header of that block */
export function previousHashOf(outcome: RpcOutcome | undefined, hash: string): string {
  const hex = resultOf(outcome);
  const header = typeof hex === 'string' && hex.length === 2 * headerBytes ? Buffer.from(hex, 'hex') : Buffer.alloc(0);
  return previousOf(header, hash, 'getblockheader');
}

export const transactionCountCall = (hash: string): RpcCall => ({ method: 'getblockheader', params: [hash, true] });

/** How many transactions a block has. @throws BitcoinRpcError, BitcoinTransportError if the answer has another form */
export function transactionCountOf(outcome: RpcOutcome | undefined): number {
  const { nTx } = (resultOf(outcome) ?? {}) as { readonly nTx?: unknown };
  if (typeof nTx !== 'number' || !Number.isSafeInteger(nTx) || nTx < 1)
    throw unusable('getblockheader', 'has an unexpected form');
  return nTx;
}

/** Fails (-1) for a block that was pruned. */
export const blockCall = (hash: string): RpcCall => ({ method: 'getblock', params: [hash, 0] });

/** The block in hexadecimal. @throws BitcoinRpcError, BitcoinTransportError if it is not that block */
export function blockOf(outcome: RpcOutcome | undefined, hash: string): string {
  const hex = resultOf(outcome);
  if (typeof hex !== 'string' || !/^([0-9a-f][0-9a-f])+$/.test(hex)) throw unusable('getblock', 'has an unexpected form');
  previousOf(Buffer.from(hex.slice(0, 2 * headerBytes), 'hex'), hash, 'getblock');
  return hex;
}

/** It may be repeated: a block that the node has is a duplicate. */
export const submitCall = (block: string): RpcCall => ({ method: 'submitblock', params: [block] });

/** What submitblock answers about a block that the node has now, although it may not be in its active chain. */
const taken: ReadonlySet<unknown> = new Set([null, undefined, 'duplicate', 'inconclusive', 'duplicate-inconclusive']);

const maxRefusalLength = 100;

/** Why the node refuses the block, as in BIP 22; undefined if it has it. @throws BitcoinRpcError if bitcoind answered with an error */
export function refusalOf(outcome: RpcOutcome | undefined): string | undefined {
  const result = resultOf(outcome);
  if (taken.has(result)) return undefined;
  return typeof result === 'string' ? printable(result, maxRefusalLength) : 'an unexpected answer';
}

/** How many bytes the block files of a node have. @throws as resultOf */
export function bytesOnDisk(outcome: RpcOutcome | undefined): number {
  const { size_on_disk: bytes } = (resultOf(outcome) ?? {}) as { readonly size_on_disk?: unknown };
  return typeof bytes === 'number' ? bytes : 0;
}
