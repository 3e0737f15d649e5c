import { expect } from 'chai';
import { reservedConfKeys } from '../../../../src/bitcoin/api/bitcoin-conf.ts';
import { chainSchema } from '../../../../src/bitcoin/api/chain.ts';
import { bitcoinConf } from '../../../../src/bitcoin/resources/bitcoin-conf.ts';

const reserved = Object.values(reservedConfKeys).flat();

describe('reservedConfKeys', () => {
  it('has each key once, in the form that a line of bitcoinConf must have, and without `no`', () => {
    expect(new Set(reserved).size).to.equal(reserved.length);
    for (const key of reserved) expect(key).to.match(/^(?!no)[a-z][a-z0-9]*$|^networkactive$/);
  });

  for (const chain of chainSchema.options)
    it(`has every key that the controller sets on ${chain}, but for the sizes that a network may change`, () => {
      const lines = bitcoinConf({ chain }).split('\n');
      const keys = lines.flatMap(line => (/^[a-z0-9]+(?==)/.exec(line) ?? []).map(key => key.replace(/^no/, '')));
      const mayBeSet = keys.filter(key => !reserved.includes(key));
      expect(mayBeSet).to.have.members(['dbcache', 'maxmempool']);
      expect(keys.length).to.be.above(10);
    });
});
