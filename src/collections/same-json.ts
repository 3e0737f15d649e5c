// Whether two values have the same JSON, whatever the order of the keys. Compares in place: nothing is written, sorted or copied.

/** A field that is undefined counts as absent, as JSON.stringify has it. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return a === b;
  if (Array.isArray(a) || Array.isArray(b))
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => isSameJson(item, b[index]));
  const [left, right] = [a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>];
  for (const key of Object.keys(left)) if (!isSameJson(left[key], right[key])) return false;
  // What both have is equal: what is left is only in the other.
  return Object.keys(right).every(key => right[key] === undefined || left[key] !== undefined);
}
