import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { firstValueFrom, Subject } from 'rxjs';
import { ConcurrencyLimit } from '../../../src/runtime/concurrency-limit.ts';

/** No task of these takes so long. */
const longestMs = 60_000;

describe('ConcurrencyLimit', () => {
  it('runs at most as many tasks as its limit, in the order in which they came', async () => {
    const limit = new ConcurrencyLimit(2, longestMs);
    const started: number[] = [];
    const gates = [0, 1, 2, 3].map(() => new Subject<number>());
    const all = gates.map((gate, index) =>
      limit.run(() => {
        started.push(index);
        return firstValueFrom(gate);
      }),
    );
    await Promise.resolve();
    expect(started).to.deep.equal([0, 1]);
    gates[1]?.next(1);
    await all[1];
    await Promise.resolve();
    expect(started).to.deep.equal([0, 1, 2]);
    gates[0]?.next(0);
    await all[0];
    gates[2]?.next(2);
    await all[2];
    await Promise.resolve();
    gates[3]?.next(3);
    expect(await Promise.all(all)).to.deep.equal([0, 1, 2, 3]);
  });

  it('hands on the slot of a task that fails, and throws its error', async () => {
    const limit = new ConcurrencyLimit(1, longestMs);
    const failed = limit.run(() => Promise.reject(new Error('no')));
    const next = limit.run(() => Promise.resolve('next'));
    expect(await failed.catch((error: unknown) => (error as Error).message)).to.equal('no');
    expect(await next).to.equal('next');
  });

  it('keeps the slot of a task that hangs if it has no longest time', async () => {
    const clock = FakeTimers.install();
    try {
      const limit = new ConcurrencyLimit(1, Infinity);
      const hanging = new Subject<string>();
      const first = limit.run(() => firstValueFrom(hanging));
      let hasStarted = false;
      const second = limit.run(() => Promise.resolve((hasStarted = true)));
      await clock.tickAsync(longestMs);
      expect(hasStarted).to.equal(false);
      hanging.next('late');
      expect(await first).to.equal('late');
      expect(await second).to.equal(true);
    } finally {
      clock.uninstall();
    }
  });

  it('refuses a limit with which no task would run, and a time with which nothing would be limited', () => {
    for (const limit of [0, -1, 1.5, NaN, Infinity])
      expect(() => new ConcurrencyLimit(limit, longestMs)).to.throw(RangeError, 'limit must be an integer above 0');
    for (const ms of [0, -1, NaN]) expect(() => new ConcurrencyLimit(1, ms)).to.throw(RangeError, 'longestMs must be above 0');
  });

  it('hands on the slot of a task that takes too long, once, and returns what the task returns', async () => {
    const clock = FakeTimers.install();
    try {
      const limit = new ConcurrencyLimit(1, longestMs);
      const started: string[] = [];
      const gates = { hanging: new Subject<string>(), second: new Subject<string>(), third: new Subject<string>() };
      const run = (name: keyof typeof gates) =>
        limit.run(() => {
          started.push(name);
          return firstValueFrom(gates[name]);
        });
      const hanging = run('hanging');
      const second = run('second');
      const third = run('third');
      await clock.tickAsync(longestMs - 1);
      expect(started).to.deep.equal(['hanging']);
      await clock.tickAsync(1);
      expect(started).to.deep.equal(['hanging', 'second']);
      gates.hanging.next('late');
      expect(await hanging).to.equal('late');
      await clock.tickAsync(1);
      expect(started).to.deep.equal(['hanging', 'second']);
      gates.second.next('second');
      expect(await second).to.equal('second');
      gates.third.next('third');
      expect(await third).to.equal('third');
    } finally {
      clock.uninstall();
    }
  });
});
