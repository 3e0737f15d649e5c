import { expect } from 'chai';
import fc from 'fast-check';
import { escaped, isPrintable, maxPrintableLength, printable } from '../../../src/logging/printable.ts';

describe('printable', () => {
  it('leaves the text of any language as it is', () => {
    for (const text of ['', 'addnode: already added (-23)', 'Grüße, мир, 世界, שלום, 👍🏽']) expect(printable(text)).to.equal(text);
  });

  for (const [what, text] of [
    ['an escape sequence', '\u001b[2J'],
    ['a bell', '\u0007'],
    ['a carriage return', 'fine\rforged'],
    ['a line feed', 'fine\nforged'],
    ['a C1 control', '\u009b31m'],
    ['DEL', '\u007f'],
    ['a line separator', '\u2028'],
    ['a bidirectional override', '\u202egnp.exe'],
    ['a bidirectional isolate', '\u2066x\u2069'],
    ['a zero-width space', 'ro\u200bot'],
    ['a byte order mark', '\ufeff'],
    ['half of a surrogate pair', '\ud83d'],
  ] as const)
    it(`replaces ${what}`, () => {
      expect(printable(text))
        .to.contain('\uFFFD')
        .and.not.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      expect(isPrintable(text)).to.equal(false);
    });

  it('ends a text that is too long with an ellipsis, without half a character', () => {
    expect(printable('abcdef', 4)).to.equal('abc…');
    expect(printable('ab👍def', 4)).to.equal('ab…');
    expect(printable('x'.repeat(50_000_000))).to.have.length(maxPrintableLength);
  });

  it('is never longer than the limit, has nothing unprintable, and does not change when it is made printable again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 2, max: 200 }), (text, maxLength) => {
        const shown = printable(text, maxLength);
        expect(shown.length).to.be.at.most(maxLength);
        expect(shown).not.to.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect(printable(shown, maxLength)).to.equal(shown);
      }),
    );
  });
});

describe('escaped', () => {
  it('leaves a line of JSON with the same values and nothing unprintable', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 50 }), value => {
        const line = escaped(JSON.stringify({ value }));
        expect(line).not.to.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        expect((JSON.parse(line) as { value: string }).value).to.equal(value);
      }),
    );
  });
});
