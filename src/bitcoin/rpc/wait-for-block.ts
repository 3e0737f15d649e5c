// A call that bitcoind answers when its chain has reached a height: a new block is known at once, without asking for it again and again.
import { chainHeightOf } from './chain-state.ts';
import { type Credentials, RpcClient } from './rpc-client.ts';

/** bitcoind notices only then that nobody waits any more: until then one of its RPC threads is taken. */
export const maxWaitMs = 5_000;
const answerTimeoutMs = 5_000;

export interface BlockWait {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  /** The height that is waited for. */
  readonly height: number;
}

/**
 * Waits until the chain of a node has the height, for `maxWaitMs` at most.
 * @returns the height of its chain, also if it is lower
 * @throws BitcoinRpcError and BitcoinTransportError as RpcClient.batch; the reason of `signal` once it has aborted
 */
export async function waitForBlock({ height, ...node }: BlockWait, signal: AbortSignal): Promise<number> {
  // Over a connection of its own. By height, since with waitfornewblock a block between two calls would be missed.
  const call = { method: 'waitforblockheight', params: [height, maxWaitMs] };
  const [outcome] = await new RpcClient(node).batch([call], { timeoutMs: maxWaitMs + answerTimeoutMs, signal });
  return chainHeightOf(outcome);
}
