// Connects a node of a network to the others that should be its peers: those that it dials are dialled at once, and are added to its list.
import { definedOnly } from '../../collections/defined-only.ts';
import { type Reorg, reorgOf } from '../chain/reorg.ts';
import {
  blockCall,
  blockHashCall,
  blockHashOf,
  type ChainState,
  chainStateCall,
  chainStateOf,
  chainTipsCall,
  chainTipsOf,
  knowsBlock,
  versionCall,
  versionOf,
} from '../rpc/chain-state.ts';
import { flush } from '../rpc/flush.ts';
import {
  disconnectNode,
  failureOf,
  isDial,
  isDisconnect,
  noPeers,
  peerListCalls,
  type PeerLists,
  peerListsOf,
} from '../rpc/network.ts';
import { type Credentials, maxBatchCalls, type RpcCall, RpcClient, type RpcOutcome, rpcInWarmup } from '../rpc/rpc-client.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../rpc/rpc-errors.ts';
import { type Connection, observedPeers } from './known-peers.ts';
import { shortenAddedNodes } from './long-list.ts';
import { hostOf, isComplete, type Node, planPeerChanges, staleEntries } from './peer-plan.ts';
import type { PeerTarget } from './peer-target.ts';
import { planTargetChanges, staleTargetEntries } from './target-changes.ts';

/** What a node reported when it was asked last. */
export interface NodeReport {
  readonly node: Node;
  /**
   * Its list has every node that it should have, no other address, and every ready node that this one dials is connected. A connection
   * that another node has to dial may be missing.
   */
  readonly isComplete: boolean;
  /** Absent also if the node is not complete yet, as while bitcoind is starting: it is asked again then. */
  readonly failure?: BitcoinRpcError | BitcoinTransportError;
  /** Its chain. Absent if the node gave no answer. */
  readonly chain?: ChainState;
  /** Hashes of its chain by height, at the heights that it was asked for. */
  readonly hashes?: ReadonlyMap<number, string>;
  /** It has replaced blocks of the chain that it had before. Only the first report after that has it. */
  readonly reorg?: Reorg;
  /** Whether it still knows the tip that it had before, if that is not in its chain any more. If not, its data are others than before. */
  readonly knowsFormer?: boolean;
  /** As in `Satoshi:29.4.2/Knots:20260210`. Absent if it was not asked for. */
  readonly version?: string;
  /** With nodes of the network. Absent if the node gave no answer, or has no target. */
  readonly connections?: readonly Connection[];
  /** It refused the credentials, and accepted the previous ones. */
  readonly hasPreviousCredentials?: boolean;
  /** When it was asked; monotonic milliseconds. The node monitor sets it. */
  readonly askedAtMs?: number;
  /** Whether it has got the call to write its chain to disk. */
  readonly hasFlushed?: boolean;
  /** How many connections it has with peers that are no nodes of the network. Absent if the node gave no answer. */
  readonly outsidePeers?: number;
  /** How many connections it has, whoever the peers are. Absent if the node gave no answer. */
  readonly connectionCount?: number;
}

/** Timeout for a bitcoind that hangs. A slow one answers within it. */
const answerTimeoutMs = 15_000;
/**
 * `onetry` waits up to 5 s (-timeout) for a peer that drops packets, one peer after another. A new node gets the time for one: it has
 * not shown yet that it answers at all.
 */
const dialTimeoutMs = 5_000;
const maxBatchTimeoutMs = 60_000;

interface Look {
  readonly lists: PeerLists;
  readonly chain: ChainState | undefined;
  readonly hashes?: ReadonlyMap<number, string>;
  readonly version?: string | undefined;
}

/** What a look at a node asks for: always its peers and its tip, and more if that is wanted. */
function lookCallsOf({ node, former, compareHeights = [], asksVersion = false }: ConnectRequest) {
  const heights = [...compareHeights, ...(former === undefined ? [] : [former.height])];
  const withVersion = asksVersion || node.isNew === true;
  const calls = [...peerListCalls, chainStateCall, ...heights.map(blockHashCall), ...(withVersion ? [versionCall] : [])];
  return { calls, heights, withVersion };
}

type LookCalls = ReturnType<typeof lookCallsOf>;

/** @throws as peerListsOf and chainStateOf */
function lookOf({ calls, heights, withVersion }: LookCalls, outcomes: readonly RpcOutcome[]): Look {
  const first = peerListCalls.length + 1;
  const hashes = heights.map((height, index) => [height, blockHashOf(outcomes[first + index])] as const);
  return {
    lists: peerListsOf(outcomes),
    chain: chainStateOf(outcomes[peerListCalls.length]),
    hashes: new Map(hashes.filter((entry): entry is readonly [number, string] => entry[1] !== undefined)),
    version: withVersion ? versionOf(outcomes[calls.length - 1]) : undefined,
  };
}

/** A node that has just become ready is not asked first. */
const firstLook: Look = { lists: noPeers, chain: undefined };

/** Whether the node gave no answer in time. */
export const isUnresponsive = ({ failure }: NodeReport): boolean =>
  failure instanceof BitcoinTransportError && failure.failure === 'timeout';

export interface ConnectRequest {
  readonly node: Node;
  /** All nodes of the network. */
  readonly nodes: readonly Node[];
  readonly credentials: Credentials;
  /** Tried in this order if the node refuses the others, as before it is restarted for new ones. Default: none. */
  readonly previousCredentials?: readonly Credentials[] | undefined;
  readonly rpcPort: number;
  /** Absent: every other ready node is a peer, and in the added-node list. */
  readonly target?: PeerTarget | undefined;
  /** Without a target: addresses outside of the network that the added-node list has as well, exactly as given. Default: none. */
  readonly external?: readonly string[] | undefined;
  /** Without a target: the ordinals of nodes that are no peers, as in another part of a cut network. Default: none. */
  readonly apart?: ReadonlySet<number> | undefined;
  /** The chain that it reported before: it is compared with the present one. */
  readonly former?: ChainState | undefined;
  /** The heights at which it is asked for the hashes of its chain. Default: none. */
  readonly compareHeights?: readonly number[];
  /** Whether it is asked for its version. A new node always is. */
  readonly asksVersion?: boolean;
  /** Whether it writes its chain to disk after it has answered. That it cannot is no failure. Default: false. */
  readonly flushes?: boolean;
}

/**
 * Asks a node for its peers and changes them if they differ from what is wanted. Costs one batch, and a second one if the peers differ,
 * unless the node is new: the calls that a new node needs are known without asking. A failure of the node is a value.
 * @throws the reason of `signal` once it has aborted
 */
export async function connectNode(request: ConnectRequest, signal: AbortSignal): Promise<NodeReport> {
  const { credentials, previousCredentials = [] } = request;
  const report = await connectWith(credentials, request, signal);
  if (!isUnauthorized(report)) return report;
  for (const each of previousCredentials) {
    const answered = await connectWith(each, request, signal);
    if (!isUnauthorized(answered))
      return { ...answered, hasPreviousCredentials: !(answered.failure instanceof BitcoinTransportError) };
  }
  return report;
}

/** Whether the node refuses the credentials. */
export const isUnauthorized = ({ failure }: NodeReport): boolean =>
  failure instanceof BitcoinTransportError && failure.failure === 'unauthorized';

async function connectWith(credentials: Credentials, request: ConnectRequest, signal: AbortSignal): Promise<NodeReport> {
  const { node, rpcPort } = request;
  const client = new RpcClient({ host: node.ip, port: rpcPort, credentials });
  const rules = rulesOf(request);
  const options = (timeoutMs: number) => ({ timeoutMs, signal });
  try {
    const { isNew = false } = node;
    // A new node answers with its lists as well: if they had other entries, it is not complete and is asked again.
    const lookCalls = lookCallsOf(request);
    const look = isNew ? firstLook : lookOf(lookCalls, await client.batch(lookCalls.calls, options(answerTimeoutMs)));
    // A batch is limited: what is left is done the next time, since the node is not complete until then.
    const changes = rules.changes(look.lists).slice(0, maxBatchCalls - lookCalls.calls.length);
    const reported = async (seen: Look): Promise<NodeReport> => {
      const flushed = request.flushes === true ? { hasFlushed: await flush(client, options(answerTimeoutMs)) } : {};
      const reorg = await observedReorg(client, request, seen, options(answerTimeoutMs));
      return { ...reportOf(request, rules, seen), ...flushed, ...reorg };
    };
    if (changes.length === 0 && !isNew) return await reported(look);
    const dialsMs = dialTimeoutMs * (isNew ? 1 : changes.filter(isDial).length);
    const timeoutMs = Math.min(maxBatchTimeoutMs, answerTimeoutMs + dialsMs);
    const results = await client.batch([...changes, ...lookCalls.calls], options(timeoutMs));
    const failure = failureOf(results.slice(0, changes.length));
    if (failure !== undefined) throw failure;
    const result = lookOf(lookCalls, results.slice(changes.length));
    return await reported({ ...result, lists: withoutDisconnected(result.lists, changes) });
  } catch (error) {
    if (error instanceof BitcoinTransportError && error.failure === 'oversized')
      return { node, isComplete: false, failure: await shortened(client, rules, signal, error) };
    if (error instanceof BitcoinRpcError && error.code === rpcInWarmup) return { node, isComplete: false };
    if (error instanceof BitcoinRpcError || error instanceof BitcoinTransportError)
      return { node, isComplete: false, failure: error };
    throw error;
  }
}

/** What the peers of a node should be. */
interface PeerRules {
  readonly changes: (lists: PeerLists) => RpcCall[];
  readonly isComplete: (lists: PeerLists) => boolean;
  readonly staleOf: (added: PeerLists['added']) => PeerLists['added'];
}

function rulesOf({ node, nodes, target, external, apart }: ConnectRequest): PeerRules {
  if (target === undefined && apart !== undefined) return rulesWithinPart(node, nodes, apart, external);
  if (target === undefined)
    return {
      changes: lists => planPeerChanges(node, nodes, lists, external),
      isComplete: lists => isComplete(node, nodes, lists, external),
      staleOf: added => staleEntries(node, nodes, added, external),
    };
  return {
    changes: lists => planTargetChanges(node, nodes, target, lists),
    isComplete: lists => planTargetChanges(node, nodes, target, lists).length === 0,
    staleOf: added => staleTargetEntries(node, target, added),
  };
}

/** An address that is removed from the list is disconnected; a node of another part may have dialled as well. */
function rulesWithinPart(
  node: Node,
  nodes: readonly Node[],
  apart: ReadonlySet<number>,
  external?: readonly string[],
): PeerRules {
  const own = nodes.filter(({ ordinal }) => !apart.has(ordinal));
  const hosts = new Set(nodes.filter(({ ordinal, ip }) => apart.has(ordinal) && ip !== '').map(({ ip }) => ip));
  const changes = (lists: PeerLists) => {
    const wanted = planPeerChanges(node, own, lists, external);
    const ids = new Set(wanted.filter(isDisconnect).map(({ params }) => params?.[1]));
    const others = lists.peers.filter(({ addr, id }) => hosts.has(hostOf(addr)) && !ids.has(id));
    return [...wanted, ...others.map(({ id }) => disconnectNode(id))];
  };
  return {
    changes,
    isComplete: lists => changes(lists).length === 0 && isComplete(node, own, lists, external),
    staleOf: added => staleEntries(node, own, added, external),
  };
}

/** Without a target, connections are not reported: in a mesh of 1,000 nodes they would be two million. */
function reportOf(
  { node, nodes, target }: ConnectRequest,
  rules: PeerRules,
  { lists, chain, hashes, version }: Look,
): NodeReport {
  const { connections, outsidePeers } = observedPeers(node, nodes, lists);
  const report = {
    ...{ node, isComplete: rules.isComplete(lists), outsidePeers, connectionCount: lists.peers.length },
    ...(chain === undefined ? {} : { chain }),
    ...(hashes === undefined || hashes.size === 0 ? {} : { hashes }),
    ...(version === undefined ? {} : { version }),
  };
  return target === undefined ? report : { ...report, connections };
}

/** Asks for the branches that the node knows, and for its former tip, only if that is not in its chain any more. */
async function observedReorg(
  client: RpcClient,
  { former }: ConnectRequest,
  { chain, hashes }: Look,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Pick<NodeReport, 'reorg' | 'knowsFormer'>> {
  if (former === undefined || chain === undefined || hashes?.get(former.height) === former.tip) return {};
  const [tips, block] = await client.batch([chainTipsCall, blockCall(former.tip)], options);
  return definedOnly({ reorg: reorgOf(former, chain, chainTipsOf(tips)), knowsFormer: knowsBlock(block) });
}

/** bitcoind closes connections a moment after it was asked to, and lists them until then. */
function withoutDisconnected({ added, peers }: PeerLists, changes: readonly RpcCall[]): PeerLists {
  const disconnected = new Set(changes.filter(isDisconnect).map(({ params }) => params?.[1]));
  return { added, peers: peers.filter(({ id }) => !disconnected.has(id)) };
}

/**
 * The failure of a node whose answer is too long to read, after its list has been shortened as far as that is possible at once. Without a
 * stale entry to remove it is not the list that makes the answer too long.
 */
async function shortened(
  client: RpcClient,
  { staleOf }: PeerRules,
  signal: AbortSignal,
  failure: BitcoinTransportError,
): Promise<BitcoinRpcError | BitcoinTransportError> {
  try {
    const removed = await shortenAddedNodes(client, staleOf, signal);
    if (removed === 0) return new BitcoinTransportError('unusable', failure.message, failure);
    const entries = removed === 1 ? '1 entry that is' : `${removed} entries that are`;
    return new BitcoinTransportError('oversized', `${failure.message}; removed ${entries} not the address of a node`);
  } catch (error) {
    if (error instanceof BitcoinRpcError || error instanceof BitcoinTransportError) return failure;
    throw error;
  }
}
