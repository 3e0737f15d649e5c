import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import { LatestWrites } from '../../../src/runtime/mutation-cache.ts';

const object = (uid: string, resourceVersion: string) => ({ metadata: { name: 'a', namespace: 'n', uid, resourceVersion } });

describe('LatestWrites', () => {
  let clock: Clock;
  let writes: LatestWrites<ReturnType<typeof object>>;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['performance'] });
    writes = new LatestWrites();
  });
  afterEach(() => clock.uninstall());

  it('gives the cached object when nothing was written, or what was is forgotten', () => {
    const cached = object('u', '5');
    expect(writes.newest('n/a', cached)).to.equal(cached);
    expect(writes.newest('n/a', undefined)).to.equal(undefined);
    writes.remember('n/a', object('u', '9'));
    writes.forget('n/a');
    expect(writes.newest('n/a', cached)).to.equal(cached);
  });

  it('gives what was written until the cache holds it or something newer, and then the cache', () => {
    const written = object('u', '9');
    writes.remember('n/a', written);
    expect(writes.newest('n/a', undefined)).to.equal(written);
    expect(writes.newest('n/a', object('u', '8'))).to.equal(written);
    // Compared as numbers.
    const cached = object('u', '10');
    expect(writes.newest('n/a', cached)).to.equal(cached);
    expect(writes.newest('n/a', undefined)).to.equal(undefined);
  });

  it('gives what was written anew while the cache still holds the object of that name before it', () => {
    const written = object('new', '9');
    writes.remember('n/a', written);
    expect(writes.newest('n/a', object('old', '5'))).to.equal(written);
  });

  it('gives what the cache holds when that was made anew after the write', () => {
    writes.remember('n/a', object('old', '5'));
    const cached = object('new', '9');
    expect(writes.newest('n/a', cached)).to.equal(cached);
  });

  it('gives up a write that the cache has not seen for 30 s', () => {
    const written = object('u', '9');
    const cached = object('u', '5');
    writes.remember('n/a', written);
    clock.tick(29_999);
    expect(writes.newest('n/a', cached)).to.equal(written);
    clock.tick(1);
    expect(writes.newest('n/a', cached)).to.equal(cached);
  });
});
