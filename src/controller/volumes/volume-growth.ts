// How far the volumes of a network have grown: judged from the claims alone, so that any process goes on where another one stopped. Pure.
import type { V1PersistentVolumeClaim, V1StatefulSet } from '@kubernetes/client-node';
import type { NodeSet } from '../../bitcoin/resources/node-sets.ts';
import { canonicalQuantity, compareQuantities } from '../../bitcoin/resources/quantity.ts';
import { dataVolume } from '../../bitcoin/resources/storage.ts';

/** A set whose nodes have volumes. */
export interface StoredSet {
  /** The name of its StatefulSet. */
  readonly name: string;
  /** The names of the claims of its nodes. */
  readonly claims: readonly string[];
  /** What the spec asks for. */
  readonly size: string;
  /** What new claims ask for; undefined without a StatefulSet, or if that makes no claims. */
  readonly templateSize: string | undefined;
}

/** Volumes that do not have the size of the spec: a state of the condition StorageReady. */
export interface Growth {
  readonly reason: 'Expanding' | 'ExpansionRefused';
  readonly message: string;
}

/**
 * The sets with volumes.
 * @param sets with the nodes that they have while the network is not suspended
 */
export function storedSetsOf(sets: readonly NodeSet[], current: (name: string) => V1StatefulSet | undefined): StoredSet[] {
  return sets.flatMap(({ name, start, nodes, settings: { storage } }) => {
    if (storage === undefined) return [];
    const claims = Array.from({ length: nodes }, (_, index) => `${dataVolume}-${name}-${start + index}`);
    const template = current(name)?.spec?.volumeClaimTemplates?.find(({ metadata }) => metadata?.name === dataVolume);
    const size = canonicalQuantity(storage.size) ?? storage.size;
    return [{ name, claims, size, templateSize: template?.spec?.resources?.requests?.['storage'] }];
  });
}

/** The StatefulSet makes smaller claims than the spec asks for. */
export const isGrowing = ({ templateSize, size }: StoredSet): boolean =>
  templateSize !== undefined && compareQuantities(templateSize, size) < 0;

/** Whether the claim is of a node of the set, also of one that the set has no more. */
export const isClaimOf = ({ name }: StoredSet, claim: string): boolean => {
  const prefix = `${dataVolume}-${name}-`;
  return claim.startsWith(prefix) && /^\d+$/.test(claim.slice(prefix.length));
};

export const asksForLess = ({ spec }: V1PersistentVolumeClaim, size: string): boolean =>
  compareQuantities(spec?.resources?.requests?.['storage'] ?? '0', size) < 0;

/** The API server changes only the size of a claim that has a volume. */
export const isBound = ({ status }: V1PersistentVolumeClaim): boolean => status?.phase === 'Bound';

const isSmaller = ({ status }: V1PersistentVolumeClaim, size: string): boolean =>
  compareQuantities(status?.capacity?.['storage'] ?? '0', size) < 0;

const isOfNode = ({ claims }: StoredSet, { metadata }: V1PersistentVolumeClaim): boolean => claims.includes(metadata?.name ?? '');

/** A set with its claims, also those of nodes that it has no more. */
export interface SetClaims {
  readonly set: StoredSet;
  readonly claims: readonly V1PersistentVolumeClaim[];
}

/**
 * The least that a claim asks for or has, if it is less than the spec asks for: that of a former StatefulSet. A claim without a volume
 * counts if it is of a node, since it gets one.
 */
export function leftSizeOf({ set, claims }: SetClaims): string | undefined {
  const sizes = claims.flatMap(claim => {
    const bound = isBound(claim) ? claim.status?.capacity?.['storage'] : undefined;
    return isBound(claim) || isOfNode(set, claim) ? [claim.spec?.resources?.requests?.['storage'], bound] : [];
  });
  const smaller = sizes
    .flatMap(size => canonicalQuantity(size ?? '') ?? [])
    .filter(size => compareQuantities(size, set.size) < 0);
  return smaller.filter(size => size !== '0').toSorted(compareQuantities)[0];
}

/**
 * What is left to do when the claims have been changed; undefined if nothing is. Only the claims of nodes are waited for: nobody mounts
 * the volume of a removed node, so that it may never get larger.
 */
export function growthOf(sets: readonly SetClaims[]): Growth | undefined {
  const claims = sets.flatMap(({ set, claims: all }) =>
    all.filter(claim => isOfNode(set, claim)).map(claim => ({ claim, size: set.size })),
  );
  const waiting = claims.filter(({ claim, size }) => asksForLess(claim, size) || isSmaller(claim, size));
  const refused = waiting.find(({ claim }) => isInfeasible(claim));
  if (refused !== undefined) return { reason: 'ExpansionRefused', message: stateOf(refused.claim, refused.size) };
  const [first] = waiting;
  if (first !== undefined) {
    const counts = `${claims.length - waiting.length} of ${claims.length} volumes have the size of the spec`;
    return { reason: 'Expanding', message: `${counts}; ${stateOf(first.claim, first.size)}` };
  }
  const set = sets.find(({ set: one }) => isGrowing(one))?.set;
  return set && { reason: 'Expanding', message: `StatefulSet ${set.name} is recreated; its pods keep running` };
}

function stateOf(claim: V1PersistentVolumeClaim, size: string): string {
  const name = claim.metadata?.name ?? '';
  if (!isBound(claim)) return `${name} has no volume yet`;
  return [`${name} has ${claim.status?.capacity?.['storage'] ?? '0'} of ${size}`, ...saidOf(claim)].join(': ');
}

/** What the storage driver and the kubelet report of an expansion. */
const saidOf = ({ status }: V1PersistentVolumeClaim): string[] =>
  (status?.conditions ?? []).flatMap(({ status: isTrue, message = '' }) =>
    isTrue === 'True' && message !== '' ? [message] : [],
  );

const isInfeasible = ({ status }: V1PersistentVolumeClaim): boolean =>
  /Infeasible$/.test(status?.allocatedResourceStatuses?.['storage'] ?? '');
