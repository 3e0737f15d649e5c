import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { Deadline } from '../../../src/time/deadline.ts';
import { sleep } from '../../../src/time/sleep.ts';

describe('time limits', () => {
  let clock: Clock;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    expect(clock.countTimers()).to.equal(0);
    clock.uninstall();
  });

  describe('Deadline', () => {
    it('aborts at its time limit, with a TimeoutError that states the limit', () => {
      const deadline = new Deadline(500);
      clock.tick(499);
      expect(deadline.signal.aborted).to.equal(false);
      expect(deadline.remainingMs).to.equal(1);
      clock.tick(1);
      expect(deadline.signal.reason).to.include({ name: 'TimeoutError', message: 'no answer within 500 ms' });
    });

    it("aborts with the caller's signal and reason, also if that has aborted before", () => {
      const outer = new AbortController();
      const before = new Deadline(500, outer.signal);
      outer.abort('stop');
      const after = new Deadline(500, outer.signal);
      expect([before.signal.reason, after.signal.reason]).to.deep.equal(['stop', 'stop']);
      before.clear();
      after.clear();
    });

    it('restarts its time limit when extended', () => {
      const deadline = new Deadline(500);
      clock.tick(400);
      deadline.extend(500);
      clock.tick(499);
      expect(deadline.signal.aborted).to.equal(false);
      deadline.clear();
    });

    it('has no time limit with Infinity, and one that the timer can hold with more than that', () => {
      for (const ms of [Infinity, 2 ** 40]) {
        const deadline = new Deadline(ms);
        clock.tick(1_000_000);
        expect(deadline.signal.aborted, String(ms)).to.equal(false);
        deadline.clear();
      }
    });

    it("leaves no timer and no listener on the caller's signal once cleared", () => {
      const outer = new AbortController();
      new Deadline(500, outer.signal).clear();
      expect(getEventListeners(outer.signal, 'abort')).to.deep.equal([]);
    });
  });

  describe('sleep', () => {
    it('ends after its time, and leaves no listener', async () => {
      const { signal } = new AbortController();
      const slept = sleep(50, signal);
      await clock.tickAsync(50);
      await slept;
      expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
    });

    it('rejects with the reason of the signal as soon as that aborts', async () => {
      const controller = new AbortController();
      const slept = sleep(50, controller.signal).catch((error: unknown) => error);
      controller.abort('stop');
      expect(await slept).to.equal('stop');
      expect(await sleep(50, controller.signal).catch((error: unknown) => error)).to.equal('stop');
    });
  });
});
