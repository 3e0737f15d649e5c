// What follows from the chain of a network: ports, whether it finds peers by itself, and which chains are a network's own.
import { p2pPort, rpcPort } from '../api/names.ts';
import type { BitcoinNetworkSpec } from '../api/bitcoin-network.ts';
import type { Chain } from '../api/chain.ts';

export interface ChainParameters {
  readonly chain: Chain;
  readonly rpcPort: number;
  readonly p2pPort: number;
  /** No node looks for peers: it has those that the controller adds, and those that connect to it. */
  readonly isClosed: boolean;
  /**
   * The chain is the network's own: regtest, or a signet with a challenge of its own. Its newest block may be of any age, which without
   * `maxtipage` a node takes for an unfinished download, and its blocks are few: small caches suffice.
   */
  readonly maxTipAge: boolean;
}

/** CORE chainparamsbase.cpp (RPC) and kernel/chainparams.cpp (P2P). */
const portsOf: Readonly<Record<Chain, { readonly rpcPort: number; readonly p2pPort: number }>> = {
  main: { rpcPort: 8332, p2pPort: 8333 },
  testnet4: { rpcPort: 48332, p2pPort: 48333 },
  signet: { rpcPort: 38332, p2pPort: 38333 },
  regtest: { rpcPort, p2pPort },
};

export type ChainSpec = Pick<BitcoinNetworkSpec, 'chain' | 'signet' | 'peerDiscovery'>;

/** Pure. Without `peerDiscovery` the nodes of a public chain look for peers, and those of a chain of its own do not. */
export function chainParametersOf({ chain = 'regtest', signet, peerDiscovery }: ChainSpec): ChainParameters {
  const isOwnChain = chain === 'regtest' || (chain === 'signet' && Boolean(signet?.challenge));
  const discovery = peerDiscovery ?? (isOwnChain ? 'Disabled' : 'Enabled');
  return { chain, ...portsOf[chain], isClosed: discovery === 'Disabled', maxTipAge: isOwnChain };
}

/** Pure. Whether a block takes work that counts: seconds, and bitcoind goes on with those of a call whose client has gone. */
export const needsWork = ({ chain }: ChainSpec): boolean => chain === 'signet';

/** Pure. Whether nodes that have lost their blocks find them outside the network again. A chain of one's own is nowhere else. */
export function isPublicChain(spec: ChainSpec): boolean {
  const { isClosed, maxTipAge: isOwnChain } = chainParametersOf(spec);
  return !isClosed && !isOwnChain;
}
