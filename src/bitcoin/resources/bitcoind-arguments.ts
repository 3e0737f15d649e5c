// The command line of the nodes of a set. Everything else that bitcoind is given is in its configuration file (bitcoin-conf.ts).
import type { BitcoinNetworkSpec } from '../api/bitcoin-network.ts';
import { type NodeSet, zmqPortOf } from './node-sets.ts';

/** bitcoind's arguments, in their order: those of the chain, then the lines of bitcoinConf. */
export function bitcoindArguments(spec: BitcoinNetworkSpec, set: NodeSet, largestInbound: number): string[] {
  const { challenge, blockTimeSeconds } = spec.signet ?? {};
  const zmqPort = zmqPortOf(set);
  const lines = [
    // As arguments, since bitcoind skips an option of its file that it does not know: it would join another chain.
    ...(challenge ? [`signetchallenge=${challenge}`] : []),
    ...(blockTimeSeconds === undefined ? [] : [`signetblocktime=${blockTimeSeconds}`]),
    ...maxConnections(largestInbound),
    ...(set.settings.zmq?.topics ?? []).map(topic => `zmqpub${topic}=tcp://0.0.0.0:${zmqPort}`),
    ...(set.settings.bitcoinConf ?? []),
  ];
  return lines.map(line => `-${verbatim(line)}`);
}

/** bitcoind's default, and how many of them are not for inbound connections: 11 by bitcoind, and 5 to spare. */
const defaultConnections = 125;
const notInbound = 16;

/** In steps that double, so that a network that grows seldom changes it: each change restarts the nodes. */
function maxConnections(largestInbound: number): string[] {
  if (largestInbound <= defaultConnections - notInbound) return [];
  let connections = defaultConnections;
  while (connections < largestInbound + notInbound) connections *= 2;
  return [`maxconnections=${connections}`];
}

/** Kubernetes replaces `$(NAME)` in arguments by the value of a variable, such as the password, and `$$` by `$`. */
const verbatim = (line: string): string => line.replaceAll('$', () => '$$');
