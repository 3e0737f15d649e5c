import { expect } from 'chai';
import fc from 'fast-check';
import { isSameJson } from '../../../src/collections/same-json.ts';

/** The same value with the keys of each object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, child]) => [key, reversed(child)]),
  );
}

const json = () => fc.jsonValue({ maxDepth: 4 });

describe('isSameJson', () => {
  it('takes a value for equal to itself, in any order of the keys', () => {
    fc.assert(fc.property(json(), value => isSameJson(value, reversed(value))));
  });

  it('agrees with JSON about two values', () => {
    const sorted = (value: unknown): string =>
      JSON.stringify(value, (_, child: unknown) =>
        typeof child === 'object' && child !== null && !Array.isArray(child)
          ? Object.fromEntries(Object.entries(child).sort(([a], [b]) => (a < b ? -1 : 1)))
          : child,
      );
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 2), json(), json(), (kind, a, b) => {
        const [left, right] =
          kind === 0
            ? [a, b]
            : kind === 1
              ? [
                  { a, b },
                  { a, b: a },
                ]
              : [[a, b], [a]];
        return isSameJson(left, right) === (sorted(left) === sorted(right));
      }),
    );
  });

  for (const [title, a, b] of [
    ['a field that is undefined and one that is absent', { a: 1, b: undefined }, { a: 1 }],
    ['two fields that are absent and undefined', { a: undefined }, { b: undefined }],
  ] as const)
    it(`takes for equal ${title}`, () => {
      expect([isSameJson(a, b), isSameJson(b, a)]).to.deep.equal([true, true]);
    });

  for (const [title, a, b] of [
    ['null and an absent field', { a: null }, {}],
    ['an empty list and an empty object', [], {}],
    ['a list and a longer one', [1], [1, 2]],
    ['a field more', { a: 1 }, { a: 1, b: 0 }],
    ['a number and its text', { a: 1 }, { a: '1' }],
  ] as const)
    it(`takes for different ${title}`, () => {
      expect([isSameJson(a, b), isSameJson(b, a)]).to.deep.equal([false, false]);
    });
});
