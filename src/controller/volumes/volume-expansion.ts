// VolumeExpansion: lets the volumes of a network grow to the size of its spec. First the claims, then the StatefulSet, which cannot change
//   and is recreated with its pods left alone. What has been done is read from the claims and the StatefulSet, never remembered.
import type { V1PersistentVolumeClaim, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { podLabel } from '../../bitcoin/api/names.ts';
import { resumedSetsOf } from '../../bitcoin/resources/node-sets.ts';
import { apiStatusCode, isConflict, isNotFound } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { persistentVolumeClaims } from '../resource-types.ts';
import { conditionIn } from '../status/condition.ts';
import {
  asksForLess,
  type Growth,
  growthOf,
  isBound,
  isClaimOf,
  isGrowing,
  type StoredSet,
  storedSetsOf,
} from './volume-growth.ts';

export interface ExpansionContext {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'patch'>;
  readonly network: BitcoinNetwork;
  /** The controller has the rights to read and change claims. */
  readonly mayExpandVolumes: boolean;
  readonly signal: AbortSignal;
}

export interface VolumesObserved {
  /** The size that the claim template of a StatefulSet keeps for now, by its name. */
  readonly keptSizes: ReadonlyMap<string, string>;
  /** Undefined if all volumes have the size of the spec. */
  readonly growth?: Growth | undefined;
  /** After how many milliseconds there may be something new. */
  readonly checkAgainMs?: number;
}

/** How often claims are read while a driver makes volumes larger, and after a refusal. */
const checkMs = { Expanding: 2_000, ExpansionRefused: 10_000 } as const;
/** Until the status is written. */
const announcedMs = 50;

const missingRight = 'the controller may not read and change PersistentVolumeClaims (chart value rbac.persistentVolumeClaims)';

export class VolumeExpansion {
  readonly #nowMs: () => number;
  #last: { readonly key: string; readonly untilMs: number; readonly observed: VolumesObserved } | undefined;

  /** @param nowMs monotonic milliseconds. Default: performance.now */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * Takes the next steps. Without volumes that have to grow it makes no request.
   * @param current the StatefulSet of a name, undefined if there is none
   * @throws an error that is no refusal of the API server
   */
  async expand(context: ExpansionContext, current: (name: string) => V1StatefulSet | undefined): Promise<VolumesObserved> {
    const { metadata, status } = context.network;
    const sets = storedSetsOf(resumedSetsOf(context.network), current);
    const growing = sets.filter(isGrowing);
    const isAnnounced = isExpansion(conditionIn(status, 'StorageReady')?.reason);
    const keptSizes = new Map(growing.map(({ name, templateSize = '' }) => [name, templateSize] as const));
    if (growing.length === 0 && !isAnnounced) return { keptSizes };
    if (!context.mayExpandVolumes) return { keptSizes, growth: growing.length === 0 ? undefined : refusedFor(missingRight) };
    // The status comes first: whichever process finishes finds there that it has to report the end.
    if (!isAnnounced) return { keptSizes, growth: announced(growing), checkAgainMs: announcedMs };
    const key = JSON.stringify([metadata.generation, sets]);
    if (this.#last?.key === key && this.#nowMs() < this.#last.untilMs) return this.#last.observed;
    const observed = await expandClaims(context, sets, keptSizes);
    const { checkAgainMs = 0 } = observed;
    this.#last = { key, untilMs: this.#nowMs() + checkAgainMs, observed };
    return observed;
  }
}

/** A reason of the condition StorageReady that says that volumes have yet to grow. */
export const isExpansion = (reason: string | undefined): boolean => reason === 'Expanding' || reason === 'ExpansionRefused';

const refusedFor = (why: string): Growth => ({ reason: 'ExpansionRefused', message: `the volumes cannot grow: ${why}` });

const announced = (growing: readonly StoredSet[]): Growth => ({
  reason: 'Expanding',
  message: growing
    .map(({ name, templateSize, size }) => `the volumes of StatefulSet ${name} grow from ${templateSize} to ${size}`)
    .join('; '),
});

async function expandClaims(
  context: ExpansionContext,
  sets: readonly StoredSet[],
  templateSizes: ReadonlyMap<string, string>,
): Promise<VolumesObserved> {
  const keptSizes = new Map(templateSizes);
  let refusal: string | undefined;
  const grown = [];
  try {
    for (const { set, claims } of await claimsOf(context, sets)) {
      const outcome = await growClaims(context, set, claims);
      refusal ??= outcome.refusal;
      if (outcome.refusal === undefined) keptSizes.delete(set.name);
      grown.push({ set, claims: outcome.claims });
    }
  } catch (error) {
    if (apiStatusCode(error) !== 403) throw error;
    refusal = missingRight;
  }
  const growth: Growth | undefined = refusal === undefined ? growthOf(grown) : refusedFor(refusal);
  return { keptSizes, growth, ...(growth === undefined ? {} : { checkAgainMs: checkMs[growth.reason] }) };
}

/** The claims of each set, also those that are left of nodes that it has no more. Those that a user made need not have the labels. */
async function claimsOf({ client, network, signal }: ExpansionContext, sets: readonly StoredSet[]) {
  const { namespace } = network.metadata;
  const labelSelector = Object.entries(podLabel(network))
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  const { items } = await client.list(persistentVolumeClaims, { namespace, labelSelector, signal });
  const listed = new Set(items.map(({ metadata }) => metadata?.name));
  const found: { readonly set: StoredSet; readonly claims: V1PersistentVolumeClaim[] }[] = [];
  for (const set of sets) {
    const claims = items.filter(({ metadata }) => isClaimOf(set, metadata?.name ?? ''));
    for (const name of set.claims.filter(one => !listed.has(one))) {
      try {
        claims.push(await client.get(persistentVolumeClaims, { namespace, name }, { signal }));
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
    found.push({ set, claims });
  }
  return found;
}

/** Up to the first claim that the API server refuses to change. */
async function growClaims(
  { client, network, signal }: ExpansionContext,
  { size }: StoredSet,
  claims: readonly V1PersistentVolumeClaim[],
): Promise<{ readonly claims: readonly V1PersistentVolumeClaim[]; readonly refusal?: string }> {
  const { namespace } = network.metadata;
  const grown = [...claims];
  for (const [index, claim] of claims.entries()) {
    if (!isBound(claim) || !asksForLess(claim, size)) continue;
    const { name = '', uid } = claim.metadata ?? {};
    const body = { metadata: { uid }, spec: { resources: { requests: { storage: size } } } };
    try {
      grown[index] = await client.patch(persistentVolumeClaims, { namespace, name }, body, { patchType: 'merge', signal });
    } catch (error) {
      // Deleted or changed meanwhile: the next reconcile reads it again.
      if (isNotFound(error) || isConflict(error) || !isRefusal(error)) throw error;
      return { claims: grown, refusal: isOfRights(error) ? missingRight : error.message };
    }
  }
  return { claims: grown };
}

/** Not a fault of the API server, which passes. */
function isRefusal(error: unknown): error is Error {
  const code = apiStatusCode(error) ?? 0;
  return error instanceof Error && code >= 400 && code < 500 && code !== 401 && code !== 429;
}

/** As RBAC answers; admission answers with the same code. */
const isOfRights = ({ message }: Error): boolean => /cannot patch resource/.test(message);
