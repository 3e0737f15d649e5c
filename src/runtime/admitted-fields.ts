// Fields that admission changed in our own write are no drift: GKE Autopilot raises requests, a mirror policy rewrites images. What the
// API server answered to a write is remembered; after a restart managedFields say whose value it is. Used by apply.ts.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { V1ManagedFieldsEntry } from '@kubernetes/client-node';
import { LruCache } from '../collections/lru-cache.ts';

/** The name of a field, or the item of a list that is merged by a key. */
type PathPart = string | { readonly item: unknown };

/** A field of what is wanted that has another value. */
export interface Difference {
  readonly path: readonly PathPart[];
  /** Undefined if there is no such field or item. */
  readonly actual: unknown;
}

/** The fields of `wanted` that `actual` lacks or has with another value; none exactly if `holds` is true of the two. */
export function differencesOf(wanted: unknown, actual: unknown, path: readonly PathPart[] = []): Difference[] {
  if (Array.isArray(wanted)) return Array.isArray(actual) ? differencesOfLists(wanted, actual, path) : [{ path, actual }];
  if (typeof wanted !== 'object' || wanted === null) return wanted === actual ? [] : [{ path, actual }];
  const isEmpty = Object.keys(wanted).length === 0;
  if (typeof actual !== 'object' || actual === null) return isEmpty && actual === undefined ? [] : [{ path, actual }];
  return Object.entries(wanted).flatMap(([key, value]: [string, unknown]) => {
    const field = (actual as Record<string, unknown>)[key];
    if (value === undefined) return [];
    if (key === 'selector') return isDeepStrictEqual(value, field) ? [] : [{ path: [...path, key], actual: field }];
    return differencesOf(value, field, [...path, key]);
  });
}

function differencesOfLists(wanted: readonly unknown[], actual: readonly unknown[], path: readonly PathPart[]): Difference[] {
  if (!wanted.every(hasName)) {
    // Such a list has one owner.
    const isSame =
      wanted.length === actual.length && wanted.every((item, index) => differencesOf(item, actual[index]).length === 0);
    return isSame ? [] : [{ path, actual }];
  }
  return wanted.flatMap(item => {
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
export function areOwn(
  differences: readonly Difference[],
  managedFields: readonly V1ManagedFieldsEntry[],
  manager: string,
): boolean {
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

/** `k:{"name":"bitcoind"}` names the item that has these fields. */
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

/** Objects that admission changes; the one that was used longest ago costs a GET when it is met again. */
const maxObjects = 10_000;

/** What the API server made of our own writes, as far as it differs from what was asked for. */
export class AdmittedFields {
  readonly #digests = new LruCache<string>(maxObjects);

  /** Call with the answer to each write of `wanted`. */
  remember(key: string, wanted: unknown, answer: unknown): void {
    const differences = differencesOf(wanted, answer);
    if (differences.length > 0 || this.#digests.get(key) !== undefined) this.#digests.set(key, digestOf(wanted, differences));
  }

  /** Whether `current` differs from `wanted` in nothing but what admission made of the last write. */
  explains(key: string, wanted: unknown, current: unknown): boolean {
    const known = this.#digests.get(key);
    return known !== undefined && known === digestOf(wanted, differencesOf(wanted, current));
  }
}

const digestOf = (wanted: unknown, differences: readonly Difference[]): string =>
  createHash('sha256')
    .update(JSON.stringify([wanted, differences.map(({ path, actual }) => [path.map(nameOf), actual ?? null])]))
    .digest('base64url');

const nameOf = (part: PathPart): unknown => (typeof part === 'string' ? part : (part.item as { name?: unknown }).name);
