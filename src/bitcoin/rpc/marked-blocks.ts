// Blocks that can be recognised: their reward goes to a script that nothing else uses, so that a node can count those in its chain.
import { createHash } from 'node:crypto';
import type { RpcCall, RpcOutcome } from './rpc-client.ts';
import { BitcoinRpcError, BitcoinTransportError } from './rpc-errors.ts';

const method = 'scantxoutset';
/** RPC_INVALID_PARAMETER: here that another scan is in progress. */
const rpcInvalidParameter = -8;

/**
 * A script that anybody can spend: OP_PUSHBYTES_8 digest OP_DROP OP_TRUE.
 * @param mark what the blocks are for
 */
export function markedScript(mark: readonly (string | number)[]): string {
  const digest = createHash('sha256').update(JSON.stringify(mark)).digest('hex').slice(0, 16);
  return `raw(08${digest}7551)`;
}

/** Looks for the rewards among the unspent outputs, of which a chain of one's own has few. */
export const countMarkedCall = (script: string): RpcCall => ({ method, params: ['start', [script]] });

/**
 * How many blocks of the active chain pay to the script.
 * @throws BitcoinRpcError if bitcoind refused, BitcoinTransportError if the answer has another form
 */
export function markedBlocksOf(outcome: RpcOutcome | undefined): number {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  const { success, unspents } = (outcome?.result ?? {}) as { readonly success?: unknown; readonly unspents?: unknown };
  if (success !== true || !Array.isArray(unspents))
    throw new BitcoinTransportError('unusable', `the result of ${method} has an unexpected form`);
  // A reward may have several outputs to one script only if bitcoind changes how it pays.
  return new Set(unspents.map((unspent: unknown) => (unspent as { readonly height?: unknown } | null)?.height)).size;
}

/** bitcoind does one scan at a time. */
export const isBusyScanning = (error: unknown): boolean => error instanceof BitcoinRpcError && error.code === rpcInvalidParameter;
