// When a node writes its chain to disk. Pure.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import { resumedSetsOf } from '../../bitcoin/resources/node-sets.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';

/** With the time between two looks it is about five minutes. */
const flushAfterMs = 200_000;

/**
 * Whether the node has a volume and should write its chain to disk: what it has not written is lost if it is killed. On a public chain to
 * count the coins takes minutes, and lost blocks come back from its peers.
 * @param sinceMs milliseconds since it did so
 */
export function isFlushDue(network: BitcoinNetwork, { group }: Pick<Node, 'group'>, sinceMs: number): boolean {
  if (sinceMs < flushAfterMs || !chainParametersOf(network.spec).maxTipAge) return false;
  return resumedSetsOf(network).some(set => set.group === group && set.settings.storage !== undefined);
}
