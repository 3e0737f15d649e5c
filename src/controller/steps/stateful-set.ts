// Step: the StatefulSet of a network.
import type { V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { credentialsAnnotation } from '../../bitcoin/api/names.ts';
import { type PodOptions, secretOf, statefulSetFor } from '../../bitcoin/resources/stateful-set.ts';
import type { Applied } from '../../runtime/apply.ts';
import { type Changed, statefulSetEvent } from '../events/transitions.ts';
import type { NetworkState } from '../network-state.ts';
import { statefulSets } from '../resource-types.ts';
import { applyChild, type ChildContext } from './apply-child.ts';
import type { CredentialsState } from './credentials.ts';

/**
 * Applies the StatefulSet, also to change the number of nodes while the credentials are missing.
 * @returns undefined if no StatefulSet exists and there are no credentials: a node would start with the default ones
 */
export async function applyStatefulSet(
  context: ChildContext,
  { statefulSet: state, pods }: NetworkState,
  cached: V1StatefulSet | undefined,
  credentials: CredentialsState,
  podOptions: PodOptions,
): Promise<Applied<V1StatefulSet> | undefined> {
  const { network } = context;
  const current = state.writes.newest(cached);
  pods.note(current);
  if (!credentials.isAvailable && current === undefined) return undefined;
  const desired = desiredStatefulSet(network, current, credentials, podOptions);
  const eventOf = (change: Changed, previous: V1StatefulSet | undefined) => statefulSetEvent(network, change, previous);
  const applied = await applyChild(context, { type: statefulSets, part: 'statefulSet', state, cached, desired, eventOf });
  if ('object' in applied) pods.note(applied.object);
  return applied;
}

/** Without credentials the pods keep those that they have, and with them the Secret that these come from. */
function desiredStatefulSet(
  network: BitcoinNetwork,
  current: V1StatefulSet | undefined,
  credentials: CredentialsState,
  podOptions: PodOptions,
): V1StatefulSet {
  if (credentials.isAvailable) return statefulSetFor(network, credentials.version, podOptions);
  const version = current?.spec?.template.metadata?.annotations?.[credentialsAnnotation];
  return statefulSetFor({ ...network, spec: { ...network.spec, secret: secretOf(current) } }, version, podOptions);
}
