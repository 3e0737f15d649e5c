// Headers for a node that lacks blocks and does not ask for them. As long as its newest header is older than a day, bitcoind asks only one of its peers
//   for headers (net_processing.cpp, SendMessages), and that one may lack them as well: two new nodes that were connected to each other first wait
//   for a new block, or a quarter of an hour. With a recent header it asks all of its peers.
import { blockHashCall, blockHashOf, type ChainState } from './chain-state.ts';
import { batchWithEither, type NodeAccess } from './either-credentials.ts';
import { maxBatchCalls, type RpcCall, type RpcOutcome } from './rpc-client.ts';

export interface SubmitRequest {
  /** A node that has the blocks, and how many. */
  readonly source: NodeAccess;
  readonly sourceHeight: number;
  /** The node that lacks them, and its chain. */
  readonly target: NodeAccess;
  readonly chain: ChainState;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

const timeoutMs = 2_000;
/** A header that is younger is recent for bitcoind, whose limit is a day. */
const recentMs = 23 * 3_600_000;

/**
 * Submits the headers above the chain of the node up to the first recent one. Costs three small batches if the next one is recent, as on a new
 * network. That the node refuses one is no failure.
 * @returns how many were submitted: none if the chains differ, or if none of the next 1,999 is recent
 * @throws BitcoinTransportError as RpcClient.batch; the reason of `signal` once it has aborted
 */
export async function submitHeaders(request: SubmitRequest, signal: AbortSignal): Promise<number> {
  const { source, sourceHeight, target, chain, nowMs } = request;
  const options = { timeoutMs, signal };
  const hashesAt = async (heights: readonly number[]) =>
    (await batchWithEither(source, heights.map(blockHashCall), options)).map(blockHashOf);
  const headersOf = async (hashes: readonly (string | undefined)[]) =>
    (await batchWithEither(source, hashes.map(headerCall), options)).map(headerOf);
  const isRecent = (header: string | undefined) => header !== undefined && nowMs - timeOf(header) < recentMs;
  const [first, last] = [chain.height + 1, Math.min(sourceHeight, chain.height + maxBatchCalls - 1)];
  if (last < first) return 0;
  const [common, ...ends] = await hashesAt([chain.height, first, last]);
  if (common !== chain.tip) return 0;
  const [next, newest] = await headersOf(ends);
  if (!isRecent(newest)) return 0;
  const range = () => hashesAt(Array.from({ length: last - first + 1 }, (_, index) => first + index));
  const headers = isRecent(next) ? [next] : await headersOf(await range());
  const submitted = headers.slice(0, headers.findIndex(isRecent) + 1).flatMap(header => header ?? []);
  if (submitted.length > 0) await batchWithEither(target, submitted.map(submitCall), options);
  return submitted.length;
}

const headerCall = (hash: string | undefined): RpcCall => ({ method: 'getblockheader', params: [hash, false] });
const submitCall = (header: string): RpcCall => ({ method: 'submitheader', params: [header] });

/** 80 bytes in hex. A signet's has no more. */
function headerOf(outcome: RpcOutcome): string | undefined {
  const header = 'result' in outcome ? outcome.result : undefined;
  return typeof header === 'string' && /^[0-9a-f]{160}$/.test(header) ? header : undefined;
}

/** The time in a header: a number of 32 bits after the version and two hashes. */
const timeOf = (header: string): number => Buffer.from(header.slice(136, 144), 'hex').readUInt32LE() * 1_000;
