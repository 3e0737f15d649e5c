import { expect } from 'chai';
import fc from 'fast-check';
import { EventNames, generateEventName } from '../../../../src/record/pipeline/event-name.ts';

const validName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

describe('generateEventName (TestGenerateEventName)', () => {
  it('keeps a valid name', () => {
    expect(generateEventName('test-pod', 105999103295324396n)).to.equal('test-pod.178959f726d80ec');
  });

  for (const [what, name] of [
    ['too long', 'x'.repeat(300)],
    ['upper case', 'test.POD'],
    ['special characters', 'test.pod/invalid!chars?'],
    ['a first character that is not alphanumeric', '--test.pod/invalid!chars?'],
    ['empty', ''],
  ] as const)
    it(`makes a valid name of one that is ${what}`, () => {
      const generated = generateEventName(name, 105999103295324396n);
      expect(generated).to.match(validName).and.have.length.below(254);
    });

  it('keeps a name of 236 characters whole', () => {
    const name = 'x'.repeat(236);
    expect(generateEventName(name, BigInt(Date.UTC(2026, 0)) * 1_000_000n)).to.match(new RegExp(`^${name}\\.[0-9a-f]{16}$`));
  });
});

describe('EventNames', () => {
  it('generates unique names that sort by time, for any number of events of an object in one millisecond', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1_700_000_000_000, max: 1_700_000_000_003 }), { minLength: 2, maxLength: 50 }),
        times => {
          const names = new EventNames();
          const made = times.sort((a, b) => a - b).map(ms => names.next('a', ms));
          expect(new Set(made).size).to.equal(times.length);
          expect([...made].sort()).to.deep.equal(made);
        },
      ),
    );
  });

  it('starts with the millisecond itself for each object, also after the clock was set back', () => {
    const names = new EventNames();
    const later = 1_700_000_000_001;
    const instants = [names.next('a', later), names.next('b', later), names.next('a', later), names.next('a', later - 1)];
    const instant = (ms: number, more = 0) => (BigInt(ms) * 1_000_000n + BigInt(more)).toString(16);
    expect(instants).to.deep.equal([
      `a.${instant(later)}`,
      `b.${instant(later)}`,
      `a.${instant(later, 1)}`,
      `a.${instant(later - 1)}`,
    ]);
  });

  it('uses the millisecond itself in the first name of that millisecond', () => {
    expect(new EventNames().next('pod-1', Date.UTC(2000, 0, 1) + 100)).to.equal('pod-1.d234ccf5838e100');
  });
});
