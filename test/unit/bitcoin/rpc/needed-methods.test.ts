import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { neededMethods } from '../../../../src/bitcoin/rpc/needed-methods.ts';

const root = path.resolve(import.meta.dirname, '..', '..', '..', '..');
const page = readFileSync(path.join(root, 'docs/rotate-credentials.md'), 'utf8');

/** Those that the page names for the needs that match. */
const documented = (need: RegExp): string[] =>
  page
    .split('\n')
    .filter(line => line.startsWith('|') && need.test(line.split('|')[1] ?? ''))
    .flatMap(line => [...(line.split('|')[2] ?? '').matchAll(/`([a-z]+)`/g)].map(([, method = '']) => method));

describe('the RPC methods that a whitelist must allow', () => {
  const every = neededMethods({
    nodes: 1,
    ...{ blockProduction: { initialBlocks: 1 }, bootstrap: { network: { name: 'golden' } } },
    ...{ storage: { size: '1Gi' }, wallets: [{ name: 'miner' }] },
  });

  it('are those of docs/rotate-credentials.md', () => {
    const checked = documented(/every network|`(blockProduction|bootstrap|storage|wallets)`/);
    expect([...every].sort()).to.deep.equal(checked.sort());
    expect(neededMethods({ nodes: 1 })).to.have.members(documented(/every network/));
  });

  it('are all that the sources call', () => {
    const sources = globSync('src/bitcoin/**/*.ts', { cwd: root }).map(file => readFileSync(path.join(root, file), 'utf8'));
    const called = sources.flatMap(text => [...text.matchAll(/\bmethod(?::| =) '([a-z]+)'/g)].map(([, method = '']) => method));
    const notChecked = documented(/not checked/);
    expect(called).to.include('addnode');
    expect([...new Set(called)].filter(method => !every.includes(method) && !notChecked.includes(method))).to.deep.equal([]);
  });
});
