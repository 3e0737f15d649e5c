// Connects a node of a network to the others: its added-node list gets every other ready node, and each is dialled at once.
import { Deadline } from '../../time/deadline.ts';
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

export interface NodeReport {
  readonly node: Node;
  /** Its list holds every other ready node, each connected, and nothing else. */
  readonly isComplete: boolean;
  /** Nobody waited for its answer: what was known of it before is no less true. */
  readonly isUnheard?: true;
  /** What was wrong, if anything but patience is asked for. */
  readonly failure?: BitcoinRpcError | BitcoinTransportError;
}

/** A hung bitcoind is given up after this time; one that is only slow answers within it. */
const answerTimeoutMs = 15_000;
/**
 * `onetry` waits up to 5 s (-timeout) for a peer that drops packets, one after another. A new node is given the time for one: it has
 * yet to show that it answers at all.
 */
const dialTimeoutMs = 5_000;
const maxBatchTimeoutMs = 60_000;
/** So much time nodes have that are healthy, and a look that is in a hurry. */
const hurriedLookMs = 1_000;
/** How many nodes of one network are asked at the same time. */
const concurrency = 64;

export interface ConnectOptions {
  readonly signal?: AbortSignal | undefined;
  /** Aborts when there is something newer to do: nodes that have not answered within a second are then left to the next look. */
  readonly hurry?: AbortSignal | undefined;
}

/**
 * Joins the ready nodes, all at once. A node that fails is reported and never keeps the others from being joined.
 * Costs one batch a node, and a second one for a node whose peers must change, unless it is new.
 * @throws the reason of `signal` once it has aborted
 */
export async function connectPeers(
  nodes: readonly Node[],
  credentials: Credentials,
  { signal, hurry }: ConnectOptions = {},
): Promise<NodeReport[]> {
  const startedMs = performance.now();
  const look = new Deadline(undefined, signal);
  const hasten = () => look.extend(Math.max(0, startedMs + hurriedLookMs - performance.now()));
  if (hurry?.aborted === true) hasten();
  else hurry?.addEventListener('abort', hasten, { once: true });
  const connect = async (node: Node): Promise<NodeReport> => {
    try {
      return await connectNode(node, nodes, credentials, look.signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (look.signal.aborted) return { node, isComplete: false, isUnheard: true };
      throw error;
    }
  };
  const waiting = nodes.filter(node => node.isReady && node.ip !== '' && !node.isTerminating);
  const reports: NodeReport[] = [];
  const worker = async (): Promise<void> => {
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) reports.push(await connect(node));
  };
  try {
    await Promise.all(Array.from({ length: Math.min(concurrency, waiting.length) }, worker));
  } finally {
    hurry?.removeEventListener('abort', hasten);
    look.clear();
  }
  return reports.sort((a, b) => a.node.ordinal - b.node.ordinal);
}

async function connectNode(
  node: Node,
  nodes: readonly Node[],
  credentials: Credentials,
  signal: AbortSignal,
): Promise<NodeReport> {
  const client = new RpcClient({ host: node.ip, port: rpcPort, credentials });
  const options = (timeoutMs: number) => ({ timeoutMs, signal });
  try {
    const { isNew = false } = node;
    // The calls that a new node needs are sent without reading its lists first. It answers with its lists: if they had other entries,
    // it is not complete and is asked again.
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

/** The failure of a node whose lists are too long to read, after its list has been shortened as far as that is possible at once. */
async function shortened(
  client: RpcClient,
  node: Node,
  nodes: readonly Node[],
  signal: AbortSignal,
  failure: BitcoinTransportError,
): Promise<BitcoinRpcError | BitcoinTransportError> {
  try {
    const removed = await shortenAddedNodes(client, node, nodes, signal);
    if (removed === 0) return failure;
    const entries = removed === 1 ? '1 entry that is' : `${removed} entries that are`;
    return new BitcoinTransportError('oversized', `${failure.message}; removed ${entries} not the address of a node`);
  } catch (error) {
    if (error instanceof BitcoinRpcError || error instanceof BitcoinTransportError) return failure;
    throw error;
  }
}
