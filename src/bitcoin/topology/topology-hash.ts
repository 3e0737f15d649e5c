// The only source of randomness of a topology: the same seed gives the same graph, on every machine and in every order of the nodes.
import { elementAt } from '../../collections/element-at.ts';

/** A hash from 0 to 2^32 - 1 (murmur3's mixing). `seed` may be any integer from 0 to 2^53 - 1. */
export function topologyHash(seed: number, one: number, two = 0, three = 0): number {
  const seeded = mixed(mixed(0, seed | 0), (seed / 2 ** 32) | 0);
  let hash = mixed(mixed(mixed(seeded, one), two), three);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** A number for a text, for `topologyHash`. */
export const textHash = (text: string): number => Buffer.from(text).reduce((hash, byte) => topologyHash(hash, byte), 0);

function mixed(hash: number, value: number): number {
  let block = Math.imul(value, 0xcc9e2d51);
  block = (block << 15) | (block >>> 17);
  const next = hash ^ Math.imul(block, 0x1b873593);
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}

/** The `count` of the items with the lowest values, lowest first; of equal ones those that come first. */
export function lowest<T>(items: readonly T[], count: number, valueOf: (item: T) => number): T[] {
  const found: T[] = [];
  const values: number[] = [];
  for (const item of items) {
    const value = valueOf(item);
    if (values.length === count && value >= (values.at(-1) ?? 0)) continue;
    let at = values.length;
    while (at > 0 && value < elementAt(values, at - 1)) at -= 1;
    found.splice(at, 0, item);
    values.splice(at, 0, value);
    if (values.length > count) {
      found.pop();
      values.pop();
    }
  }
  return found;
}
