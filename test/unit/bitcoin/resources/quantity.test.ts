import { expect } from 'chai';
import fc from 'fast-check';
import { canonicalQuantity, compareQuantities } from '../../../../src/bitcoin/resources/quantity.ts';

describe('canonicalQuantity', () => {
  // What kube-apiserver 1.37 returns for each: test/integration/pod-template has it confirm some.
  for (const [given, canonical] of [
    ['0', '0'],
    ['0.0Gi', '0'],
    ['1', '1'],
    ['0001', '1'],
    ['1000m', '1'],
    ['0.5', '500m'],
    ['0.10', '100m'],
    ['1500m', '1500m'],
    ['1000', '1k'],
    ['1000000', '1M'],
    ['1024', '1024'],
    ['64Mi', '64Mi'],
    ['1024Mi', '1Gi'],
    ['1536Mi', '1536Mi'],
    ['1.5Gi', '1536Mi'],
    ['0.5Ki', '512'],
    ['2048Ki', '2Mi'],
    ['1G', '1G'],
    ['0.1G', '100M'],
  ] as const)
    it(`writes ${given} as ${canonical}`, () => {
      expect(canonicalQuantity(given)).to.equal(canonical);
    });

  for (const given of [
    '',
    'x',
    '-1',
    '+1',
    '1e3',
    '1Gb',
    '1 Gi',
    '1gi',
    '1K',
    '.5',
    '1.',
    '0.0001',
    '1.5m',
    '0x10',
    '1.0001Ki',
    'NaN',
  ])
    it(`takes ${JSON.stringify(given)} for no quantity`, () => {
      expect(canonicalQuantity(given)).to.equal(undefined);
    });

  it('is the same for its own result, and of the same size', () => {
    const suffix = fc.constantFrom('m', '', 'k', 'M', 'G', 'T', 'Ki', 'Mi', 'Gi', 'Ti');
    fc.assert(
      fc.property(fc.nat(2_000_000), suffix, (number, unit) => {
        const canonical = canonicalQuantity(`${number}${unit}`) ?? '';
        expect(canonicalQuantity(canonical)).to.equal(canonical);
        expect(compareQuantities(canonical, `${number}${unit}`)).to.equal(0);
      }),
    );
  });
});

describe('compareQuantities', () => {
  it('compares sizes, whatever the unit', () => {
    for (const [less, more] of [
      ['999m', '1'],
      ['1G', '1Gi'],
      ['1023Mi', '1Gi'],
      ['0', '1m'],
    ] as const) {
      expect(compareQuantities(less, more)).to.be.lessThan(0);
      expect(compareQuantities(more, less)).to.be.greaterThan(0);
    }
    expect(compareQuantities('1024Mi', '1Gi')).to.equal(0);
  });
});
