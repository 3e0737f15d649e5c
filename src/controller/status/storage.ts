// The persistent volumes of a network's nodes in the condition StorageReady: what their pods show of them. Pure.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { isSuspended, resumedSetsOf } from '../../bitcoin/resources/node-sets.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { Problem } from '../diagnosis/pod-problems.ts';
import { reasons } from '../events/reasons.ts';
import { conditionIn, type ConditionState, sameState } from './condition.ts';

/** As images/bitcoind/volume.sh says it. */
const otherChain = /the volume is of another chain/;

/** Undefined without storage, and until the volume of every node has been mounted or one could not be. */
export function storageReady(
  network: BitcoinNetwork,
  nodes: readonly Node[],
  problems: readonly Problem[],
  previous: BitcoinNetworkStatus | undefined,
): ConditionState | undefined {
  const stored = resumedSetsOf(network).filter(({ settings }) => settings.storage !== undefined);
  if (stored.length === 0) return undefined;
  const groups = new Set(stored.map(({ group }) => group));
  const [first] = problems.flatMap(problem => faultOf(problem) ?? []);
  if (first !== undefined) return { status: 'False', ...first };
  const wanted = stored.reduce((sum, set) => sum + set.nodes, 0);
  const ready = nodes.filter(({ group, isReady }) => isReady && groups.has(group)).length;
  if (!isSuspended(network) && ready >= wanted)
    return { status: 'True', reason: 'VolumesReady', message: 'the volumes of all nodes with storage are mounted' };
  const before = conditionIn(previous, 'StorageReady');
  return before && sameState(before);
}

function faultOf({ subject, reason, cause }: Problem): Pick<ConditionState, 'reason' | 'message'> | undefined {
  const message = `${subject}: ${cause}`;
  if (reason === reasons.nodeExited && otherChain.test(cause)) return { reason: 'VolumeOfAnotherChain', message };
  const isOfVolume =
    reason === reasons.volumeMountFailed || (reason === reasons.podUnschedulable && /PersistentVolumeClaim|volume/i.test(cause));
  return isOfVolume ? { reason: 'VolumesNotReady', message } : undefined;
}
