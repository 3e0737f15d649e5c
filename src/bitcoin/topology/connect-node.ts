// Connects a node of a network to the others: its added-node list gets every other ready node, and each is dialled at once.
import { rpcPort } from '../api/names.ts';
import { failureOf, isDial, noPeers, peerListCalls, peerListsOf } from '../rpc/network.ts';
import {
  BitcoinRpcError,
  BitcoinTransportError,
  type Credentials,
  maxBatchCalls,
  RpcClient,
  rpcInWarmup,
} from '../rpc/rpc-client.ts';
import { shortenAddedNodes } from './long-list.ts';
import { isComplete, type Node, planPeerChanges } from './peer-plan.ts';

/** What a node reported when it was asked last. */
export interface NodeReport {
  readonly node: Node;
  /** Its list has every other ready node, each connected, and no other address. */
  readonly isComplete: boolean;
  /** Absent also if the node is not complete yet, as while bitcoind is starting: it is asked again then. */
  readonly failure?: BitcoinRpcError | BitcoinTransportError;
}

/** Timeout for a bitcoind that hangs. A slow one answers within it. */
const answerTimeoutMs = 15_000;
/**
 * `onetry` waits up to 5 s (-timeout) for a peer that drops packets, one peer after another. A new node gets the time for one: it has
 * not shown yet that it answers at all.
 */
const dialTimeoutMs = 5_000;
const maxBatchTimeoutMs = 60_000;

/** Whether the node gave no answer in time. */
export const isUnresponsive = ({ failure }: NodeReport): boolean =>
  failure instanceof BitcoinTransportError && failure.failure === 'timeout';

/**
 * Asks a node for its peers and changes them if they differ from the plan. Costs one batch, and a second one if the peers differ, unless
 * the node is new: the calls that a new node needs are known without asking. A failure of the node is a value.
 * @throws the reason of `signal` once it has aborted
 */
export async function connectNode(
  node: Node,
  nodes: readonly Node[],
  credentials: Credentials,
  signal: AbortSignal,
): Promise<NodeReport> {
  const client = new RpcClient({ host: node.ip, port: rpcPort, credentials });
  const options = (timeoutMs: number) => ({ timeoutMs, signal });
  try {
    const { isNew = false } = node;
    // A new node answers with its lists as well: if they had other entries, it is not complete and is asked again.
    const lists = isNew ? noPeers : peerListsOf(await client.batch(peerListCalls, options(answerTimeoutMs)));
    // A batch is limited: what is left is done the next time, since the node is not complete until then.
    const changes = planPeerChanges(node, nodes, lists).slice(0, maxBatchCalls - peerListCalls.length);
    if (changes.length === 0 && !isNew) return { node, isComplete: isComplete(node, nodes, lists) };
    const dialsMs = dialTimeoutMs * (isNew ? 1 : changes.filter(isDial).length);
    const timeoutMs = Math.min(maxBatchTimeoutMs, answerTimeoutMs + dialsMs);
    const results = await client.batch([...changes, ...peerListCalls], options(timeoutMs));
    const failure = failureOf(results.slice(0, changes.length));
    if (failure !== undefined) throw failure;
    return { node, isComplete: isComplete(node, nodes, peerListsOf(results.slice(changes.length))) };
  } catch (error) {
    if (error instanceof BitcoinTransportError && error.failure === 'oversized')
      return { node, isComplete: false, failure: await shortened(client, node, nodes, signal, error) };
    if (error instanceof BitcoinRpcError && error.code === rpcInWarmup) return { node, isComplete: false };
    if (error instanceof BitcoinRpcError || error instanceof BitcoinTransportError)
      return { node, isComplete: false, failure: error };
    throw error;
  }
}

/**
 * The failure of a node whose answer is too long to read, after its list has been shortened as far as that is possible at once. Without a
 * stale entry to remove it is not the list that makes the answer too long.
 */
async function shortened(
  client: RpcClient,
  node: Node,
  nodes: readonly Node[],
  signal: AbortSignal,
  failure: BitcoinTransportError,
): Promise<BitcoinRpcError | BitcoinTransportError> {
  try {
    const removed = await shortenAddedNodes(client, node, nodes, signal);
    if (removed === 0) return new BitcoinTransportError('unusable', failure.message, failure);
    const entries = removed === 1 ? '1 entry that is' : `${removed} entries that are`;
    return new BitcoinTransportError('oversized', `${failure.message}; removed ${entries} not the address of a node`);
  } catch (error) {
    if (error instanceof BitcoinRpcError || error instanceof BitcoinTransportError) return failure;
    throw error;
  }
}
