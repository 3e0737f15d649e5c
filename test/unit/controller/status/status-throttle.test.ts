import { expect } from 'chai';
import { StatusPace } from '../../../../src/controller/status/status-throttle.ts';

describe('StatusPace', () => {
  let nowMs = 0;
  let pace: StatusPace;

  beforeEach(() => {
    nowMs = 1_000;
    pace = new StatusPace(() => nowMs);
  });

  /** The times at which a status that differs at every moment is written within `forMs`. */
  function writesWithin(forMs: number): number[] {
    const endMs = nowMs + forMs;
    const writes: number[] = [];
    for (; nowMs <= endMs; nowMs += 100) if (pace.waitMs('default/alice') === 0) writes.push(nowMs);
    return writes;
  }

  it('writes nothing at once: what comes next may say it all', () => {
    expect(pace.waitMs('default/alice')).to.equal(2_000);
  });

  it('counts the wait from the first difference, not from the last', () => {
    pace.waitMs('default/alice');
    nowMs += 1_500;
    expect(pace.waitMs('default/alice')).to.equal(500);
    nowMs += 500;
    expect(pace.waitMs('default/alice')).to.equal(0);
  });

  it('waits twice as long each time, and at most 8 s', () => {
    const writes = writesWithin(40_000);
    expect(writes.map((at, index) => at - (writes[index - 1] ?? 1_000))).to.deep.equal([
      2_000, 4_100, 8_100, 8_100, 8_100, 8_100,
    ]);
  });

  it('starts with the shortest wait again once the status was right or urgent', () => {
    writesWithin(60_000);
    pace.forget('default/alice');
    expect(pace.waitMs('default/alice')).to.equal(2_000);
  });

  it('keeps networks apart', () => {
    writesWithin(10_000);
    expect(pace.waitMs('default/bob')).to.equal(2_000);
  });
});
