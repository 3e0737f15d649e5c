// The RPC methods that the controller calls, for networks whose rpcauth.conf has a whitelist. Pure.
import type { BitcoinNetworkSpec } from '../api/bitcoin-network.ts';

const always = [
  'addnode',
  'disconnectnode',
  'getaddednodeinfo',
  'getblockchaininfo',
  'getblockhash',
  'getblockheader',
  'getchaintips',
  'getnetworkinfo',
  'getpeerinfo',
  'waitforblockheight',
] as const;

const productionMethods = ['generatetodescriptor', 'getrpcinfo'];
const walletMethods = ['createwallet', 'getnewaddress', 'listwalletdir', 'listwallets', 'loadwallet'];

/** The methods that the spec makes necessary. Experiments, and networks that copy the blocks of this one, need more of it. */
export function neededMethods({ blockProduction, bootstrap, storage, wallets = [], groups = [] }: BitcoinNetworkSpec): string[] {
  const isStored = storage !== undefined || groups.some(group => group.storage !== undefined);
  return [
    ...always,
    ...(blockProduction === undefined ? [] : productionMethods),
    ...(bootstrap === undefined ? [] : ['submitblock']),
    ...(isStored ? ['gettxoutsetinfo'] : []),
    ...(wallets.length === 0 ? [] : walletMethods),
  ];
}
