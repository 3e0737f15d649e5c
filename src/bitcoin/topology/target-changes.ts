// The calls that give a node the peers of its target, and no other node of its network as a peer. Pure.
import { addNode, disconnectNode, type PeerLists } from '../rpc/network.ts';
import type { RpcCall } from '../rpc/rpc-client.ts';
import { nodeByAddress, nodeOfPeer } from './known-peers.ts';
import { hostOf, type Node, stalePeer } from './peer-plan.ts';
import type { PeerTarget } from './peer-target.ts';

type AddedNode = PeerLists['added'][number];
type Peer = PeerLists['peers'][number];

/** The entries of a node's added-node list that are neither those of listed nodes nor external peers. */
export function staleTargetEntries(self: Node, { listed, external }: PeerTarget, added: readonly AddedNode[]): AddedNode[] {
  // Until the new address of a node is known, another one may have its former address.
  const hosts = new Set(listed.map(({ ip }) => ip).filter(ip => ip !== self.ip));
  const addresses = new Set(external);
  return added.filter(({ addednode }) => !hosts.has(hostOf(addednode)) && !addresses.has(addednode));
}

/**
 * The calls that make a node's peers those of its target; none if they are. A planned edge is one connection, which its dialler opens.
 * Connections with peers that are no nodes of the network stay, except those of entries that are removed from the list.
 */
export function planTargetChanges(self: Node, nodes: readonly Node[], target: PeerTarget, lists: PeerLists): RpcCall[] {
  const { added, peers } = lists;
  const stale = staleTargetEntries(self, target, added);
  const entries = new Set(added.map(({ addednode }) => addednode));
  const hosts = new Set(added.map(({ addednode }) => hostOf(addednode)));
  const isConnected = connectedHosts(lists);
  const ready = (dialled: readonly Node[]) =>
    dialled.filter(({ ip, isReady }) => isReady && ip !== '' && ip !== self.ip).map(({ ip }) => ip);
  const listed = ready(target.listed);
  return [
    ...stale.map(({ addednode }) => addNode(addednode, 'remove')),
    ...unwantedPeers(nodes, target, peers, stale).map(({ id }) => disconnectNode(id)),
    ...listed.filter(ip => !hosts.has(ip)).map(ip => addNode(ip, 'add')),
    // bitcoind dials a new entry at once if it has not dialled one lately, and tries it again for as long as it is in the list.
    ...target.external.filter(address => !entries.has(address)).map(address => addNode(address, 'add')),
    ...[...listed, ...ready(target.held)].filter(ip => !isConnected.has(ip)).map(ip => addNode(ip, 'onetry')),
  ];
}

/**
 * The hosts that the node has dialled. Not what the added-node list calls connected: a connection that is being closed still counts there,
 * and the node would be complete without it.
 */
const connectedHosts = ({ peers }: PeerLists): Set<string> =>
  new Set(peers.filter(({ inbound }) => !inbound).map(({ addr }) => hostOf(addr)));

/** What the target says about a node: this node dials it, or is dialled by it, or neither. */
type Role = 'dialled' | 'accepted' | 'none';

function unwantedPeers(
  nodes: readonly Node[],
  { listed, held, accepted, external }: PeerTarget,
  peers: readonly Peer[],
  stale: readonly AddedNode[],
): Peer[] {
  const roles = new Map<string, Role>([
    ...[...listed, ...held].map(({ name }) => [name, 'dialled'] as const),
    ...accepted.map(({ name }) => [name, 'accepted'] as const),
  ]);
  const isStale = stalePeer(stale, external);
  const present = new Set(peers.flatMap(peer => keysOf(nodeOfPeer(nodes, peer), peer)));
  const newest = newestOfEach(nodes, peers);
  return peers.filter(peer => {
    const node = nodeByAddress(nodes, peer);
    // A terminating node closes its connections itself.
    if (node === undefined || node.isTerminating) return isStale(peer);
    const role = roles.get(node.name) ?? 'none';
    if (role === 'none') return true;
    const isPlannedWay = peer.inbound === (role === 'accepted');
    if (isPlannedWay) return newest.get(peerKey(node, peer.inbound)) !== peer;
    // The other way stays until there is the planned one, or its dialler can dial.
    return node.isReady || present.has(peerKey(node, !peer.inbound));
  });
}

const peerKey = ({ name }: Node, inbound: boolean): string => `${name} ${inbound}`;

const keysOf = (node: Node | undefined, { inbound }: Peer): string[] => (node === undefined ? [] : [peerKey(node, inbound)]);

/** The newest connection of each node and way: an older one may be what is left of a process that is gone. bitcoind numbers them. */
function newestOfEach(nodes: readonly Node[], peers: readonly Peer[]): Map<string, Peer> {
  const ascending = [...peers].sort((a, b) => a.id - b.id);
  return new Map(ascending.flatMap(peer => keysOf(nodeByAddress(nodes, peer), peer).map(key => [key, peer] as const)));
}
