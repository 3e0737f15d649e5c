import { expect } from 'chai';
import { BlocksThrottle, StatusThrottle } from '../../../../src/controller/status/status-throttle.ts';

describe('StatusThrottle', () => {
  let nowMs = 0;
  let throttle: StatusThrottle;

  beforeEach(() => {
    nowMs = 1_000;
    throttle = new StatusThrottle(() => nowMs);
  });

  /** The times at which a status that differs at every moment is written within `forMs`. */
  function writesWithin(forMs: number): number[] {
    const endMs = nowMs + forMs;
    const writes: number[] = [];
    for (; nowMs <= endMs; nowMs += 100) if (throttle.waitMs() === 0) writes.push(nowMs);
    return writes;
  }

  it('does not write progress at once: a later write may report more', () => {
    expect(throttle.waitMs()).to.equal(2_000);
  });

  it('counts the delay from the first unwritten progress, not from the last', () => {
    throttle.waitMs();
    nowMs += 1_500;
    expect(throttle.waitMs()).to.equal(500);
    nowMs += 500;
    expect(throttle.waitMs()).to.equal(0);
  });

  it('doubles the delay with each write, up to 8 s', () => {
    const writes = writesWithin(40_000);
    expect(writes.map((at, index) => at - (writes[index - 1] ?? 1_000))).to.deep.equal([
      2_000, 4_100, 8_100, 8_100, 8_100, 8_100,
    ]);
  });

  it('starts with the shortest delay again once the status was up to date or urgent', () => {
    writesWithin(60_000);
    throttle.reset();
    expect(throttle.waitMs()).to.equal(2_000);
  });
});

describe('BlocksThrottle', () => {
  it('writes a block at once after a pause, and then at most every 10 s, or a second for 20 nodes', () => {
    let nowMs = 0;
    const throttle = new BlocksThrottle(() => nowMs);
    expect(throttle.waitMs(5, false)).to.equal(0);
    throttle.noteWrite();
    nowMs = 4_000;
    expect([throttle.waitMs(5, false), throttle.waitMs(1_000, false)]).to.deep.equal([6_000, 46_000]);
    nowMs = 10_000;
    expect(throttle.waitMs(5, false)).to.equal(0);
  });

  it('waits for a second at most until all nodes have the block', () => {
    let nowMs = 0;
    const throttle = new BlocksThrottle(() => nowMs);
    expect(throttle.waitMs(5, true)).to.equal(1_000);
    nowMs = 400;
    expect(throttle.waitMs(5, true)).to.equal(600);
    expect(throttle.waitMs(5, false)).to.equal(0);
    nowMs = 1_000;
    expect(throttle.waitMs(5, true)).to.equal(0);
    throttle.noteWrite();
    nowMs = 20_000;
    expect(throttle.waitMs(5, true)).to.equal(1_000);
  });
});
