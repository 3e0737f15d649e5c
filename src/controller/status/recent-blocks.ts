// The newest blocks of a network, as its status shows them. Pure.
import type { BitcoinNetworkBlock } from '../../bitcoin/api/bitcoin-network.ts';
import type { ShownBlock } from '../../bitcoin/chain/recent-blocks.ts';
import { definedOnly } from '../../collections/defined-only.ts';

/** @param makers the ordinals of the nodes that made blocks for the controller, by hash */
export function statusBlockOf(
  { height, hash, parent, timeSeconds, transactions, ordinal }: ShownBlock,
  makers: { get(hash: string): number | undefined },
): BitcoinNetworkBlock {
  const time = new Date(timeSeconds * 1_000).toISOString().replace('.000', '');
  return { height, hash, time, transactions, ...definedOnly({ parent, ordinal: ordinal ?? makers.get(hash) }) };
}

/** A time that is none, which only another writer can have written, is taken for 0. */
export const shownBlockOf = ({ time, ...block }: BitcoinNetworkBlock): ShownBlock => ({
  ...block,
  timeSeconds: Math.floor((Date.parse(time) || 0) / 1_000),
});
