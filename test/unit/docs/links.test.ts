// The links between the pages of the documentation, and what they repeat of the code.
import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { reservedConfKeys } from '../../../src/bitcoin/api/bitcoin-conf.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const pages = globSync('{*.md,docs/**/*.md}', { cwd: root }).sort();
/** The page of the npm package links from where the registry shows it. */
const shownElsewhere = ['docs/package.md'];
const textOf = (page: string): string => readFileSync(path.join(root, page), 'utf8').replaceAll(/^```.*?^```$/gms, '');

/** As GitHub makes them. */
const anchorsOf = (page: string): string[] =>
  [...textOf(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );

/** What a link of a page leads to that does not exist. */
function brokenLinksOf(page: string): string[] {
  const links = [...textOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
  return links.filter(link => {
    if (/^\w+:/.test(link)) return false;
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? page : path.join(path.dirname(page), file);
    return !existsSync(path.join(root, target)) || (anchor !== undefined && !anchorsOf(target).includes(anchor));
  });
}

describe('the pages of the documentation', () => {
  for (const page of pages.filter(each => !shownElsewhere.includes(each)))
    it(`link to files and headings that exist: ${page}`, () => expect(brokenLinksOf(page)).to.deep.equal([]));

  it('name each key of bitcoind that only the controller sets', () => {
    const [, table = ''] = /^## Keys that you cannot set$(.*?)^## /ms.exec(textOf('docs/networks/configuration.md')) ?? [];
    const firstCells = [...table.matchAll(/^\| (`.*?) +\|/gm)].map(([, cell = '']) => cell).join();
    const named = [...firstCells.matchAll(/`(\w+)`/g)].map(([, key]) => key);
    expect(named).to.have.members(Object.values(reservedConfKeys).flat());
  });
});
