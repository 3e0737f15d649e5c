// Which connections of a node are with nodes of its network.
import type { PeerLists } from '../rpc/network.ts';
import { hostOf, type Node } from './peer-plan.ts';

type Peer = PeerLists['peers'][number];

/** A connection with a node of the network. */
export interface Connection {
  readonly ordinal: number;
  /** The other node dialled. */
  readonly isInbound: boolean;
}

interface Directory {
  readonly byIp: ReadonlyMap<string, Node>;
  readonly byName: ReadonlyMap<string, Node>;
}

/** All nodes of a network are asked with the same list of nodes. */
const directories = new WeakMap<readonly Node[], Directory>();

function directoryOf(nodes: readonly Node[]): Directory {
  const known = directories.get(nodes);
  if (known !== undefined) return known;
  const directory = {
    byIp: new Map(nodes.filter(({ ip }) => ip !== '').map(node => [node.ip, node])),
    byName: new Map(nodes.map(node => [node.name, node])),
  };
  directories.set(nodes, directory);
  return directory;
}

/** The node whose address the peer has. */
export const nodeByAddress = (nodes: readonly Node[], { addr }: Peer): Node | undefined =>
  directoryOf(nodes).byIp.get(hostOf(addr));

/**
 * The node that a peer is, by its address or, where source NAT hides that of an inbound connection, by its user agent: a node's has its
 * name as a comment (`-uacomment`). Any peer can use that name, and so do the nodes of a network of the same name elsewhere. So it says
 * whether a node is connected, and is no reason to disconnect it.
 */
export const nodeOfPeer = (nodes: readonly Node[], peer: Peer): Node | undefined =>
  nodeByAddress(nodes, peer) ?? (peer.inbound ? nodeByComment(directoryOf(nodes), peer.subver) : undefined);

/** bitcoind writes comments as in `/Satoshi:29.0.0(one; two)/`. */
function nodeByComment({ byName }: Directory, subver: string): Node | undefined {
  for (const [, comments = ''] of subver.matchAll(/\(([^()]*)\)/g))
    for (const comment of comments.split('; ')) {
      const node = byName.get(comment);
      if (node !== undefined) return node;
    }
  return undefined;
}

/** The connections with nodes of the network, and how many there are with other peers. */
export function observedPeers(
  self: Node,
  nodes: readonly Node[],
  { peers }: PeerLists,
): { readonly connections: readonly Connection[]; readonly outsidePeers: number } {
  const known = peers.flatMap(peer => {
    const node = nodeOfPeer(nodes, peer);
    return node === undefined ? [] : [{ name: node.name, ordinal: node.ordinal, isInbound: peer.inbound }];
  });
  const connections = known.filter(({ name }) => name !== self.name).map(({ ordinal, isInbound }) => ({ ordinal, isInbound }));
  return { connections, outsidePeers: peers.length - known.length };
}
