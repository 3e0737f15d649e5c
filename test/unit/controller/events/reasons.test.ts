import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { reasons } from '../../../../src/controller/events/reasons.ts';

describe('reasons', () => {
  const readme = readFileSync(path.join(import.meta.dirname, '..', '..', '..', '..', 'README.md'), 'utf8');
  const rows = readme.split('## Events\n')[1]?.split('\n## ')[0] ?? '';
  const documented = [...rows.matchAll(/`([A-Z][A-Za-z]+)`/g)].map(([, reason]) => reason);

  it('are the reasons that the README explains, no more and no fewer', () => {
    expect(documented).to.have.members(Object.values(reasons));
  });

  it('say the fact in UpperCamelCase', () => {
    for (const reason of Object.values(reasons)) expect(reason).to.match(/^([A-Z][a-z]+)+$/);
  });
});
