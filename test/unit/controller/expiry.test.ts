import { expect } from 'chai';
import { Expiry } from '../../../src/controller/expiry.ts';
import { network } from '../../support/builders.ts';

const createdMs = Date.UTC(2026, 0, 1);
const mayfly = network(
  { ttlSecondsAfterCreation: 60 },
  // As the API server writes it.
  { creationTimestamp: '2026-01-01T00:00:00Z' as unknown as Date },
);

describe('the expiry of a network', () => {
  it('is the given number of seconds after its creation', () => {
    const at = (ms: number) => new Expiry().observe(mayfly, true, createdMs + ms);
    expect(at(0)).to.deep.equal({ atMs: createdMs + 60_000, isDue: false, dueInMs: 60_000, obstacle: undefined });
    expect(at(59_999)).to.deep.include({ isDue: false, dueInMs: 1 });
    expect(at(60_000)).to.deep.include({ isDue: true, dueInMs: undefined });
  });

  it('is none without such a number', () => {
    expect(new Expiry().observe(network(), true, createdMs)).to.equal(undefined);
  });

  it('never comes without the right, and names the chart value', () => {
    const state = new Expiry().observe(mayfly, false, createdMs + 60_000);
    expect(state).to.deep.include({ isDue: false, dueInMs: undefined });
    expect(state?.obstacle).to.deep.equal({
      reason: 'RightMissing',
      message: 'ttlSecondsAfterCreation: the controller may not delete networks (chart value rbac.deleteNetworks)',
    });
  });

  it('is tried again some time after the API server has refused it, and reports the refusal until it succeeds', () => {
    const expiry = new Expiry();
    expiry.noteRefusal('a policy forbids it', createdMs + 100_000);
    expect(expiry.observe(mayfly, true, createdMs + 99_999)?.isDue).to.equal(false);
    const later = expiry.observe(mayfly, true, createdMs + 100_000);
    expect(later?.isDue).to.equal(true);
    expect(later?.obstacle?.reason).to.equal('DeletionRefused');
    expect(later?.obstacle?.message).to.include('a policy forbids it').and.include('rbac.deleteNetworks');
  });
});
