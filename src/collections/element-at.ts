/** The element of a list at an index that is known to be in it. @throws RangeError if it is not */
export function elementAt<T>(list: readonly T[], index: number): T {
  if (index < 0 || index >= list.length) throw new RangeError(`the list of ${list.length} has no element ${index}`);
  return list[index] as T;
}
