import { expect } from 'chai';
import { ApiError } from '../../../src/kube/api-error.ts';
import type { KubeObject } from '../../../src/kube/resource.ts';
import type { InformerOptions } from '../../../src/runtime/informer-options.ts';
import { MultiNamespaceCache } from '../../../src/runtime/multi-namespace-cache.ts';
import { sleep } from '../../../src/time/sleep.ts';
import { pods } from '../../support/fakes/fake-api-server.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';

const pod = (namespace: string, name: string): KubeObject => ({
  metadata: { namespace, name, uid: `${namespace}-${name}`, resourceVersion: '1', labels: { app: 'web' } },
});
const all = [pod('a', 'one'), pod('a', 'two'), pod('b', 'one')];

/** Lists the pods of a namespace, or all of them; then nothing happens. */
const client: InformerOptions<KubeObject>['client'] = {
  list: (_, options) =>
    Promise.resolve({
      ...{ apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '1' } },
      items: all.filter(({ metadata }) => [undefined, metadata?.namespace].includes(options?.namespace)) as never[],
    }),
  async *watch(_, { sendInitialEvents, signal }) {
    if (sendInitialEvents === true) throw new ApiError('watch', 400);
    await sleep(60_000, signal);
  },
};

for (const [what, namespaces] of [
  ['of the whole cluster', []],
  ['of two namespaces', ['a', 'b']],
] as const)
  describe(`MultiNamespaceCache ${what}`, () => {
    const stop = new AbortController();
    let running: Promise<void>;
    let cache: MultiNamespaceCache<KubeObject>;
    before(async () => {
      const indexers = { byApp: ({ metadata }: KubeObject) => [metadata?.labels?.['app'] ?? ''] };
      const options = { client, type: pods, logger: new RecordingLogger(), transform: (object: KubeObject) => object };
      cache = new MultiNamespaceCache({ ...options, namespaces, indexers });
      running = cache.run(stop.signal);
      for (const namespace of ['a', 'b']) await cache.informer(namespace)?.whenSynced();
    });
    after(async () => {
      stop.abort(new Error('the test is over'));
      await running;
    });
    const namesOf = (objects: readonly KubeObject[]) =>
      objects.map(({ metadata }) => `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`);

    it('finds by an index the objects of one namespace alone', () => {
      expect(namesOf(cache.byIndex('a', 'byApp', 'web'))).to.have.members(['a/one', 'a/two']);
      expect(namesOf(cache.byIndex('b', 'byApp', 'web'))).to.deep.equal(['b/one']);
      expect(cache.byIndex('c', 'byApp', 'web')).to.deep.equal([]);
    });

    it('has the objects of all namespaces, each under its key', () => {
      expect(namesOf(cache.all())).to.have.members(['a/one', 'a/two', 'b/one']);
      expect(cache.get('b/one')?.metadata?.uid).to.equal('b-one');
    });
  });
