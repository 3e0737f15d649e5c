// The headers of the newest blocks of a node's chain: how they are read, and what the answers must look like.
import { blockHashCall, blockHashOf, type ChainState } from './chain-state.ts';
import { type Credentials, type RpcCall, RpcClient, type RpcOutcome } from './rpc-client.ts';

export interface BlockHeader {
  readonly height: number;
  readonly hash: string;
  /** The hash of the block before it. Empty if it is not known. */
  readonly parent: string;
  /** In seconds since 1970. */
  readonly timeSeconds: number;
  readonly transactions: number;
}

export interface HeadersRequest {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  /** The newest block. */
  readonly chain: ChainState;
  /** How many blocks are read at most. */
  readonly count: number;
  /** Hashes of blocks that are not read. */
  readonly known: ReadonlySet<string>;
}

const timeoutMs = 5_000;

/** Costs two batches. @throws BitcoinTransportError as RpcClient.batch; the reason of `signal` once it has aborted */
export async function readHeaders({ chain, count, known, ...node }: HeadersRequest, signal: AbortSignal): Promise<BlockHeader[]> {
  const client = new RpcClient(node);
  const options = { timeoutMs, signal };
  const lowest = Math.max(1, chain.height - count + 1);
  const heights = Array.from({ length: chain.height - lowest }, (_, index) => blockHashCall(lowest + index));
  const below = heights.length === 0 ? [] : await client.batch(heights, options);
  const hashes = [...below.map(blockHashOf), chain.tip].filter(hash => hash !== undefined && !known.has(hash));
  if (hashes.length === 0) return [];
  return (await client.batch(hashes.map(headerCall), options)).flatMap(outcome => headerOf(outcome) ?? []);
}

const headerCall = (hash: string | undefined): RpcCall => ({ method: 'getblockheader', params: [hash] });

/** Undefined if the call failed, or the answer has another form. */
export function headerOf(outcome: RpcOutcome | undefined): BlockHeader | undefined {
  const result: unknown = outcome !== undefined && 'result' in outcome ? outcome.result : undefined;
  const { hash, height, previousblockhash: parent, time, nTx } = (result ?? {}) as Readonly<Record<string, unknown>>;
  const isHeader = isHash(hash) && isHash(parent) && isCount(height) && isCount(time) && isCount(nTx);
  return isHeader ? { height, hash, parent, timeSeconds: time, transactions: nTx } : undefined;
}

/** As far as a status can show it. */
const isCount = (value: unknown): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value < 2 ** 32;
const isHash = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
