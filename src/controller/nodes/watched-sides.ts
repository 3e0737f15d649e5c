// Which networks are asked often, and which sides of a network are watched for their next block. Pure.
import type { BitcoinNetwork, BitcoinNetworkSpec } from '../../bitcoin/api/bitcoin-network.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import { resumedSetsOf } from '../../bitcoin/resources/node-sets.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { WatchedSide } from './block-watch.ts';

/**
 * Whether blocks are more frequent than looks at all nodes, so that there is always one on its way: to ask all nodes after each would cost more.
 * @param lookMs between two looks
 */
export const isBusy = (
  { blockProduction: { intervalSeconds = Infinity, paused = false } = {} }: BitcoinNetworkSpec,
  lookMs: number,
): boolean => intervalSeconds * 1_000 < lookMs && !paused;

/** How many blocks are made between two looks, usually. */
export const blocksBetweenLooks = (
  { blockProduction: { intervalSeconds = Infinity } = {} }: BitcoinNetworkSpec,
  lookMs: number,
): number => Math.ceil(lookMs / 1_000 / intervalSeconds);

/** Whether the chains of a network may change, so that its nodes are asked often. @param isEven whether all nodes have the same tip */
export const isLively = ({ partition, blockProduction }: BitcoinNetworkSpec, isEven: boolean): boolean =>
  partition !== undefined || blockProduction !== undefined || !isEven;

/** Whether blocks are made, or chains may come apart, so that the next block should be known at once. */
function isMoving(spec: BitcoinNetworkSpec, isEven: boolean, lookMs: number): boolean {
  if (isBusy(spec, lookMs)) return false;
  const { partition, blockProduction: { intervalSeconds, paused = false } = {} } = spec;
  return partition !== undefined || (intervalSeconds !== undefined && !paused) || !isEven;
}

interface SidedNode {
  readonly node: Node;
  readonly side: string;
  readonly report: NodeReport | undefined;
}

/** Those that have their peers and a chain. The others are asked after their backoff. */
export const answering = <T extends SidedNode>(nodes: Iterable<T>): T[] =>
  [...nodes].filter(({ report }) => report?.isComplete === true && report.chain !== undefined);

/** The groups whose nodes can hold a call and answer others. bitcoind has four threads for calls, or 16 as of version 29, unless bitcoinConf says otherwise. */
const groupsWithThreads = (network: BitcoinNetwork): ReadonlySet<string | undefined> =>
  new Set(
    resumedSetsOf(network)
      .filter(({ settings: { bitcoinConf = [] } }) =>
        bitcoinConf.every(line => Number(/^rpcthreads=(.*)$/.exec(line)?.[1] ?? 4) > 1),
      )
      .map(({ group }) => group),
  );

interface WatchOptions {
  readonly credentials: Credentials;
  readonly isEven: boolean;
  readonly lookMs: number;
  readonly heightOf: (side: string) => number;
}

/** @returns none of a network at rest, and of one whose blocks are nearly as frequent as looks */
export function watchedSidesOf(
  network: BitcoinNetwork,
  nodes: Iterable<SidedNode>,
  { credentials, isEven, lookMs, heightOf }: WatchOptions,
): WatchedSide[] {
  const { spec } = network;
  if (!isMoving(spec, isEven, lookMs)) return [];
  const groups = groupsWithThreads(network);
  const port = chainParametersOf(spec).rpcPort;
  const sides = new Map<string, { host: string; port: number; credentials: Credentials }[]>();
  for (const { side, node } of answering(nodes)) {
    if (!groups.has(node.group)) continue;
    const hosts = sides.get(side) ?? [];
    sides.set(side, hosts);
    hosts.push({ host: node.ip, port, credentials });
  }
  return [...sides].map(([name, hosts]) => ({ name, height: heightOf(name), nodes: hosts }));
}
