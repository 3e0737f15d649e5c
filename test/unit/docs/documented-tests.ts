// The tables of the documentation whose last column names what shows a row to be true: "`file`: title; `file`: title". A file without a rung is of
// the integration tests; one with a suffix is any file of the project, and the title a text in it, outside of its tables.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

const root = path.resolve(import.meta.dirname, '../../..');

interface Row {
  readonly first: string;
  /** The last cell. */
  readonly tests: string;
}

function rowsOf(document: string): readonly Row[] {
  return readFileSync(path.join(root, document), 'utf8')
    .split('\n')
    .filter(line => /^\| .*`.*\|$/.test(line))
    .map(line => line.split('|').map(cell => cell.trim()))
    .map(cells => ({ first: cells[1] ?? '', tests: cells.at(-2) ?? '' }));
}

function fileOf(name: string): string {
  if (/\.\w+$/.test(name)) return path.join(root, name);
  const file = path.join(root, 'test', `${name}.test.ts`);
  return existsSync(file) ? file : path.join(root, 'test/integration', `${name}.test.ts`);
}

/** What a row names, and where that is not. */
function missingOf({ tests }: Row): string[] {
  return [...tests.matchAll(/`([^`]+)`: (.*?)(?=; `|$)/g)].flatMap(([, name = '', title = '']) => {
    const file = fileOf(name);
    if (!existsSync(file)) return [`there is no ${name}`];
    // A table is no evidence for itself.
    const text = readFileSync(file, 'utf8').replace(/^\|.*$/gm, '');
    // The dots stand for a part that the test fills in.
    const parts = title.split('…').map(part => part.trim());
    return parts.filter(part => !text.includes(part)).map(part => `${name} has no "${part}"`);
  });
}

/** @param atLeast rows, so that a table which is not found is noticed */
export function describeDocumentedTests(document: string, atLeast: number): void {
  const rows = rowsOf(document);

  describe(document, () => {
    it('names a test in every row', () => {
      expect(rows.length).to.be.at.least(atLeast);
      for (const { first, tests } of rows) expect(tests, first).to.match(/^`[^`]+`: ./);
    });

    for (const row of rows)
      it(`names tests that exist: ${row.first}`, () => {
        expect(missingOf(row)).to.deep.equal([]);
      });
  });
}
