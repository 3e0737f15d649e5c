// Step: a StatefulSet of a network.
import type { V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { credentialsAnnotation } from '../../bitcoin/api/names.ts';
import type { NodeSet } from '../../bitcoin/resources/node-sets.ts';
import { secretOf, statefulSetFor, type StatefulSetOptions } from '../../bitcoin/resources/stateful-set.ts';
import type { Applied } from '../../runtime/apply.ts';
import { statefulSetEvent } from '../events/children.ts';
import type { NetworkState } from '../network-state.ts';
import { statefulSets } from '../resource-types.ts';
import { applyChild, type ChildContext } from './apply-child.ts';
import type { CredentialsState } from './credentials.ts';

export interface StatefulSetInput {
  readonly set: NodeSet;
  /** The StatefulSet as the cache has it. */
  readonly cached: V1StatefulSet | undefined;
  readonly credentials: CredentialsState;
  readonly options: StatefulSetOptions;
}

/**
 * Applies the StatefulSet, also to change the number of nodes while the credentials are missing.
 * @returns undefined if no StatefulSet exists and there are no credentials: a node would start with the default ones
 */
export async function applyStatefulSet(
  context: ChildContext,
  networkState: NetworkState,
  { set, cached, credentials, options }: StatefulSetInput,
): Promise<Applied<V1StatefulSet> | undefined> {
  const { network } = context;
  const state = networkState.child('statefulSets', set.name);
  const current = state.writes.newest(cached);
  networkState.pods.note(set.name, current);
  if (!credentials.isAvailable && current === undefined) return undefined;
  const applied = await applyChild(context, {
    ...{ type: statefulSets, part: `statefulSets/${set.name}` as const, state, cached },
    desired: desiredStatefulSet(network, set, current, credentials, options),
    eventOf: (change, previous) => statefulSetEvent(set.name, set.nodes, change, previous),
  });
  if ('object' in applied) networkState.pods.note(set.name, applied.object);
  return applied;
}

/** Without credentials the pods keep those that they have, and with them the Secret that these come from. */
function desiredStatefulSet(
  network: BitcoinNetwork,
  set: NodeSet,
  current: V1StatefulSet | undefined,
  credentials: CredentialsState,
  options: StatefulSetOptions,
): V1StatefulSet {
  if (credentials.isAvailable) return statefulSetFor(network, set, credentials.version, options);
  const version = current?.spec?.template.metadata?.annotations?.[credentialsAnnotation];
  return statefulSetFor({ ...network, spec: { ...network.spec, secret: secretOf(current) } }, set, version, options);
}
