import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { TokenBucket } from '../../../src/time/token-bucket.ts';

describe('TokenBucket', () => {
  let clock: Clock;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
  });
  afterEach(() => {
    expect(clock.countTimers()).to.equal(0);
    clock.uninstall();
  });

  it('grants its burst at once, then one token every 1/qps seconds', () => {
    const bucket = new TokenBucket({ qps: 10, burst: 3 });
    expect([bucket.reserve(), bucket.reserve(), bucket.reserve()]).to.deep.equal([0, 0, 0]);
    expect([bucket.reserve(), bucket.reserve()]).to.deep.equal([100, 200]);
    clock.tick(1_000);
    expect(bucket.reserve()).to.equal(0);
  });

  it('never holds more than its burst', () => {
    const bucket = new TokenBucket({ qps: 10, burst: 2 });
    clock.tick(1_000_000);
    expect([bucket.reserve(), bucket.reserve(), bucket.reserve()]).to.deep.equal([0, 0, 100]);
  });

  it('serves waiting callers in order, each when its token is available', async () => {
    const bucket = new TokenBucket({ qps: 10, burst: 1 });
    const served: string[] = [];
    for (const name of ['a', 'b', 'c']) void bucket.take().then(waitedMs => served.push(`${name} ${waitedMs}`));
    await clock.tickAsync(100);
    expect(served).to.deep.equal(['a 0', 'b 100']);
    await clock.tickAsync(100);
    expect(served).to.deep.equal(['a 0', 'b 100', 'c 200']);
  });

  it('returns the token of an aborted wait, and leaves no timer', async () => {
    const bucket = new TokenBucket({ qps: 10, burst: 1 });
    bucket.reserve();
    const controller = new AbortController();
    const wait = bucket.take(controller.signal).catch((error: unknown) => error);
    controller.abort(new Error('enough'));
    expect(await wait).to.have.property('message', 'enough');
    expect(bucket.reserve()).to.equal(100);
  });

  it('ignores jumps of the wall clock', () => {
    const bucket = new TokenBucket({ qps: 10, burst: 1 });
    bucket.reserve();
    clock.setSystemTime(Date.now() + 3_600_000);
    expect(bucket.reserve()).to.equal(100);
    clock.setSystemTime(0);
    expect(bucket.reserve()).to.equal(200);
  });
});
