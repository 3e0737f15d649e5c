// Joins the nodes of a network: every node's added-node list holds every other ready node, and each is dialled at once.
// Before it: controller/reconcile.ts with the nodes that exist. After it: rpc-client.ts.
// bitcoind's own loop (CORE net.cpp ThreadOpenAddedConnections) sleeps up to 60 s before it dials an added node: `onetry` does not wait for it.
import { z } from 'zod';
import { Deadline } from '../../time/deadline.ts';
import { rpcPort } from '../resources/resources.ts';
import {
  BitcoinRpcError,
  BitcoinTransportError,
  type Credentials,
  RpcClient,
  type RpcCall,
  type RpcOutcome,
  rpcInWarmup,
} from '../rpc/rpc-client.ts';

/** A bitcoin node as the cluster knows it: a pod of the network. */
export interface Node {
  readonly name: string;
  readonly ordinal: number;
  /** Empty as long as the pod has no address. */
  readonly ip: string;
  readonly isReady: boolean;
  /** The pod is going away; its address will be somebody else's. */
  readonly isTerminating: boolean;
  /** It has come up just now: unless proven otherwise, its lists are empty. */
  readonly isNew?: boolean;
}

/** What a node said about its peers, the parts that matter here. */
export interface PeerLists {
  readonly added: readonly { readonly addednode: string; readonly connected: boolean }[];
  readonly peers: readonly { readonly id: number; readonly addr: string; readonly inbound: boolean }[];
}

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

/** -23: already in the list. -24: not in it. -29: no such connection. The lists are already as they should be. */
const alreadySo = new Set([-23, -24, -29]);

const addedSchema = z.array(z.object({ addednode: z.string(), connected: z.boolean() }));
const peersSchema = z.array(z.object({ id: z.number(), addr: z.string(), inbound: z.boolean() }));
const nobody: PeerLists = { added: [], peers: [] };
const readCalls: readonly RpcCall[] = [{ method: 'getaddednodeinfo' }, { method: 'getpeerinfo' }];

/** The host of `host`, `host:port`, `[v6]:port` or a bare IPv6 address. */
export function hostOf(address: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(address);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  const parts = address.split(':');
  return parts.length === 2 ? (parts[0] ?? address) : address;
}

/**
 * The calls that make a node's peers what they should be; none if they are.
 * An entry goes when no pod of the network has its address any more; a node that is only not ready keeps its entries, so that a
 * probe that failed once does not cut it off.
 */
export function planPeerChanges(self: Node, nodes: readonly Node[], { added, peers }: PeerLists): RpcCall[] {
  const others = nodes.filter(node => node.name !== self.name && node.ip !== '' && node.ip !== self.ip && !node.isTerminating);
  const existing = new Set(others.map(node => node.ip));
  const stale = added.filter(({ addednode }) => !existing.has(hostOf(addednode)));
  const staleHosts = new Set(stale.map(({ addednode }) => hostOf(addednode)));
  const listed = new Map(added.map(({ addednode, connected }) => [hostOf(addednode), connected]));
  const dialled = new Set(peers.filter(({ inbound }) => !inbound).map(({ addr }) => hostOf(addr)));
  const wanted = others.filter(node => node.isReady).map(node => node.ip);
  return [
    // Removed first: bitcoind dials its list in one line, and an address that nobody has costs it 5 s a round. Removing an entry
    // leaves its connection open. The text must be the one that was added.
    ...stale.map(({ addednode }): RpcCall => ({ method: 'addnode', params: [addednode, 'remove'] })),
    ...peers
      .filter(({ addr }) => staleHosts.has(hostOf(addr)))
      .map(({ id }): RpcCall => ({ method: 'disconnectnode', params: ['', id] })),
    ...wanted.filter(ip => !listed.has(ip)).map((ip): RpcCall => ({ method: 'addnode', params: [ip, 'add'] })),
    ...wanted
      .filter(ip => listed.get(ip) !== true && !dialled.has(ip))
      .map((ip): RpcCall => ({ method: 'addnode', params: [ip, 'onetry'] })),
  ];
}

/** Whether a node's list is what planPeerChanges aims at, and every ready peer in it is connected. */
function isComplete(self: Node, nodes: readonly Node[], lists: PeerLists): boolean {
  const ready = new Set(nodes.filter(node => node.isReady).map(node => node.ip));
  const isSettled = ({ addednode, connected }: PeerLists['added'][number]): boolean => connected || !ready.has(hostOf(addednode));
  return planPeerChanges(self, nodes, lists).length === 0 && lists.added.every(isSettled);
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
    // What a new node lacks is sent without asking first. It answers with its lists: if they were not empty, it is not complete and
    // will be asked again.
    const lists = isNew ? nobody : peerLists(await client.batch(readCalls, options(answerTimeoutMs)));
    const changes = planPeerChanges(node, nodes, lists);
    if (changes.length === 0 && !isNew) return { node, isComplete: isComplete(node, nodes, lists) };
    const dials = changes.filter(({ params }) => params?.[1] === 'onetry').length;
    const dialsMs = isNew ? dialTimeoutMs : dialTimeoutMs * dials;
    const timeoutMs = Math.min(maxBatchTimeoutMs, answerTimeoutMs + dialsMs);
    const results = await client.batch([...changes, ...readCalls], options(timeoutMs));
    const failure = results
      .slice(0, changes.length)
      .map(failureOf)
      .find(error => error !== undefined && !alreadySo.has(error.code));
    if (failure !== undefined) throw failure;
    return { node, isComplete: isComplete(node, nodes, peerLists(results.slice(changes.length))) };
  } catch (error) {
    if (error instanceof BitcoinRpcError && error.code === rpcInWarmup) return { node, isComplete: false };
    if (error instanceof BitcoinRpcError || error instanceof BitcoinTransportError)
      return { node, isComplete: false, failure: error };
    throw error;
  }
}

const failureOf = (outcome: RpcOutcome): BitcoinRpcError | undefined => ('error' in outcome ? outcome.error : undefined);

function peerLists([added, peers]: readonly (RpcOutcome | undefined)[]): PeerLists {
  return { added: resultOf(added, addedSchema, 'getaddednodeinfo'), peers: resultOf(peers, peersSchema, 'getpeerinfo') };
}

function resultOf<T>(outcome: RpcOutcome | undefined, schema: z.ZodType<T>, method: string): T {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  const { data, success } = schema.safeParse(outcome?.result);
  if (!success) throw new BitcoinTransportError('unusable', `the result of ${method} is not what bitcoind answers`);
  return data;
}
