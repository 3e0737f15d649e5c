import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';

const root = path.resolve(import.meta.dirname, '../../..');
const rows = readFileSync(path.join(root, 'docs/reliability.md'), 'utf8')
  .split('\n')
  .filter(line => /^\| .*`.*\|$/.test(line))
  .map(line => line.split('|').map(cell => cell.trim()));

/** `faults/kills` is of the integration tests, as is every file without a rung. */
function fileOf(name: string): string {
  const file = path.join(root, 'test', `${name}.test.ts`);
  return existsSync(file) ? file : path.join(root, 'test/integration', `${name}.test.ts`);
}

describe('docs/reliability.md', () => {
  it('names a test for every fault', () => {
    expect(rows.length).to.be.above(25);
    for (const [, fault = '', , tests = ''] of rows) expect(tests, fault).to.match(/^`[^`]+`: ./);
  });

  for (const [, fault = '', , tests = ''] of rows)
    it(`names tests that exist: ${fault}`, () => {
      for (const [, name = '', title = ''] of tests.matchAll(/`([^`]+)`: (.*?)(?=; `|$)/g)) {
        const text = readFileSync(fileOf(name), 'utf8');
        // What is left out stands for a part that the test fills in.
        for (const part of title.split('…')) expect(text, name).to.include(part.trim());
      }
    });
});
