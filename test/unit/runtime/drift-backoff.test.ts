import { expect } from 'chai';
import { Repairs } from '../../../src/runtime/drift-backoff.ts';

describe('Repairs', () => {
  let nowMs = 0;
  let repairs: Repairs;
  beforeEach(() => {
    nowMs = 0;
    repairs = new Repairs(() => nowMs);
  });

  function repairFor(ms: number, wanted = 'digest'): number {
    let count = 0;
    for (const end = nowMs + ms; nowMs < end; nowMs += 100) if (repairs.take('ns/a', wanted) === 0) count += 1;
    return count;
  }

  it('lets the first five come at once, and then ever fewer: in an hour of somebody who changes it back at once not 25', () => {
    expect(Array.from({ length: 5 }, () => repairs.take('ns/a', 'digest'))).to.deep.equal([0, 0, 0, 0, 0]);
    expect(repairs.take('ns/a', 'digest')).to.equal(1_000);
    expect(repairFor(3_600_000)).to.be.lessThan(25);
    expect(repairFor(300_000)).to.be.within(1, 2);
  });

  it('never holds up a change of what is wanted', () => {
    for (let number = 0; number < 50; number += 1) expect(repairs.take('ns/a', `digest ${number}`)).to.equal(0);
  });

  it('counts each object for itself', () => {
    for (let number = 0; number < 6; number += 1) repairs.take('ns/a', 'digest');
    expect(repairs.take('ns/b', 'digest')).to.equal(0);
    expect(repairs.take('ns/a', 'digest')).to.equal(1_000);
  });

  it('begins anew after ten quiet minutes', () => {
    repairFor(60_000);
    nowMs += 600_000;
    expect(Array.from({ length: 5 }, () => repairs.take('ns/a', 'digest'))).to.deep.equal([0, 0, 0, 0, 0]);
  });
});
