// The persistent volumes of a network's nodes in the condition StorageReady, and in events. Pure.
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { parseNodeName } from '../../bitcoin/api/names.ts';
import { configurationMount } from '../../bitcoin/resources/config-map.ts';
import { isSuspended, type NodeSet, resumedSetsOf } from '../../bitcoin/resources/node-sets.ts';
import { rpcAuthMount } from '../../bitcoin/resources/rpc-auth.ts';
import { configurationVolumeName } from '../../bitcoin/resources/stateful-set.ts';
import { dataVolume } from '../../bitcoin/resources/storage.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import type { Problem } from '../diagnosis/pod-problems.ts';
import { reasons } from '../events/reasons.ts';
import { sentence } from '../events/sentence.ts';
import type { Growth } from '../volumes/volume-growth.ts';
import { isExpansion } from '../volumes/volume-expansion.ts';
import { conditionIn, type ConditionState, sameState } from './condition.ts';
import type { Observation, PausedObservation } from './observation.ts';

/** As it was while nothing of the spec is applied. */
export function storageIn(
  network: BitcoinNetwork,
  observation: Observation | PausedObservation,
  previous: BitcoinNetworkStatus | undefined,
): Pick<BitcoinNetworkStatus, 'storage'> {
  if ('isPaused' in observation) return previous?.storage === undefined ? {} : { storage: previous.storage };
  const sets = resumedSetsOf(network);
  const withNodes = sets.filter(({ nodes }) => nodes > 0);
  const kinds = new Set(
    (withNodes.length > 0 ? withNodes : sets).map(({ settings }) =>
      settings.storage === undefined ? ('Ephemeral' as const) : ('Persistent' as const),
    ),
  );
  const [kind = 'Ephemeral'] = kinds;
  return { storage: kinds.size > 1 ? 'Mixed' : kind };
}

/** As images/bitcoind/volume.sh says it. */
const otherChain = /the volume is of another chain/;

/** The StatefulSet controller creates the claim of a pod before the pod: "failed to create PVC data-x-sts-0: …". */
const claimRefused = /\bPVC\b|persistentvolumeclaim/i;

type Observed = Pick<Observation, 'nodes' | 'problems' | 'growth' | 'unkept'>;

/** Undefined without storage, and until the volume of every node has been mounted or one could not be. */
export function storageReady(
  network: BitcoinNetwork,
  observed: Observed,
  previous: BitcoinNetworkStatus | undefined,
): ConditionState | undefined {
  const state = stateOf(network, observed, previous);
  // A refusal has an event, which another message would repeat.
  if (state === undefined || isExpansion(state.reason)) return state;
  const [message = ''] = state.message.split(unkeptText, 1);
  return { ...state, message: observed.unkept === undefined ? message : `${message}${unkeptText}${observed.unkept}` };
}

/** Before the cause. */
const unkeptText =
  '; volumes of nodes that do not run may still be deleted with the network, since retention.whenDeleted was Delete: ';

function stateOf(
  network: BitcoinNetwork,
  { nodes, problems, growth }: Observed,
  previous: BitcoinNetworkStatus | undefined,
): ConditionState | undefined {
  const stored = resumedSetsOf(network).filter(({ settings }) => settings.storage !== undefined);
  if (stored.length === 0) return undefined;
  const groups = new Set(stored.map(({ group }) => group));
  const faults = problems.flatMap(problem => {
    const node = parseNodeName(network, problem.subject);
    const set = node === undefined ? undefined : stored.find(({ group }) => group === node.group);
    return node !== undefined && set === undefined ? [] : (faultOf(problem, otherVolumesOf(set)) ?? []);
  });
  const foreign = faults.find(({ reason }) => reason === 'VolumeOfAnotherChain');
  // Volumes grow only while this reports it; the cause of a pod that is not ready is in Ready as well.
  const first = growth === undefined ? (foreign ?? faults[0]) : withFault(growth, foreign);
  if (first !== undefined) return { status: 'False', ...first };
  const wanted = stored.reduce((sum, set) => sum + set.nodes, 0);
  const ready = nodes.filter(({ group, isReady }) => isReady && groups.has(group)).length;
  if (!isSuspended(network) && ready >= wanted)
    return { status: 'True', reason: 'VolumesReady', message: 'the volumes of all nodes with storage are mounted' };
  const before = conditionIn(previous, 'StorageReady');
  if (isExpansion(before?.reason))
    return { status: 'True', reason: 'VolumesReady', message: 'all volumes have the size that the spec asks for' };
  return before && sameState(before);
}

const withFault = ({ reason, message }: Growth, fault: { readonly message: string } | undefined) => ({
  reason,
  message: fault === undefined ? message : `${message}; ${fault.message}`,
});

/** The volumes of the pods that are not of a claim which the set makes. */
const otherVolumesOf = (set: NodeSet | undefined): ReadonlySet<string> =>
  new Set([
    ...[configurationVolumeName, configurationMount.volumeMount.name, rpcAuthMount.name],
    ...(set?.settings.podTemplate?.spec?.volumes ?? []).map(({ name }) => name),
  ]);

/**
 * Whether the kubelet may speak of the data. It names the volumes that the pod waits for as the pod does, and the one that failed so too,
 * unless that is of a claim: then by the PersistentVolume. A driver that cannot provision one names no volume.
 */
function mayBeOfData(cause: string, others: ReadonlySet<string>): boolean {
  const [, unmounted] = /\bunmounted volumes=\[([^\]]*)\]/.exec(cause) ?? [];
  if (unmounted !== undefined) return unmounted.split(/[\s,]+/).includes(dataVolume);
  const named = [...cause.matchAll(/\bfor volume "([^"]+)"/g)].map(([, name = '']) => name);
  return named.length === 0 || named.some(name => !others.has(name) && !name.startsWith('kube-api-access-'));
}

function faultOf(
  { subject, reason, cause }: Problem,
  others: ReadonlySet<string>,
): Pick<ConditionState, 'reason' | 'message'> | undefined {
  const message = `${subject}: ${cause}`;
  if (reason === reasons.nodeExited && otherChain.test(cause)) return { reason: 'VolumeOfAnotherChain', message };
  const isOfVolume =
    (reason === reasons.podCreateFailed && claimRefused.test(cause)) ||
    (reason === reasons.volumeMountFailed && mayBeOfData(cause, others)) ||
    (reason === reasons.podUnschedulable && /PersistentVolumeClaim|volume/i.test(cause));
  return isOfVolume ? { reason: 'VolumesNotReady', message } : undefined;
}

/** The end of an expansion, or why there is none. */
export function storageEvents(previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): PendingEvent[] {
  const [was, is] = [conditionIn(previous, 'StorageReady'), conditionIn(status, 'StorageReady')];
  if (is?.reason === 'ExpansionRefused' && was?.message !== is.message)
    return [{ type: 'Warning', reason: reasons.volumeExpansionFailed, message: sentence(is.message) }];
  if (is === undefined || isExpansion(is.reason) || !isExpansion(was?.reason)) return [];
  return [{ type: 'Normal', reason: reasons.volumesExpanded, message: 'All volumes have the size that the spec asks for' }];
}
