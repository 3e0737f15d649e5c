// Makes bitcoind write its chain to disk, so that a node that is killed keeps its blocks.
import type { RpcCall } from './rpc-client.ts';

/** Before bitcoind counts the coins it writes its caches to disk. No hash is computed: the answer does not matter. */
export const flushCall: RpcCall = { method: 'gettxoutsetinfo', params: ['none'] };
