// The documents that list faults or findings, each with the tests that prove what is said about it:
//   - **Fault.** What happens then.
//     - `file`: title
// A file without a rung is an integration test. A name with a suffix is any file of the project, and the title a text in it.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

const root = path.resolve(import.meta.dirname, '../../..');

/** An entry and its indented lines. */
const entryPattern = /^- \*\*.*(?:\n {2,}\S.*)*/gm;

interface Entry {
  /** The text in bold. */
  readonly fault: string;
  /** The references to tests, each on one line. */
  readonly tests: readonly string[];
}

function entriesOf(document: string): readonly Entry[] {
  const text = readFileSync(path.join(root, document), 'utf8');
  return [...text.matchAll(entryPattern)].map(([entry]) => {
    const [head = '', ...tests] = entry.split(/\n {2}- /).map(part => part.replaceAll(/\s+/g, ' ').trim());
    return { fault: /\*\*(.+?)\*\*/.exec(head)?.[1] ?? head, tests };
  });
}

function fileOf(name: string): string {
  if (/\.\w+$/.test(name)) return path.join(root, name);
  const file = path.join(root, 'test', `${name}.test.ts`);
  return existsSync(file) ? file : path.join(root, 'test/integration', `${name}.test.ts`);
}

/** The parts of a reference that do not exist. */
function missingOf(reference: string): string[] {
  const [, name = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(reference) ?? [];
  const file = fileOf(name);
  if (!existsSync(file)) return [`there is no ${name}`];
  // An entry is no evidence for itself.
  const text = readFileSync(file, 'utf8').replace(entryPattern, '');
  // The dots stand for a part that the test fills in.
  const parts = title.split('…').map(part => part.trim());
  return parts.filter(part => !text.includes(part)).map(part => `${name} has no "${part}"`);
}

/** @param atLeast how many entries the document has, so that a list which is not recognized fails the test */
export function describeDocumentedTests(document: string, atLeast: number): void {
  const entries = entriesOf(document);

  describe(document, () => {
    it('names a test for every entry', () => {
      expect(entries.length).to.be.at.least(atLeast);
      for (const { fault, tests } of entries) {
        expect(tests, fault).not.to.deep.equal([]);
        for (const reference of tests) expect(reference, fault).to.match(/^`[^`]+`: ./);
      }
    });

    for (const { fault, tests } of entries)
      it(`names tests that exist: ${fault}`, () => {
        expect(tests.flatMap(missingOf)).to.deep.equal([]);
      });
  });
}
