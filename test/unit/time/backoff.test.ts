import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { Backoff } from '../../../src/time/backoff.ts';

describe('Backoff', () => {
  let clock: Clock;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['performance'] });
  });
  afterEach(() => {
    clock.uninstall();
  });

  const pauses = (backoff: Backoff, count: number): number[] =>
    Array.from({ length: count }, () => {
      const pauseMs = backoff.next();
      clock.tick(pauseMs);
      return pauseMs;
    });

  it('doubles from 0.8 s to 30 s', () => {
    const expected = [800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000];
    expect(pauses(new Backoff({ random: () => 0 }), 8)).to.deep.equal(expected);
  });

  it('adds up to as much again at random, so that clients spread out', () => {
    expect(pauses(new Backoff({ random: () => 0.5 }), 3)).to.deep.equal([1_200, 2_400, 4_800]);
  });

  it('starts over after two minutes without a failure, and not before', () => {
    const backoff = new Backoff({ random: () => 0 });
    pauses(backoff, 3);
    clock.tick(119_999);
    expect(backoff.next()).to.equal(6_400);
    clock.tick(6_400 + 120_001);
    expect(backoff.next()).to.equal(800);
  });
});
