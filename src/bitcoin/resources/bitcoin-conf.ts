// bitcoind's configuration file, as far as it is the same for all nodes of a network and holds no credentials.
import { type ChainSpec, chainParametersOf } from './chain-parameters.ts';

/**
 * Pure. It ends within the section of the chain: the start script puts the credentials before it, and adds to that section what depends on
 * the machine.
 */
export function bitcoinConf(spec: ChainSpec): string {
  const { chain, rpcPort, p2pPort, isClosed, maxTipAge } = chainParametersOf(spec);
  return `${[
    // As `chain=` a bitcoind that lacks a chain does not start; it would skip `testnet4=1` and join main. regtest is older than `chain=`.
    chain === 'regtest' ? 'regtest=1' : `chain=${chain}`,
    'server=1',
    '# The readiness probe uses REST, which needs no credentials and shows nothing but chain data.',
    'rest=1',
    'datadir=/bitcoin',
    'printtoconsole=1',
    'nodebuglogfile=1',
    ...(maxTipAge ? ownChainLines : publicChainLines),
    ...(isClosed ? closedLines : []),
    'listen=1',
    '',
    `[${chain}]`,
    `port=${p2pPort}`,
    `rpcport=${rpcPort}`,
    'rpcbind=0.0.0.0',
    'rpcallowip=0.0.0.0/0',
    ...(isClosed ? ['# No automatic connections. addnode by RPC works all the same.', 'connect=0'] : []),
  ].join('\n')}\n`;
}

const ownChainLines = [
  '# Small: a test network has small blocks, and many nodes share a machine.',
  'dbcache=4',
  'maxmempool=5',
  '# A chain whose newest block is old is complete all the same: without this a node that is idle for a day stops relaying.',
  'maxtipage=999999999',
];

// bitcoind's own defaults need more than the 1 GiB of memory that a pod has by default.
const publicChainLines = [
  '# For a pod with 1 GiB of memory. With more, raise both in bitcoinConf: the first download is several times faster.',
  'dbcache=100',
  'maxmempool=100',
];

const closedLines = [
  '# A closed network: only the controller adds peers.',
  'dnsseed=0',
  'fixedseeds=0',
  'listenonion=0',
  'natpmp=0',
  'discover=0',
];
