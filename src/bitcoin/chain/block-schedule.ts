// Who makes the blocks of a network, and when. Pure: the same seed gives the same producers and intervals at the same heights.
import type { BlockProductionSpec } from '../api/block-production.ts';
import type { Part } from '../topology/partition.ts';
import type { SpecProblem } from '../topology/topology-plan.ts';
import { rangesOf } from '../topology/topology-problems.ts';
import { textHash, topologyHash } from '../topology/topology-hash.ts';

export interface Producer {
  readonly ordinal: number;
  readonly weight: number;
}

/** Nodes that share one chain: the whole network, or a part of one that is cut. */
export interface Side {
  /** The name of the part; empty if the network is not cut. */
  readonly name: string;
  /** Those of its nodes. Default: all nodes of the network. */
  readonly ordinals?: readonly number[];
  readonly producers: readonly Producer[];
  /** Its part of the hash power of the network, above 0. */
  readonly share: number;
}

export interface ProducerPlan {
  readonly producers: readonly Producer[];
  readonly problems: readonly SpecProblem[];
}

/** The producers of the spec that there are; without a list all nodes. */
export function planProducers({ producers }: BlockProductionSpec, ordinals: readonly number[]): ProducerPlan {
  const sorted = ordinals.toSorted((a, b) => a - b);
  if (producers === undefined) return { producers: sorted.map(ordinal => ({ ordinal, weight: 1 })), problems: [] };
  const existing = new Set(ordinals);
  const problems = producers
    .filter(({ ordinal }) => existing.size > 0 && !existing.has(ordinal))
    .map(({ ordinal }): SpecProblem => ({
      reason: 'OrdinalUnknown',
      message: `blockProduction.producers: there is no node ${ordinal} (nodes: ${rangesOf(sorted)})`,
    }));
  const known = producers.filter(({ ordinal }) => existing.has(ordinal)).map(({ ordinal, weight = 1 }) => ({ ordinal, weight }));
  return { producers: known.toSorted((a, b) => a.ordinal - b.ordinal), problems };
}

/** A cut splits the hash power: each side makes blocks with the share of its producers. A part without producers makes none. */
export function sidesOf(producers: readonly Producer[], parts: readonly Part[] | undefined): Side[] {
  const total = weightOf(producers);
  if (total === 0) return [];
  if (parts === undefined) return [{ name: '', producers, share: 1 }];
  return parts
    .map(({ name, ordinals }) => ({ name, ordinals, producers: producers.filter(({ ordinal }) => ordinals.includes(ordinal)) }))
    .filter(side => side.producers.length > 0)
    .map(side => ({ ...side, share: weightOf(side.producers) / total }));
}

const weightOf = (producers: readonly Producer[]): number => producers.reduce((sum, { weight }) => sum + weight, 0);

type Schedule = Pick<BlockProductionSpec, 'intervalSeconds' | 'distribution' | 'selection' | 'seed'>;

/** Two draws at one height must not depend on each other. */
const [forInterval, forProducer] = [0x1000_0000, 0x2000_0000];

/** From 0 to 1, both excluded. */
const drawn = (seed: number, height: number, side: Side, purpose: number): number =>
  (topologyHash(seed, height, textHash(side.name), purpose) + 0.5) / 2 ** 32;

/** How long after the block before it the block of a height is due, in milliseconds. Undefined if none is. */
export function intervalMsOf(
  { intervalSeconds, distribution = 'Fixed', seed = 0 }: Schedule,
  side: Side,
  height: number,
): number | undefined {
  if (intervalSeconds === undefined) return undefined;
  const meanMs = (intervalSeconds * 1_000) / side.share;
  return distribution === 'Fixed' ? meanMs : -Math.log(drawn(seed, height, side, forInterval)) * meanMs;
}

/** The producers of a side in the order in which they are asked for the block of a height: the first that can makes it. */
export function producersFor({ selection = 'RoundRobin', seed = 0 }: Schedule, side: Side, height: number): Producer[] {
  const { producers } = side;
  if (selection === 'RoundRobin') {
    const first = height % producers.length;
    return [...producers.slice(first), ...producers.slice(0, first)];
  }
  const left = [...producers];
  return producers.map((_, attempt) => {
    let at = drawn(seed, height, side, forProducer + attempt) * weightOf(left);
    const found = left.findIndex(({ weight }) => (at -= weight) < 0);
    const [producer] = left.splice(found === -1 ? left.length - 1 : found, 1);
    if (producer === undefined) throw new RangeError('no producer is left');
    return producer;
  });
}

/** bitcoind makes the blocks of a call one after another; one more call is cheap. */
const maxBatch = 100;

/** How many of the initial blocks are made by the next call at a height; 0 if there are all. */
export const initialBatch = ({ initialBlocks = 0 }: BlockProductionSpec, height: number): number =>
  Math.min(maxBatch, Math.max(0, initialBlocks - height));

/** On regtest the reward halves every 150 blocks, and 33 halvings leave nothing of it. */
export const firstBlockWithoutReward = 33 * 150;
