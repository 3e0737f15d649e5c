// Leaves out fields that are undefined. In a spread they would replace others, and they would count as given.

/** `T` with each field that may be undefined as one that may be absent. */
export type DefinedOnly<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

export const definedOnly = <T extends object>(fields: T): DefinedOnly<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as DefinedOnly<T>;
