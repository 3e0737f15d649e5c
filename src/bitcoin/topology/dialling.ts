// Which end of a connection dials, and which connections are in the dialler's added-node list.
import type { Dial, PlannedEdge } from './topology-plan.ts';

/** bitcoind connects to at most 8 entries of its added-node list (CORE net.h MAX_ADDNODE_CONNECTIONS). */
export const maxListed = 8;

/**
 * Whether a node dials another. It follows from their two ordinals alone, so that it never changes: not with other nodes, not after a
 * restart. The lower one dials if one ordinal is odd and the other even. So all dial equally many in a full mesh: 8 each of 17 nodes.
 */
export const isDialler = (ordinal: number, other: number): boolean => ordinal < other === ((ordinal + other) % 2 === 1);

export const dialOf = (one: number, other: number): Dial =>
  isDialler(one, other) ? { from: one, to: other } : { from: other, to: one };

/** Lists the first edges of each node, lowest `to` first, as far as it has slots: a node with a higher ordinal takes no slot from another. */
export function listed(dials: readonly Dial[], slotsOf: (ordinal: number) => number): PlannedEdge[] {
  const used = new Map<number, number>();
  return [...dials]
    .sort((a, b) => a.from - b.from || a.to - b.to)
    .map(({ from, to }) => {
      const count = used.get(from) ?? 0;
      used.set(from, count + 1);
      return { from, to, isListed: count < Math.min(maxListed, slotsOf(from)) };
    });
}
