// bitcoind's calls about peers (its help section "network"): how they are asked, and what their answers must look like.
import { z } from 'zod';
import { type BitcoinRpcError, BitcoinTransportError, type RpcCall, type RpcOutcome } from './rpc-client.ts';

/** The peers of a node: its added-node list and its connections, the parts that matter here. */
export interface PeerLists {
  readonly added: readonly { readonly addednode: string; readonly connected: boolean }[];
  readonly peers: readonly { readonly id: number; readonly addr: string; readonly inbound: boolean }[];
}

export const noPeers: PeerLists = { added: [], peers: [] };

/** The calls whose outcomes `peerListsOf` reads. */
export const peerListCalls: readonly RpcCall[] = [{ method: 'getaddednodeinfo' }, { method: 'getpeerinfo' }];

const addedSchema = z.array(z.object({ addednode: z.string(), connected: z.boolean() }));
const peersSchema = z.array(z.object({ id: z.number(), addr: z.string(), inbound: z.boolean() }));

/**
 * Reads the outcomes of `peerListCalls`.
 * @throws BitcoinRpcError if bitcoind answered a call with an error, BitcoinTransportError if an answer has another form
 */
export function peerListsOf([added, peers]: readonly (RpcOutcome | undefined)[]): PeerLists {
  return { added: resultOf(added, addedSchema, 'getaddednodeinfo'), peers: resultOf(peers, peersSchema, 'getpeerinfo') };
}

function resultOf<T>(outcome: RpcOutcome | undefined, schema: z.ZodType<T>, method: string): T {
  if (outcome !== undefined && 'error' in outcome) throw outcome.error;
  const { data, success } = schema.safeParse(outcome?.result);
  if (!success) throw new BitcoinTransportError('unusable', `the result of ${method} has an unexpected form`);
  return data;
}

/** `onetry` dials at once; an entry of the list is dialled by bitcoind's own loop, up to 60 s later (CORE net.cpp ThreadOpenAddedConnections). */
export const addNode = (address: string, command: 'add' | 'remove' | 'onetry'): RpcCall => ({
  method: 'addnode',
  params: [address, command],
});

export const isDial = ({ method, params }: RpcCall): boolean => method === 'addnode' && params?.[1] === 'onetry';

export const disconnectNode = (id: number): RpcCall => ({ method: 'disconnectnode', params: ['', id] });

/** -23: already in the list. -24: not in the list. -29: no such connection. The peers are already as the call wants them. */
const alreadyDone = new Set([-23, -24, -29]);

/** The first of the errors of `addNode` and `disconnectNode` calls that means a failure. */
export const failureOf = (outcomes: readonly RpcOutcome[]): BitcoinRpcError | undefined =>
  outcomes
    .map(outcome => ('error' in outcome ? outcome.error : undefined))
    .find(error => error !== undefined && !alreadyDone.has(error.code));
