// The chain of a node (bitcoind's help section "blockchain") and its version: how they are asked, and what the answers must look like.
import { printable } from '../../logging/printable.ts';
import type { RpcCall, RpcOutcome } from './rpc-client.ts';
import { BitcoinTransportError } from './rpc-errors.ts';

export interface ChainState {
  /** The number of blocks after the genesis block. */
  readonly height: number;
  /** The hash of the block at that height, in lower-case hex. */
  readonly tip: string;
  /** The time in the header of that block, in seconds since 1970. Undefined if bitcoind does not report it, as before version 23. */
  readonly timeSeconds?: number;
  /** The size of its files of blocks. Undefined if bitcoind does not report it. */
  readonly bytes?: number;
}

export const chainStateCall: RpcCall = { method: 'getblockchaininfo' };

/** @throws BitcoinRpcError if bitcoind answered with an error, BitcoinTransportError if the answer has another form */
export function chainStateOf(outcome: RpcOutcome | undefined): ChainState {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  const { blocks, bestblockhash, time, size_on_disk: bytes } = (outcome?.result ?? {}) as Readonly<Record<string, unknown>>;
  if (!isHeight(blocks) || !isHash(bestblockhash))
    throw new BitcoinTransportError('unusable', 'the result of getblockchaininfo has an unexpected form');
  const known = { height: blocks, tip: bestblockhash, ...(isHeight(bytes) ? { bytes } : {}) };
  return isHeight(time) ? { ...known, timeSeconds: time } : known;
}

/** The height in the answer to a call that waits for a block. @throws as chainStateOf */
export function chainHeightOf(outcome: RpcOutcome | undefined): number {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  const { height } = (outcome?.result ?? {}) as Readonly<Record<string, unknown>>;
  if (!isHeight(height)) throw new BitcoinTransportError('unusable', 'the answer has no height');
  return height;
}

const isHeight = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** Fails (-8) for a height that the chain does not have. */
export const blockHashCall = (height: number): RpcCall => ({ method: 'getblockhash', params: [height] });

/** Undefined if the chain has no block at that height, or the answer has another form. */
export const blockHashOf = (outcome: RpcOutcome | undefined): string | undefined =>
  outcome !== undefined && 'result' in outcome && isHash(outcome.result) ? outcome.result : undefined;

/** The end of a branch that a node knows. */
export interface ChainTip {
  readonly height: number;
  readonly hash: string;
  /** The blocks of the branch that are not in the active chain; 0 for the active chain. */
  readonly branchLength: number;
  /** As bitcoind spells it: active, valid-fork, valid-headers, headers-only, invalid. A valid-fork was the active chain once, or could be it. */
  readonly status: string;
}

export const chainTipsCall: RpcCall = { method: 'getchaintips' };

/** Entries of another form are left out. Empty if the call failed. */
export function chainTipsOf(outcome: RpcOutcome | undefined): ChainTip[] {
  const tips: unknown = outcome !== undefined && 'result' in outcome ? outcome.result : undefined;
  if (!Array.isArray(tips)) return [];
  return tips.flatMap((entry: unknown) => {
    const { height, hash, branchlen, status } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    const isTip = isHeight(height) && isHash(hash) && isHeight(branchlen) && typeof status === 'string';
    return isTip ? [{ height, hash, branchLength: branchlen, status }] : [];
  });
}

export const blockCall = (hash: string): RpcCall => ({ method: 'getblockheader', params: [hash] });

const rpcNotFound = -5;

/**
 * Whether the node has had the block: also one that is not in its chain any more, as after a reorganisation or `invalidateblock`. A header
 * alone is no block. Undefined if the call failed otherwise.
 */
export function knowsBlock(outcome: RpcOutcome | undefined): boolean | undefined {
  if (outcome === undefined) return undefined;
  if ('error' in outcome) return outcome.error.code === rpcNotFound ? false : undefined;
  return (outcome.result as { readonly nTx?: unknown } | null)?.nTx !== 0;
}

export const versionCall: RpcCall = { method: 'getnetworkinfo' };

const maxVersionLength = 64;

/** The user agent without comments, as in `Satoshi:29.4.2/Knots:20260210`. Undefined if the call failed. */
export function versionOf(outcome: RpcOutcome | undefined): string | undefined {
  const result = outcome !== undefined && 'result' in outcome ? outcome.result : undefined;
  const { subversion } = (result ?? {}) as { readonly subversion?: unknown };
  if (typeof subversion !== 'string') return undefined;
  const version = subversion.slice(0, 4 * maxVersionLength).replaceAll(/\([^()]*\)|^\/|\/$/g, '');
  return printable(version, maxVersionLength);
}
