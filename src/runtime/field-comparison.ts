// holds: whether an object has the fields of another one, compared as server-side apply merges them.
import { isDeepStrictEqual } from 'node:util';

/**
 * Whether `actual` has every field of `desired` with its value. Other fields of `actual` are defaults of the API server or belong to
 * other writers. Lists whose items have names are compared by name.
 */
export function holds(desired: unknown, actual: unknown): boolean {
  if (Array.isArray(desired)) return Array.isArray(actual) && holdsList(desired, actual);
  if (typeof desired !== 'object' || desired === null) return desired === actual;
  if (typeof actual !== 'object' || actual === null) return isEmpty(desired) && actual === undefined;
  return Object.entries(desired).every(
    ([key, value]) => value === undefined || holdsField(key, value, (actual as Record<string, unknown>)[key]),
  );
}

/** A selector is one value: with another label it selects other pods. */
const holdsField = (key: string, desired: unknown, actual: unknown): boolean =>
  key === 'selector' ? isDeepStrictEqual(desired, actual) : holds(desired, actual);

function holdsList(desired: readonly unknown[], actual: readonly unknown[]): boolean {
  if (desired.every(hasName))
    // Other writers may have items of the same name: a volume mounted twice, an owner of another kind.
    return desired.every(item => actual.some(other => holds(item, other)));
  return desired.length === actual.length && desired.every((item, index) => holds(item, actual[index]));
}

const hasName = (item: unknown): item is { readonly name: unknown } =>
  typeof item === 'object' && item !== null && 'name' in item;

const isEmpty = (value: object): boolean => Object.keys(value).length === 0;
