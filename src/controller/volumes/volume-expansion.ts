// VolumeExpansion: lets the volumes of a network grow to the size of its spec. First the claims, then the StatefulSet, which cannot change
//   and is recreated with its pods left alone. What has been done is read from the claims and the StatefulSet, never remembered.
import type { V1PersistentVolumeClaim, V1StatefulSet } from '@kubernetes/client-node';
import { resumedSetsOf } from '../../bitcoin/resources/node-sets.ts';
import { apiStatusCode, isConflict, isNotFound } from '../../kube/api-error.ts';
import { persistentVolumeClaims } from '../resource-types.ts';
import { conditionIn } from '../status/condition.ts';
import { type ClaimsContext, isRefusal, labelledClaimsOf, missingRight, refusalOf } from './claims.ts';
import {
  asksForLess,
  type Growth,
  growthOf,
  isBound,
  isGrowing,
  leftSizeOf,
  type SetClaims,
  type StoredSet,
  storedSetsOf,
} from './volume-growth.ts';

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

export class VolumeExpansion {
  readonly #nowMs: () => number;
  #last: { readonly key: string; readonly untilMs: number; readonly observed: VolumesObserved } | undefined;
  /** What was read of claims that exist before their StatefulSet does. */
  #left: { readonly key: string; readonly sizes: ReadonlyMap<string, string> } | undefined;

  /** @param nowMs monotonic milliseconds. Default: performance.now */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * Takes the next steps. Without volumes that have to grow it makes no request, but for a set whose StatefulSet is about to make claims
   * for the first time: claims of that name that exist are read once. If they are smaller, the StatefulSet is created with their size, and
   * so has to grow.
   * @param current the StatefulSet of a name, undefined if there is none
   * @throws an error that is no refusal of the API server
   */
  async expand(context: ClaimsContext, current: (name: string) => V1StatefulSet | undefined): Promise<VolumesObserved> {
    const { metadata, status } = context.network;
    const isAnnounced = isExpansion(conditionIn(status, 'StorageReady')?.reason);
    const stored = storedSetsOf(resumedSetsOf(context.network), current);
    // Once it is announced, all claims are read anyway.
    const sets = isAnnounced || !context.mayExpandVolumes ? stored : await this.#withLeftClaims(context, stored);
    const growing = sets.filter(isGrowing);
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

  /** A set without a template counts as having that of the claims that are left of a former StatefulSet of its name. */
  async #withLeftClaims(context: ClaimsContext, sets: readonly StoredSet[]): Promise<readonly StoredSet[]> {
    const without = sets.filter(({ templateSize }) => templateSize === undefined);
    if (without.length === 0) {
      this.#left = undefined;
      return sets;
    }
    const key = JSON.stringify([context.network.metadata.generation, without]);
    if (this.#left?.key !== key) this.#left = { key, sizes: await leftSizesOf(context, without) };
    const { sizes } = this.#left;
    return sets.map(set => ({ ...set, templateSize: set.templateSize ?? sizes.get(set.name) }));
  }
}

async function leftSizesOf(context: ClaimsContext, sets: readonly StoredSet[]): Promise<ReadonlyMap<string, string>> {
  try {
    const found = await labelledClaimsOf(context, sets);
    return new Map(
      found.flatMap(one => {
        const size = leftSizeOf(one);
        return size === undefined ? [] : [[one.set.name, size] as const];
      }),
    );
  } catch (error) {
    if (apiStatusCode(error) !== 403) throw error;
    return new Map();
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
  context: ClaimsContext,
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

/** Also the claims of nodes that a user made: those need not have the label. */
async function claimsOf(context: ClaimsContext, sets: readonly StoredSet[]): Promise<SetClaims[]> {
  const { client, network, signal } = context;
  const { namespace } = network.metadata;
  const found: SetClaims[] = [];
  for (const { set, claims: labelled } of await labelledClaimsOf(context, sets)) {
    const listed = new Set(labelled.map(({ metadata }) => metadata?.name));
    const claims = [...labelled];
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
  { client, network, signal }: ClaimsContext,
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
      return { claims: grown, refusal: refusalOf(error) };
    }
  }
  return { claims: grown };
}
