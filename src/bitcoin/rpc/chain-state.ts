// The chain of a node (bitcoind's help section "blockchain"): how it is asked, and what the answer must look like.
import { BitcoinTransportError, type RpcCall, type RpcOutcome } from './rpc-client.ts';

export interface ChainState {
  /** The number of blocks after the genesis block. */
  readonly height: number;
  /** The hash of the block at that height, in lower-case hex. */
  readonly tip: string;
}

export const chainStateCall: RpcCall = { method: 'getblockchaininfo' };

/** @throws BitcoinRpcError if bitcoind answered with an error, BitcoinTransportError if the answer has another form */
export function chainStateOf(outcome: RpcOutcome | undefined): ChainState {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  const { blocks, bestblockhash } = (outcome?.result ?? {}) as { readonly blocks?: unknown; readonly bestblockhash?: unknown };
  const isHeight = typeof blocks === 'number' && Number.isSafeInteger(blocks) && blocks >= 0;
  if (!isHeight || typeof bestblockhash !== 'string' || !/^[0-9a-f]{64}$/.test(bestblockhash))
    throw new BitcoinTransportError('unusable', 'the result of getblockchaininfo has an unexpected form');
  return { height: blocks, tip: bestblockhash };
}
