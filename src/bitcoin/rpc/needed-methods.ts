// The RPC methods that the controller calls, for networks whose rpcauth.conf has a whitelist. Pure.
import type { BitcoinNetworkSpec } from '../api/bitcoin-network.ts';

const always = [
  'addnode',
  'disconnectnode',
  'getaddednodeinfo',
  'getblockchaininfo',
  'getblockhash',
  'getchaintips',
  'getnetworkinfo',
  'getpeerinfo',
] as const;

/** The methods that the network needs, by its features. */
export function neededMethods({ blockProduction, storage, groups = [] }: BitcoinNetworkSpec): string[] {
  const isStored = storage !== undefined || groups.some(group => group.storage !== undefined);
  return [...always, ...(blockProduction === undefined ? [] : productionMethods), ...(isStored ? ['gettxoutsetinfo'] : [])];
}

const productionMethods = ['generatetodescriptor', 'getrpcinfo'];
