// Makes bitcoind write its chain to disk, so that a node that is killed keeps its blocks.
import type { RpcCall, RpcClient, RpcOptions } from './rpc-client.ts';
import { BitcoinTransportError } from './rpc-errors.ts';

/** Before bitcoind counts the coins it writes its caches to disk. No hash is computed: the answer does not matter. */
const flushCall: RpcCall = { method: 'gettxoutsetinfo', params: ['none'] };

/**
 * @returns whether the node has got the call. One that takes long to answer writes to disk first.
 * @throws the reason of the signal once it has aborted
 */
export async function flush(client: Pick<RpcClient, 'batch'>, options: RpcOptions): Promise<boolean> {
  try {
    await client.batch([flushCall], options);
    return true;
  } catch (error) {
    if (!(error instanceof BitcoinTransportError)) throw error;
    return error.failure === 'timeout';
  }
}
