// bitcoind's calls about peers (its help section "network"): how they are asked, and what their answers must look like.
import { maxEntries } from './node-answer.ts';
import type { RpcCall, RpcOutcome } from './rpc-client.ts';
import { type BitcoinRpcError, BitcoinTransportError } from './rpc-errors.ts';

/** The peers of a node: its added-node list and its connections, the parts that matter here. */
export interface PeerLists {
  readonly added: readonly { readonly addednode: string; readonly connected: boolean }[];
  readonly peers: readonly {
    readonly id: number;
    readonly addr: string;
    readonly inbound: boolean;
    /** The user agent that the peer gives, which it may choose freely. Empty until it has given one. */
    readonly subver: string;
  }[];
}

export const noPeers: PeerLists = { added: [], peers: [] };

/** The calls whose outcomes `peerListsOf` reads. */
export const peerListCalls: readonly RpcCall[] = [{ method: 'getaddednodeinfo' }, { method: 'getpeerinfo' }];

/**
 * Reads the outcomes of `peerListCalls`. Stops at the first entry that is wrong, and at a list that is too long.
 * @throws BitcoinRpcError if bitcoind answered a call with an error, BitcoinTransportError if an answer has another form or is too long
 */
export function peerListsOf([added, peers]: readonly (RpcOutcome | undefined)[]): PeerLists {
  return { added: entriesOf(added, 'getaddednodeinfo', addedNode), peers: entriesOf(peers, 'getpeerinfo', peer) };
}

function entriesOf<T>(
  outcome: RpcOutcome | undefined,
  method: string,
  read: (entry: Readonly<Record<string, unknown>>) => T | undefined,
): T[] {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  const unusable = (message: string) => new BitcoinTransportError('unusable', `the result of ${method} ${message}`);
  const list: unknown = outcome?.result;
  if (!Array.isArray(list)) throw unusable('is not a list');
  if (list.length > maxEntries)
    throw new BitcoinTransportError('oversized', `the result of ${method} has more than ${maxEntries} entries`);
  return list.map((entry: unknown, index) => {
    const value = typeof entry === 'object' && entry !== null ? read(entry as Readonly<Record<string, unknown>>) : undefined;
    if (value === undefined) throw unusable(`has an unexpected form at entry ${index}`);
    return value;
  });
}

const addedNode = ({ addednode, connected }: Readonly<Record<string, unknown>>) =>
  typeof addednode === 'string' && typeof connected === 'boolean' ? { addednode, connected } : undefined;

/** bitcoind disconnects a peer with a longer user agent (CORE net_processing.h MAX_SUBVERSION_LENGTH). */
const maxSubverLength = 256;

const peer = ({ id, addr, inbound, subver }: Readonly<Record<string, unknown>>) =>
  typeof id === 'number' && typeof addr === 'string' && typeof inbound === 'boolean'
    ? { id, addr, inbound, subver: typeof subver === 'string' && subver.length <= maxSubverLength ? subver : '' }
    : undefined;

/** The first entries of an answer to getaddednodeinfo of which only the beginning was read, as bitcoind writes them. */
export function addedNodesIn(beginning: string): PeerLists['added'] {
  const added: { addednode: string; connected: boolean }[] = [];
  for (const [, addednode = '', connected] of beginning.matchAll(/\{"addednode":"([^"\\]*)","connected":(true|false)/g)) {
    if (added.length === maxEntries) break;
    added.push({ addednode, connected: connected === 'true' });
  }
  return added;
}

/** `onetry` dials at once; an entry of the list is dialled by bitcoind's own loop, up to 60 s later (CORE net.cpp ThreadOpenAddedConnections). */
export const addNode = (address: string, command: 'add' | 'remove' | 'onetry'): RpcCall => ({
  method: 'addnode',
  params: [address, command],
});

export const isDial = ({ method, params }: RpcCall): boolean => method === 'addnode' && params?.[1] === 'onetry';

export const disconnectNode = (id: number): RpcCall => ({ method: 'disconnectnode', params: ['', id] });

export const isDisconnect = ({ method }: RpcCall): boolean => method === 'disconnectnode';

/** The text must be the one that was given to addnode. */
export const disconnectAddress = (address: string): RpcCall => ({ method: 'disconnectnode', params: [address] });

/** -23: already in the list. -24: not in the list. -29: no such connection. The peers are already as the call wants them. */
const alreadyDone = new Set([-23, -24, -29]);

/** The first of the errors of `addNode` and `disconnectNode` calls that means a failure. */
export const failureOf = (outcomes: readonly RpcOutcome[]): BitcoinRpcError | undefined =>
  outcomes
    .map(outcome => ('error' in outcome ? outcome.error : undefined))
    .find(error => error !== undefined && !alreadyDone.has(error.code));
