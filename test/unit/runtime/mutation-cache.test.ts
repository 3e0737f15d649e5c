import FakeTimers, { type Clock } from '@sinonjs/fake-timers';
import { expect } from 'chai';
import type { KubeObject } from '../../../src/kube/resource.ts';
import { MutationCache } from '../../../src/runtime/mutation-cache.ts';

const object = (uid: string, resourceVersion: string) => ({ metadata: { name: 'a', namespace: 'n', uid, resourceVersion } });

describe('MutationCache', () => {
  let clock: Clock;
  let writes: MutationCache<ReturnType<typeof object>>;
  beforeEach(() => {
    clock = FakeTimers.install({ toFake: ['performance'] });
    writes = new MutationCache();
  });
  afterEach(() => clock.uninstall());

  it('returns the cached object when nothing was written, or the write is forgotten', () => {
    const cached = object('u', '5');
    expect(writes.newest(cached)).to.equal(cached);
    expect(writes.newest(undefined)).to.equal(undefined);
    writes.remember(object('u', '9'));
    writes.forget();
    expect(writes.newest(cached)).to.equal(cached);
  });

  it('returns the written object until the cache has it or a newer one, and then the cached one', () => {
    const written = object('u', '9');
    writes.remember(written);
    expect(writes.newest(undefined)).to.equal(written);
    expect(writes.newest(object('u', '8'))).to.equal(written);
    // Compared as numbers.
    const cached = object('u', '10');
    expect(writes.newest(cached)).to.equal(cached);
    expect(writes.newest(undefined)).to.equal(undefined);
  });

  it('returns a recreated object while the cache still has the former one of its name', () => {
    const written = object('new', '9');
    writes.remember(written);
    expect(writes.newest(object('old', '5'))).to.equal(written);
  });

  it('returns the cached object when it was recreated after the write', () => {
    writes.remember(object('old', '5'));
    const cached = object('new', '9');
    expect(writes.newest(cached)).to.equal(cached);
  });

  it('drops a write that the cache has not seen for 30 s', () => {
    const written = object('u', '9');
    const cached = object('u', '5');
    writes.remember(written);
    clock.tick(29_999);
    expect(writes.newest(cached)).to.equal(written);
    clock.tick(1);
    expect(writes.newest(cached)).to.equal(cached);
  });

  it('keeps no more of a write than the informer does', () => {
    const name = ({ metadata }: KubeObject): KubeObject => ({
      metadata: { name: metadata?.name ?? '', resourceVersion: metadata?.resourceVersion ?? '' },
    });
    const transformed = new MutationCache<KubeObject>(name);
    transformed.remember({ metadata: { name: 'a', resourceVersion: '2', annotations: { padding: 'x' } } });
    expect(transformed.newest(undefined)).to.deep.equal({ metadata: { name: 'a', resourceVersion: '2' } });
  });
});
