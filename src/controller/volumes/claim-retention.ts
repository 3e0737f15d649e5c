// ClaimRetention: keeps the volumes of nodes that do not run when `retention.whenDeleted` becomes Retain. The StatefulSet controller takes
//   a StatefulSet out of the owners of a claim only while the pod of the claim exists; the garbage collector would delete the others with it.
//   A StatefulSet whose policy is about to change is marked first, so that any process finds what is left to do.
import type { V1PersistentVolumeClaim, V1StatefulSet } from '@kubernetes/client-node';
import { ownedClaimsAnnotation } from '../../bitcoin/api/names.ts';
import { isSuspended, resumedSetsOf } from '../../bitcoin/resources/node-sets.ts';
import { isConflict, isNotFound } from '../../kube/api-error.ts';
import { controllerOf } from '../../kube/resource.ts';
import { persistentVolumeClaims, statefulSets } from '../resource-types.ts';
import { isObserved } from '../rollout/observe-rollout.ts';
import { type ClaimsContext, isRefusal, labelledClaimsOf, missingRight, refusalOf } from './claims.ts';
import { storedSetsOf } from './volume-growth.ts';

export interface RetentionObserved {
  /** Why volumes of nodes that do not run may be deleted although the spec keeps them. Default: none may, or it is not known. */
  readonly obstacle?: string | undefined;
  /** After how many milliseconds there may be something new. */
  readonly checkAgainMs?: number;
}

/** The StatefulSets of the network. */
export interface KnownSets {
  /** Undefined if there is none. */
  readonly current: (name: string) => V1StatefulSet | undefined;
  /** Called with each that was written. */
  readonly remember: (name: string, written: V1StatefulSet) => void;
}

/** After a refusal, and after somebody else has changed a claim at the same time. */
const retryMs = { refused: 10_000, conflict: 1_000 } as const;
/** Not that of the applied fields: an apply removes what its manager has set and does not want. */
const manager = 'bitcoin-controller-claims';

export class ClaimRetention {
  readonly #nowMs: () => number;
  #last: { readonly key: string; readonly untilMs: number; readonly observed: RetentionObserved } | undefined;

  /** @param nowMs monotonic milliseconds. Default: performance.now */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * Call before the StatefulSets are applied. Makes no request unless the policy of one changes to Retain, or has not been carried out.
   * @throws an error that is no refusal of the API server
   */
  async align(context: ClaimsContext, sets: KnownSets): Promise<RetentionObserved> {
    const { metadata } = context.network;
    const own = resumedSetsOf(context.network)
      .filter(({ settings: { storage } }) => storage !== undefined && storage.retention?.whenDeleted !== 'Delete')
      .flatMap(({ name }) => sets.current(name) ?? [])
      .filter(set => controllerOf(set)?.uid === metadata.uid);
    try {
      for (const set of own) if (deletesClaims(set) && markOf(set) !== 'true') await mark(context, sets, set, 'true');
    } catch (error) {
      if (isConflict(error) || isNotFound(error) || !isRefusal(error)) throw error;
      return { obstacle: error.message };
    }
    const marked = own.filter(set => isMarked(set) && !deletesClaims(set));
    if (marked.length === 0) return {};
    if (!context.mayExpandVolumes) return withoutRight(context, sets, marked);
    // Until its controller has seen the policy, it may still make it an owner.
    const due = marked.filter(isObserved);
    const key = due.map(({ metadata: { uid, generation } = {} }) => `${uid} ${generation}`).join();
    if (this.#last?.key === key && this.#nowMs() < this.#last.untilMs) return this.#last.observed;
    const observed = due.length === 0 ? {} : await releaseClaims(context, sets, due);
    this.#last = { key, untilMs: this.#nowMs() + (observed.checkAgainMs ?? 0), observed };
    return observed;
  }
}

/** `true`: of any node. `removed`: only of nodes that the spec did not have when all of its nodes ran. */
type Mark = 'true' | 'removed';

const markOf = ({ metadata }: V1StatefulSet): string | undefined => metadata?.annotations?.[ownedClaimsAnnotation];

const isMarked = (set: V1StatefulSet): boolean => markOf(set) !== undefined;

/** Kubernetes releases the claims of the pods that exist when its controller sees the policy, or later: those may be all that there are. */
async function withoutRight(
  context: ClaimsContext,
  sets: KnownSets,
  marked: readonly V1StatefulSet[],
): Promise<RetentionObserved> {
  const left = marked.filter(set => markOf(set) !== 'removed');
  if (isSuspended(context.network)) return left.length === 0 ? {} : { obstacle: missingRight };
  const nodes = new Map(resumedSetsOf(context.network).map(set => [set.name, set.nodes]));
  const released = left.filter(set => runsAll(set, nodes.get(set.metadata?.name ?? '')));
  try {
    for (const set of released) await mark(context, sets, set, 'removed');
  } catch (error) {
    // At the next reconcile, or when the network has been suspended, it is reported.
    if (!isRefusal(error)) throw error;
  }
  return {};
}

/** Whether a pod of each node exists, and the StatefulSet controller has seen the policy with them. */
const runsAll = (set: V1StatefulSet, nodes: number | undefined): boolean =>
  isObserved(set) && set.spec?.replicas === nodes && (set.status?.replicas ?? 0) >= (nodes ?? Infinity);

const deletesClaims = ({ spec }: V1StatefulSet): boolean => spec?.persistentVolumeClaimRetentionPolicy?.whenDeleted === 'Delete';

/** @param value null removes the mark */
async function mark(
  { client, network, signal }: ClaimsContext,
  { remember }: KnownSets,
  { metadata: { name = '', uid } = {} }: V1StatefulSet,
  value: Mark | null,
): Promise<void> {
  const { namespace } = network.metadata;
  const body = { metadata: { uid, annotations: { [ownedClaimsAnnotation]: value } } };
  const options = { patchType: 'merge', fieldManager: manager, signal } as const;
  remember(name, await client.patch(statefulSets, { namespace, name }, body, options));
}

async function releaseClaims(
  context: ClaimsContext,
  sets: KnownSets,
  marked: readonly V1StatefulSet[],
): Promise<RetentionObserved> {
  const byName = new Map(marked.map(set => [set.metadata?.name ?? '', set]));
  const wanted = resumedSetsOf(context.network).filter(({ name }) => byName.has(name));
  try {
    for (const { set, claims } of await labelledClaimsOf(context, storedSetsOf(wanted, sets.current))) {
      const owner = byName.get(set.name);
      if (owner === undefined) continue;
      for (const claim of claims) await release(context, claim, owner.metadata?.uid);
      await mark(context, sets, owner, null);
    }
  } catch (error) {
    // The StatefulSet controller has changed the claim of a pod, or somebody has deleted the claim or the set.
    if (isConflict(error) || isNotFound(error)) return { checkAgainMs: retryMs.conflict };
    if (!isRefusal(error)) throw error;
    return { obstacle: refusalOf(error), checkAgainMs: retryMs.refused };
  }
  return {};
}

/** Removes the StatefulSet from the owners of the claim. */
async function release(
  { client, network, signal }: ClaimsContext,
  { metadata: { name = '', uid, resourceVersion, ownerReferences = [] } = {} }: V1PersistentVolumeClaim,
  owner: string | undefined,
): Promise<void> {
  const kept = ownerReferences.filter(reference => reference.uid !== owner);
  if (kept.length === ownerReferences.length) return;
  const { namespace } = network.metadata;
  const body = { metadata: { uid, resourceVersion, ownerReferences: kept } };
  await client.patch(persistentVolumeClaims, { namespace, name }, body, { patchType: 'merge', signal });
}
