import { expect } from 'chai';
import { ApiError } from '../../../src/kube/api-error.ts';
import type { KubeObject } from '../../../src/kube/resource.ts';
import { CacheSet } from '../../../src/runtime/cache-set.ts';
import { MultiNamespaceCache } from '../../../src/runtime/multi-namespace-cache.ts';
import type { InformerOptions } from '../../../src/runtime/informer-options.ts';
import { pods } from '../../support/fakes/fake-api-server.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';
import { until } from '../../support/until.ts';

const services = { ...pods, plural: 'services', kind: 'Service' };
type Client = InformerOptions<KubeObject>['client'];

/** Lists nothing for every resource and namespace, unless `failures` has an error for "plural namespace" or `silent` contains it. */
class FakeLists {
  readonly failures = new Map<string, Error>();
  readonly silent = new Set<string>();

  readonly client: Client = {
    list: (type, options) => {
      const { namespace = '', signal } = options ?? {};
      const key = `${type.plural} ${namespace}`;
      const failure = this.failures.get(key);
      if (failure !== undefined) return Promise.reject(failure);
      if (this.silent.has(key)) return untilAborted(signal);
      return Promise.resolve({ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '1' }, items: [] });
    },
    // A watch on which nothing happens.
    async *watch(_, { sendInitialEvents, signal }) {
      if (sendInitialEvents === true) throw new ApiError('watch', 400);
      await untilAborted(signal);
    },
  };
}

const untilAborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    const onAbort = () => reject(new Error('stopped'));
    if (signal?.aborted === true) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
  });

describe('CacheSet', () => {
  let lists: FakeLists;
  let stop: AbortController;
  let running: Promise<void> | undefined;
  let synced: string[];
  beforeEach(() => {
    lists = new FakeLists();
    stop = new AbortController();
    running = undefined;
    synced = [];
  });
  afterEach(async () => {
    stop.abort(new Error('the test is over'));
    await running;
  });

  function start(...namespaces: string[]): CacheSet {
    const options = {
      client: lists.client,
      namespaces,
      logger: new RecordingLogger(),
      transform: (object: KubeObject) => object,
    };
    const set = new CacheSet([pods, services].map(type => new MultiNamespaceCache({ ...options, type })));
    set.synced.subscribe(namespace => synced.push(namespace));
    running = set.run(stop.signal);
    return set;
  }
  const refused = new ApiError('list pods in b', 403, { reason: 'Forbidden', message: 'user "x" cannot list pods' });

  it('is ready when all caches have listed all namespaces', async () => {
    lists.silent.add('services b');
    const set = start('a', 'b');
    await until(() => set.hasSynced('a'));
    expect(set.hasSynced('b')).to.equal(false);
    expect(set.check()).to.equal('not listed yet: services in b');
    expect(synced).to.deep.equal(['a']);
  });

  it('is ready without a namespace that cannot be listed, and names it without the message of the API server', async () => {
    lists.failures.set('pods b', refused);
    const set = start('a', 'b');
    await set.whenReady(stop.signal);
    expect([set.hasSynced('a'), set.hasSynced('b')]).to.deep.equal([true, false]);
    expect(set.check()).to.deep.equal({ warning: 'failing: pods in b (403 Forbidden)' });
  });

  it('is not ready while no namespace can be listed', async () => {
    lists.failures.set('pods a', refused).set('services b', new Error('connection refused'));
    const set = start('a', 'b');
    await until(() => set.check() === 'not listed yet: pods in a, services in b');
    expect(set.hasSynced('a')).to.equal(false);
    expect(synced).to.deep.equal([]);
  });

  it('never has a namespace that is not watched', async () => {
    const set = start('a');
    await set.whenReady(stop.signal);
    expect(set.hasSynced('other')).to.equal(false);
  });

  it('has every namespace when all of the cluster are watched', async () => {
    const set = start();
    await set.whenReady(stop.signal);
    expect([set.hasSynced('a'), set.hasSynced('')]).to.deep.equal([true, true]);
    expect(synced).to.deep.equal(['']);
    expect(set.check()).to.equal(undefined);
  });

  it('rejects whenReady with the reason of its signal', async () => {
    lists.silent.add('pods a');
    const set = start('a');
    const ready = set.whenReady(stop.signal).catch((error: unknown) => error);
    stop.abort(new Error('enough'));
    expect(await ready).to.have.property('message', 'enough');
  });

  it('names five of many informers that fail', async () => {
    const namespaces = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    for (const namespace of namespaces.slice(1)) lists.failures.set(`pods ${namespace}`, refused);
    const set = start(...namespaces);
    await set.whenReady(stop.signal);
    expect(set.check())
      .to.have.property('warning')
      .that.matches(/^failing: (pods in [b-f] \(403 Forbidden\)(, )?){5} and 1 more$/);
  });
});
