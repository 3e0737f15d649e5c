import { expect } from 'chai';
import type { BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { Expiry } from '../../../../src/controller/expiry.ts';
import { conditionsOf, withCondition } from '../../../../src/controller/status/conditions.ts';
import { expired } from '../../../../src/controller/status/expired.ts';
import type { Observation } from '../../../../src/controller/status/observation.ts';
import { network } from '../../../support/builders.ts';

const now = new Date('2026-01-01T00:00:30Z');
const mayfly = network(
  { nodes: 0, ttlSecondsAfterCreation: 60 },
  { creationTimestamp: '2026-01-01T00:00:00Z' as unknown as Date },
);
const observed: Observation = {
  ...{ nodes: [], reports: [], children: [], problems: [] },
  credentials: {
    ...{ isAvailable: true, credentials: { user: 'a', password: 'b' }, version: undefined },
    ...{ reason: 'CredentialsFound', message: 'found' },
  },
};
const expiryOf = (mayDelete: boolean) => new Expiry().observe(mayfly, mayDelete, now.getTime());
const stateIn = (observation: Parameters<typeof conditionsOf>[1], previous?: BitcoinNetworkStatus) => {
  const found = conditionsOf(mayfly, observation, previous, now, undefined).find(({ type }) => type === 'Expired');
  return found && `${found.status} ${found.reason} ${found.message}`;
};

describe('the condition Expired', () => {
  it('says when the network is deleted', () => {
    expect(stateIn({ ...observed, expiry: expiryOf(true) })).to.equal(
      'False TimeLeft the network is deleted at 2026-01-01T00:01:00Z, 60 s after its creation (spec.ttlSecondsAfterCreation)',
    );
  });

  it('says what keeps the network from being deleted', () => {
    expect(stateIn({ ...observed, expiry: expiryOf(false) })).to.match(
      /^False RightMissing the network should be deleted at 2026-01-01T00:01:00Z, .*\(chart value rbac\.deleteNetworks\)$/,
    );
  });

  it('is absent without a time, and as it was while the network is paused', () => {
    expect(stateIn(observed)).to.equal(undefined);
    const conditions = conditionsOf(mayfly, { ...observed, expiry: expiryOf(true) }, undefined, now, undefined);
    expect(stateIn({ isPaused: true, nodes: [] }, { conditions })).to.match(/^False TimeLeft /);
  });

  it('is True beside the other conditions when the network is deleted', () => {
    const conditions = conditionsOf(mayfly, { ...observed, expiry: expiryOf(true) }, undefined, now, undefined);
    const changed = withCondition({ ...mayfly, status: { conditions } }, 'Expired', expired(mayfly), now);
    const stateOf = (type: string) => changed.filter(one => one.type === type).map(({ status }) => status);
    expect([stateOf('Expired'), stateOf('Ready')]).to.deep.equal([['True'], ['True']]);
    expect(changed).to.have.length(conditions.length);
  });
});
