// Step: a StatefulSet of a network.
import type { V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { appliedAnnotation, credentialsAnnotation } from '../../bitcoin/api/names.ts';
import type { NodeSet } from '../../bitcoin/resources/node-sets.ts';
import { rpcAuthOf } from '../../bitcoin/resources/rpc-auth.ts';
import { secretOf, statefulSetFor, type StatefulSetOptions } from '../../bitcoin/resources/stateful-set.ts';
import { isRefused } from '../../kube/api-error.ts';
import type { Applied } from '../../runtime/apply.ts';
import { digestOf, withDigest } from '../../runtime/digest.ts';
import { holds } from '../../runtime/field-comparison.ts';
import { statefulSetEvent } from '../events/children.ts';
import type { ChildState, NetworkState } from '../network-state.ts';
import { statefulSets } from '../resource-types.ts';
import { partitionOf } from '../rollout/observe-rollout.ts';
import type { Gate } from '../rollout/rollout-input.ts';
import { applyChild, type ChildContext, withAppliedDigest } from './apply-child.ts';
import type { CredentialsState } from './credentials.ts';
import { keptAnnotations } from './kept-annotations.ts';
import { scaleRefusedSet } from './scale-refused-set.ts';

export interface StatefulSetInput {
  readonly set: NodeSet;
  /** The StatefulSet as the cache has it. */
  readonly cached: V1StatefulSet | undefined;
  readonly credentials: CredentialsState;
  readonly options: StatefulSetOptions;
  /** It runs no pod, and should not. Default: it does. */
  readonly isStopped?: boolean;
}

/** A StatefulSet before it is applied: its partition is decided when all sets of the network are known. */
export interface PreparedStatefulSet extends StatefulSetInput {
  /** The newest that is known; undefined if there is none. */
  readonly current: V1StatefulSet | undefined;
  /** What is desired is not what was applied last, whatever the partition is. */
  readonly isChanging: boolean;
  /** An older release applied it, without a partition, and wants nothing else. It is not written only for the partition. */
  readonly isUngated: boolean;
  /** It is stopped, and more is changing than the number of its nodes and what becomes of their claims. */
  readonly startsChanged: boolean;
}

/** @returns undefined if no StatefulSet exists and there are no credentials: a node would start with the default ones */
export function prepareStatefulSet(
  network: BitcoinNetwork,
  networkState: NetworkState,
  input: StatefulSetInput,
): PreparedStatefulSet | undefined {
  const { set, cached, credentials } = input;
  const state = networkState.child('statefulSets', set.name);
  const current = state.writes.newest(cached);
  networkState.pods.note(set.name, current);
  if (current === undefined)
    return credentials.isAvailable ? { ...input, current, isChanging: true, isUngated: false, startsChanged: false } : undefined;
  const gate = gateOf(current);
  const unchanged = desiredStatefulSet(network, input, current, digestedOf(gate));
  const isUngated = isApplied(withoutPartition(unchanged), current);
  // Where admission removes the digest, this process knows what it has applied.
  const isKnown =
    isApplied(unchanged, current) ||
    gatesOf(current, state).some(of =>
      state.admitted.isAnswerTo(withAppliedDigest(desiredStatefulSet(network, input, current, of), unchanged)),
    );
  const stopped = () => desiredStatefulSet(network, { ...input, set: { ...set, nodes: 0 } }, current, digestedOf(gate));
  const startsChanged = input.isStopped === true && !isApplied(withPolicyOf(current, stopped()), current);
  return { ...input, current, isUngated, isChanging: !isUngated && !isKnown, startsChanged };
}

/** Applies the StatefulSet, also to change the number of nodes while the credentials are missing or the API server refuses the rest. */
export async function applyStatefulSet(
  context: ChildContext,
  networkState: NetworkState,
  prepared: PreparedStatefulSet,
  planned: Gate,
): Promise<Applied<V1StatefulSet>> {
  const { network } = context;
  const { set, cached, current, isChanging, isUngated } = prepared;
  const state = networkState.child('statefulSets', set.name);
  const wanted = (of: Gate): V1StatefulSet => desiredStatefulSet(network, prepared, current, of);
  const former = gateOf(current);
  const gate = withLowered(planned, former, state);
  const isOther = gatesOf(current, state).some(of => isOtherGate(gate, of));
  const isStep = !isChanging && isOther && isOtherwiseEqual(state, wanted, current);
  // What another writer has raised is lowered as each drift is: after some times with a pause.
  const isOurs =
    gate.partition !== former.partition || gate.maxUnavailable !== 1 || state.maxUnavailable === former.maxUnavailable;
  const desired = wanted(gate);
  const digested = gate.maxUnavailable === undefined ? desired : wanted(digestedOf(gate));
  const shown = isUngated && isAtRest(current) ? withoutPartition : (whole: V1StatefulSet) => whole;
  const applied = await applyChild(context, {
    ...{ type: statefulSets, part: `statefulSets/${set.name}` as const, state, cached },
    kept: keptAnnotations,
    desired: shown(desired),
    digested: shown(digested),
    lasting: withoutPartition(desired),
    isStep: isStep && isOurs,
    // A step of a rollout has events of its own.
    eventOf: (change, previous) =>
      isStep && change === 'updated' ? undefined : statefulSetEvent(set.name, set.nodes, change, previous),
  });
  if ('object' in applied) networkState.pods.note(set.name, applied.object);
  else if (applied.outcome === 'failed' && isRefused(applied.error))
    await scaleRefusedSet(context, networkState, desired, current);
  if (applied.outcome === 'created' || applied.outcome === 'updated' || applied.outcome === 'recreated')
    state.maxUnavailable = gate.maxUnavailable;
  return applied;
}

const isApplied = (desired: V1StatefulSet, current: V1StatefulSet): boolean =>
  digestOf(withDigest(desired, appliedAnnotation), appliedAnnotation) === digestOf(current, appliedAnnotation);

/** With the policy for claims that the StatefulSet has: no pod depends on it, and a suspension changes it. */
function withPolicyOf(current: V1StatefulSet, desired: V1StatefulSet): V1StatefulSet {
  const { spec } = desired;
  const wanted = spec?.persistentVolumeClaimRetentionPolicy;
  if (spec === undefined || wanted === undefined) return desired;
  // A cluster without such policies drops it.
  const policy = { ...wanted, ...(current.spec?.persistentVolumeClaimRetentionPolicy ?? { whenScaled: 'Retain' }) };
  return { ...desired, spec: { ...spec, persistentVolumeClaimRetentionPolicy: policy } };
}

const gateOf = (current: V1StatefulSet | undefined): Gate => {
  const maxUnavailable = current?.spec?.updateStrategy?.rollingUpdate?.maxUnavailable;
  return { partition: partitionOf(current), maxUnavailable: typeof maxUnavailable === 'number' ? maxUnavailable : undefined };
};

/** With the number of the StatefulSet, and with that of the last write: the cluster may have dropped it, and another writer changed it. */
const gatesOf = (current: V1StatefulSet | undefined, { maxUnavailable }: ChildState<V1StatefulSet>): readonly Gate[] => [
  gateOf(current),
  { ...gateOf(current), maxUnavailable },
];

/**
 * A number that the StatefulSet has is lowered to 1 by name as long as the partition stays: the set would hold what is wanted without it. The
 * next partition comes without it.
 */
function withLowered({ partition, maxUnavailable = 1 }: Gate, former: Gate, state: ChildState<V1StatefulSet>): Gate {
  if (maxUnavailable > 1) return { partition, maxUnavailable };
  const isRaised = (former.maxUnavailable ?? 1) > 1 || state.maxUnavailable === 1;
  return partition === former.partition && isRaised ? { partition, maxUnavailable: 1 } : { partition };
}

/** Clusters without the feature MaxUnavailableStatefulSet drop that field. */
const digestedOf = ({ partition }: Gate): Gate => ({ partition });

const isOtherGate = (one: Gate, other: Gate): boolean =>
  one.partition !== other.partition || (one.maxUnavailable ?? 1) !== (other.maxUnavailable ?? 1);

/** Nothing but the gate is to be changed. */
function isOtherwiseEqual(
  state: ChildState<V1StatefulSet>,
  wanted: (gate: Gate) => V1StatefulSet,
  current: V1StatefulSet | undefined,
): boolean {
  if (current === undefined) return false;
  if (holds(wanted(gateOf(current)), current)) return true;
  return gatesOf(current, state).some(gate =>
    state.admitted.explains(withAppliedDigest(wanted(gate), wanted(digestedOf(gate))), current),
  );
}

/** Nobody changed the pod template since the last rollout: `kubectl rollout restart` does. */
const isAtRest = (current: V1StatefulSet | undefined): boolean =>
  current?.status?.currentRevision === current?.status?.updateRevision;

/** As a release without rollouts has it. */
function withoutPartition({ spec, ...rest }: V1StatefulSet): V1StatefulSet {
  if (spec === undefined) return rest;
  const others = { ...spec };
  delete others.updateStrategy;
  return { ...rest, spec: others };
}

/** Without credentials the pods keep those that they have, and with them the Secrets that these come from. */
function desiredStatefulSet(
  network: BitcoinNetwork,
  { set, credentials, options: given }: StatefulSetInput,
  current: V1StatefulSet | undefined,
  gate: Gate,
): V1StatefulSet {
  const options = { ...given, ...gate };
  if (credentials.isAvailable) return statefulSetFor(network, set, credentials.version, options);
  const version = current?.spec?.template.metadata?.annotations?.[credentialsAnnotation];
  const spec = { ...network.spec, secret: secretOf(current) };
  const rpcAuth = rpcAuthOf(current);
  if (rpcAuth === undefined) delete spec.rpcAuth;
  else spec.rpcAuth = rpcAuth;
  return statefulSetFor({ ...network, spec }, set, version, options);
}
