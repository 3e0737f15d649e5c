// Heals a node whose added-node list is too long to read. bitcoind takes entries without limit and removes them by name only, so the list is
// read from its beginning, as far as the limits go, and shortened by what is stale there.
import { addedNodesIn, addNode, disconnectAddress, type PeerLists } from '../rpc/network.ts';
import { maxBatchCalls, type RpcClient } from '../rpc/rpc-client.ts';

/** Some 10,000 entries of the usual length, or ten of 100 kB. */
const beginningBytes = 1 << 20;
/** For each of the two calls of a round. */
const roundTimeoutMs = 15_000;
const totalTimeoutMs = 30_000;
/** The next check does more, if it still has to. */
const maxRounds = 8;

/**
 * Removes stale entries, and closes their connections.
 * @param staleOf those of some entries that the list should not have
 * @returns how many were removed; 0 if what makes the answer too long is something else
 * @throws as RpcClient.batch
 */
export async function shortenAddedNodes(
  client: Pick<RpcClient, 'batch' | 'beginningOf'>,
  staleOf: (added: PeerLists['added']) => PeerLists['added'],
  signal: AbortSignal,
): Promise<number> {
  const endsAtMs = performance.now() + totalTimeoutMs;
  let removed = 0;
  for (let round = 0; round < maxRounds; round += 1) {
    const timeoutMs = Math.min(roundTimeoutMs, endsAtMs - performance.now());
    if (timeoutMs <= 0) break;
    const options = { timeoutMs, signal };
    const beginning = await client.beginningOf({ method: 'getaddednodeinfo' }, { ...options, maxBytes: beginningBytes });
    // Two calls an entry at most.
    const stale = staleOf(addedNodesIn(beginning)).slice(0, maxBatchCalls / 2);
    if (stale.length === 0) break;
    const removals = stale.map(({ addednode }) => addNode(addednode, 'remove'));
    const disconnects = stale.filter(({ connected }) => connected).map(({ addednode }) => disconnectAddress(addednode));
    const outcomes = await client.batch([...removals, ...disconnects], options);
    const gone = outcomes.slice(0, removals.length).filter(outcome => 'result' in outcome).length;
    removed += gone;
    if (gone === 0) break;
  }
  return removed;
}
