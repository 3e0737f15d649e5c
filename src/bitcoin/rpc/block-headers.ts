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
  /** Blocks that are not read, by hash. */
  readonly known: ReadonlyMap<string, Pick<BlockHeader, 'height' | 'parent'>>;
}

const timeoutMs = 5_000;

/**
 * Reads the blocks of the chain that are not known. Costs two batches, and two more if the chain has replaced known blocks.
 * @throws BitcoinTransportError as RpcClient.batch; the reason of `signal` once it has aborted
 */
export async function readHeaders(request: HeadersRequest, signal: AbortSignal): Promise<BlockHeader[]> {
  const { chain, count, known, ...node } = request;
  const client = new RpcClient(node);
  const options = { timeoutMs, signal };
  const read = async (from: number, to: number, last: readonly string[]): Promise<BlockHeader[]> => {
    const heights = Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => blockHashCall(from + index));
    const below = heights.length === 0 ? [] : await client.batch(heights, options);
    const hashes = [...below.map(blockHashOf), ...last].filter(hash => hash !== undefined && !known.has(hash));
    if (hashes.length === 0) return [];
    return (await client.batch(hashes.map(headerCall), options)).flatMap(outcome => headerOf(outcome) ?? []);
  };
  const lowest = Math.max(1, chain.height - count + 1);
  const first = firstAbove(known, lowest, chain.height);
  const newest = await read(first, chain.height - 1, [chain.tip]);
  if (first === lowest || known.has(newest[0]?.parent ?? '')) return newest;
  return [...(await read(lowest, first - 1, [])), ...newest];
}

/** The height above the highest known block below `height`, if the blocks from `lowest` up to that are known; else `lowest`. */
function firstAbove(known: HeadersRequest['known'], lowest: number, height: number): number {
  let highest: Pick<BlockHeader, 'height' | 'parent'> | undefined;
  for (const block of known.values()) if (block.height < height && block.height > (highest?.height ?? 0)) highest = block;
  let at = highest;
  while (at !== undefined && at.height > lowest) at = known.get(at.parent);
  return highest !== undefined && at?.height === lowest ? highest.height + 1 : lowest;
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
