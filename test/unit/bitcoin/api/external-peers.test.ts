import { expect } from 'chai';
import { customResourceDefinition } from '../../../../src/bitcoin/api/custom-resource-definition.ts';

/** The pattern in CEL that the API server checks an address by. */
function addressPattern(): RegExp {
  const [, pattern = ''] = /self\.matches\('(\^\(\[A-Za-z0-9\][^']*:[^']*)'\)/.exec(rules(customResourceDefinition())) ?? [];
  return new RegExp(pattern.replaceAll('\\\\', '\\'));
}

const rules = (value: unknown): string => {
  if (typeof value !== 'object' || value === null) return '';
  const own = 'rule' in value && typeof value.rule === 'string' ? `${value.rule}\n` : '';
  return own + Object.values(value).map(rules).join('');
};

describe('externalPeers', () => {
  it('takes the ports from 1 to 65535 and no others, of each form of a host', () => {
    const pattern = addressPattern();
    for (const host of ['seed.example.org', '192.0.2.1', '[2001:db8::1]']) {
      const taken = Array.from({ length: 100_002 }, (_, port) => port).filter(port => pattern.test(`${host}:${port}`));
      expect([taken[0], taken.at(-1), taken.length], host).to.deep.equal([1, 65_535, 65_535]);
      expect(pattern.test(host), host).to.equal(true);
    }
  });
});
