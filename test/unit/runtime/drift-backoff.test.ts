import { expect } from 'chai';
import { DriftBackoff } from '../../../src/runtime/drift-backoff.ts';

describe('DriftBackoff', () => {
  let nowMs = 0;
  let drift: DriftBackoff;
  beforeEach(() => {
    nowMs = 0;
    drift = new DriftBackoff(() => nowMs);
  });

  /** Reverts drift if it may be reverted now. Returns how long to wait if not. */
  function revert(desired = 'digest'): number {
    const waitMs = drift.waitMs(desired);
    if (waitMs === 0) drift.count(desired);
    return waitMs;
  }

  function revertsWithin(ms: number): number {
    let count = 0;
    for (const end = nowMs + ms; nowMs < end; nowMs += 100) if (revert() === 0) count += 1;
    return count;
  }

  it('allows the first five reverts at once, and then ever fewer: less than 25 in an hour of constant drift', () => {
    expect(Array.from({ length: 5 }, () => revert())).to.deep.equal([0, 0, 0, 0, 0]);
    expect(revert()).to.equal(1_000);
    expect(revertsWithin(3_600_000)).to.be.lessThan(25);
    expect(revertsWithin(300_000)).to.be.within(1, 2);
  });

  it('never delays a change of the desired state', () => {
    for (let number = 0; number < 50; number += 1) expect(revert(`digest ${number}`)).to.equal(0);
  });

  it('does not count by being asked', () => {
    for (let number = 0; number < 50; number += 1) expect(drift.waitMs('digest')).to.equal(0);
  });

  it('starts from the beginning after ten minutes without a revert', () => {
    revertsWithin(60_000);
    nowMs += 600_000;
    expect(Array.from({ length: 5 }, () => revert())).to.deep.equal([0, 0, 0, 0, 0]);
  });
});
