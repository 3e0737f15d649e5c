// Fields that admission changed in our own write are not drift: GKE Autopilot raises requests, a mirror policy rewrites images. What the
// API server answered to a write is remembered. After a restart, managedFields show the owner of a value.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ManagedFields } from './managed-fields.ts';

/** The name of a field, or the item of a list that is merged by a key. */
type PathPart = string | { readonly item: unknown };

/** A field of what is desired that has another value. */
export interface Difference {
  readonly path: readonly PathPart[];
  /** Undefined if there is no such field or item. */
  readonly actual: unknown;
}

/** The fields of `desired` that `actual` lacks or has with another value; none exactly if `holds` is true of the two. */
export function differencesOf(desired: unknown, actual: unknown, path: readonly PathPart[] = []): Difference[] {
  if (Array.isArray(desired)) return Array.isArray(actual) ? differencesOfLists(desired, actual, path) : [{ path, actual }];
  if (typeof desired !== 'object' || desired === null) return desired === actual ? [] : [{ path, actual }];
  const isEmpty = Object.keys(desired).length === 0;
  if (typeof actual !== 'object' || actual === null) return isEmpty && actual === undefined ? [] : [{ path, actual }];
  return Object.entries(desired).flatMap(([key, value]: [string, unknown]) => {
    const field = (actual as Record<string, unknown>)[key];
    if (value === undefined) return [];
    if (key === 'selector') return isDeepStrictEqual(value, field) ? [] : [{ path: [...path, key], actual: field }];
    return differencesOf(value, field, [...path, key]);
  });
}

function differencesOfLists(desired: readonly unknown[], actual: readonly unknown[], path: readonly PathPart[]): Difference[] {
  if (!desired.every(hasName)) {
    // Such a list has one owner.
    const isSame =
      desired.length === actual.length && desired.every((item, index) => differencesOf(item, actual[index]).length === 0);
    return isSame ? [] : [{ path, actual }];
  }
  return desired.flatMap(item => {
    const named = actual.filter(other => hasName(other) && other.name === item.name);
    const candidates = named.map(other => differencesOf(item, other, [...path, { item: other }]));
    return candidates.find(list => list.length === 0) ?? candidates[0] ?? [{ path: [...path, { item }], actual: undefined }];
  });
}

const hasName = (item: unknown): item is { readonly name: unknown } =>
  typeof item === 'object' && item !== null && 'name' in item;

/**
 * Whether `manager` itself wrote the values that differ: what admission changes in a write belongs to who wrote.
 * A field that admission removed has no owner; it is not known to be ours.
 */
export function areOwn(differences: readonly Difference[], managedFields: readonly ManagedFields[], manager: string): boolean {
  const own = managedFields
    .filter(entry => entry.manager === manager && !entry.subresource)
    .map(({ fieldsV1 }): unknown => fieldsV1);
  return differences.every(({ path, actual }) => actual !== undefined && own.some(fields => includes(fields, path)));
}

/** Whether a set of fields (FieldsV1 of structured-merge-diff) has the field, or a whole that it is part of. */
function includes(fields: unknown, path: readonly PathPart[]): boolean {
  let node: unknown = fields;
  for (const [depth, part] of path.entries()) {
    const children = isRecord(node) ? Object.entries(node).filter(([key]) => key !== '.') : [];
    if (children.length === 0) return depth > 0;
    const child = children.find(([key]) => (typeof part === 'string' ? key === `f:${part}` : isKeyOf(key, part.item)));
    if (child === undefined) return false;
    node = child[1];
  }
  return true;
}

/** `k:{"name":"web"}` names the item that has these fields. */
function isKeyOf(key: string, item: unknown): boolean {
  if (!key.startsWith('k:') || !isRecord(item)) return false;
  try {
    const fields: unknown = JSON.parse(key.slice(2));
    return isRecord(fields) && Object.entries(fields).every(([name, value]) => item[name] === value);
  } catch {
    return false;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What the API server made of our last write of one object, as far as it differs from what was desired. */
export class AdmittedFields {
  /** Of what was desired, and of the differences that the answer had. */
  #desired: string | undefined;
  #differences: string | undefined;

  /** Call with the answer to each write of `desired`, or with an object whose differences are our own (`areOwn`). */
  remember(desired: unknown, answer: unknown): void {
    this.#desired = digestOf(desired);
    this.#differences = digestOf(described(differencesOf(desired, answer)));
  }

  /** Whether this was desired in the last write. */
  isAnswerTo(desired: unknown): boolean {
    return this.#desired === digestOf(desired);
  }

  /** Whether `current` differs from `desired` in nothing but what admission made of the last write. */
  explains(desired: unknown, current: unknown): boolean {
    return this.isAnswerTo(desired) && this.#differences === digestOf(described(differencesOf(desired, current)));
  }
}

const digestOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('base64url');

const described = (differences: readonly Difference[]): unknown =>
  differences.map(({ path, actual }) => [path.map(nameOf), actual ?? null]);

const nameOf = (part: PathPart): unknown => (typeof part === 'string' ? part : (part.item as { name?: unknown }).name);
