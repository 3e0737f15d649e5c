// Which peers a node should have, and the calls that give it those. Pure.
import { addNode, disconnectNode, type PeerLists } from '../rpc/network.ts';
import type { RpcCall } from '../rpc/rpc-client.ts';

/** A bitcoin node as the cluster knows it: a pod of the network. */
export interface Node {
  readonly name: string;
  readonly ordinal: number;
  /** The group of the node; undefined for none. */
  readonly group?: string;
  /** Empty as long as the pod has no address. */
  readonly ip: string;
  readonly isReady: boolean;
  /** The pod is being deleted; another pod will get its address. */
  readonly isTerminating: boolean;
  /** The node has just become ready: its lists are assumed to be empty. */
  readonly isNew?: boolean;
}

/** Whether calls to the node are expected to be answered. */
export const isReachable = ({ isReady, ip, isTerminating }: Node): boolean => isReady && ip !== '' && !isTerminating;

/** The host of `host`, `host:port`, `[v6]:port` or a bare IPv6 address. */
export function hostOf(address: string): string {
  const bracketed = /^\[(.*)\](?::\d+)?$/.exec(address);
  if (bracketed?.[1] !== undefined) return bracketed[1];
  const colon = address.indexOf(':');
  return colon !== -1 && colon === address.lastIndexOf(':') ? address.slice(0, colon) : address;
}

const othersOf = (self: Node, nodes: readonly Node[]): Node[] =>
  nodes.filter(node => node.name !== self.name && node.ip !== '' && node.ip !== self.ip && !node.isTerminating);

/** The entries of a node's added-node list that are neither the address of another node nor an external peer. */
export function staleEntries(
  self: Node,
  nodes: readonly Node[],
  added: PeerLists['added'],
  external: readonly string[] = [],
): PeerLists['added'] {
  const existing = new Set(othersOf(self, nodes).map(node => node.ip));
  const addresses = new Set(external);
  return added.filter(({ addednode }) => !existing.has(hostOf(addednode)) && !addresses.has(addednode));
}

/** Whether a peer is one of removed entries. Of two external peers of one host, bitcoind names each by the address that was added. */
export function stalePeer(
  stale: PeerLists['added'],
  external: readonly string[],
): (peer: Pick<PeerLists['peers'][number], 'addr'>) => boolean {
  const hosts = new Set(stale.map(({ addednode }) => hostOf(addednode)));
  const wanted = new Set(external);
  return ({ addr }) => hosts.has(hostOf(addr)) && !wanted.has(addr);
}

/**
 * The calls that give a node the peers that it should have: every other ready node and the external peers, and no other address.
 * None if it has them. A node that is only not ready keeps its entries, so that a probe that failed once does not disconnect it.
 */
export function planPeerChanges(
  self: Node,
  nodes: readonly Node[],
  { added, peers }: PeerLists,
  external: readonly string[] = [],
): RpcCall[] {
  const stale = staleEntries(self, nodes, added, external);
  const entries = new Set(added.map(({ addednode }) => addednode));
  const listed = new Map(added.map(({ addednode, connected }) => [hostOf(addednode), connected]));
  const dialled = new Set(peers.filter(({ inbound }) => !inbound).map(({ addr }) => hostOf(addr)));
  const wanted = othersOf(self, nodes)
    .filter(node => node.isReady)
    .map(node => node.ip);
  return [
    // Removed first: bitcoind dials its list entry by entry, and an address that no pod has costs it 5 s a round. Removing an entry
    // leaves its connection open. The text must be the one that was added.
    ...stale.map(({ addednode }) => addNode(addednode, 'remove')),
    ...peers.filter(stalePeer(stale, external)).map(({ id }) => disconnectNode(id)),
    ...wanted.filter(ip => !listed.has(ip)).map(ip => addNode(ip, 'add')),
    // bitcoind dials these by itself.
    ...external.filter(address => !entries.has(address)).map(address => addNode(address, 'add')),
    ...wanted.filter(ip => listed.get(ip) !== true && !dialled.has(ip)).map(ip => addNode(ip, 'onetry')),
  ];
}

/** Whether a node has the peers that planPeerChanges aims at, and every ready peer in its list is connected. */
export function isComplete(self: Node, nodes: readonly Node[], lists: PeerLists, external: readonly string[] = []): boolean {
  const ready = new Set(nodes.filter(node => node.isReady).map(node => node.ip));
  const isSettled = ({ addednode, connected }: PeerLists['added'][number]): boolean => connected || !ready.has(hostOf(addednode));
  return planPeerChanges(self, nodes, lists, external).length === 0 && lists.added.every(isSettled);
}
