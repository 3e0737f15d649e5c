import { expect } from 'chai';
import fc from 'fast-check';
import { type Change, ObjectStore } from '../../../src/runtime/object-store.ts';
import { stripManagedFields } from '../../../src/runtime/transform.ts';
import type { KubeObject } from '../../../src/kube/resource.ts';

const object = (name: string, version: number, fields: { uid?: string; namespace?: string; app?: string } = {}): KubeObject => {
  const { uid = `uid-${name}`, namespace = 'default', app } = fields;
  return {
    metadata: { name, namespace, uid, resourceVersion: String(version), ...(app === undefined ? {} : { labels: { app } }) },
  };
};
const summary = (changes: readonly Change<KubeObject>[]): string[] =>
  changes.map(({ type, object: { metadata } }) => `${type} ${metadata?.name ?? ''} ${metadata?.uid ?? ''}`);
const byApp = { app: ({ metadata }: KubeObject) => (metadata?.labels?.app === undefined ? [] : [metadata.labels.app]) };

describe('ObjectStore', () => {
  it('returns what was added, updated or deleted, with the previous state', () => {
    const store = new ObjectStore();
    expect(summary(store.set(object('a', 1)))).to.deep.equal(['added a uid-a']);
    const [update] = store.set(object('a', 2));
    expect(update).to.deep.include({ type: 'updated', old: object('a', 1) });
    expect(store.delete(object('a', 3))).to.deep.equal([{ type: 'deleted', object: object('a', 3) }]);
    expect([store.size, store.delete(object('a', 3))]).to.deep.equal([0, []]);
  });

  it('returns no change for an object that it has in the same version', () => {
    const store = new ObjectStore();
    store.set(object('a', 1));
    expect(store.set(object('a', 1))).to.deep.equal([]);
  });

  it('returns a deletion and an addition, not an update, for an object that was recreated', () => {
    const store = new ObjectStore();
    store.set(object('a', 1, { uid: 'first' }));
    expect(summary(store.set(object('a', 5, { uid: 'second' })))).to.deep.equal(['deleted a first', 'added a second']);
    expect(summary(store.replace([object('a', 9, { uid: 'third' })]))).to.deep.equal(['deleted a second', 'added a third']);
  });

  it('returns deletions for what is missing in a replacement, before all other changes', () => {
    const store = new ObjectStore();
    store.replace([object('a', 1), object('b', 1), object('c', 1)]);
    const changes = store.replace([object('b', 1), object('c', 2), object('d', 3)]);
    expect(summary(changes)).to.deep.equal(['deleted a uid-a', 'updated c uid-c', 'added d uid-d']);
  });

  it('refuses an unknown index', () => {
    expect(() => new ObjectStore().byIndex('app', 'x')).to.throw(RangeError, 'there is no index app');
  });

  it('has the same content as a map, with correct indexes, after any sequence of events', () => {
    const step = fc.record({
      kind: fc.constantFrom('set' as const, 'delete' as const, 'replace' as const),
      name: fc.constantFrom('a', 'b', 'c'),
      uid: fc.constantFrom('1', '2'),
      app: fc.constantFrom('x', 'y', undefined),
      namespace: fc.constantFrom('n', 'm'),
    });
    const run = (steps: (typeof step extends fc.Arbitrary<infer S> ? S : never)[]) => {
      const store = new ObjectStore(byApp);
      const model = new Map<string, KubeObject>();
      const heard = new Map<string, KubeObject>();
      for (const [index, { kind, name, uid, app, namespace }] of steps.entries()) {
        const each = object(name, index, { uid, namespace, ...(app === undefined ? {} : { app }) });
        const key = `${namespace}/${name}`;
        if (kind === 'replace') model.clear();
        if (kind === 'delete') model.delete(key);
        else model.set(key, each);
        const changes = kind === 'replace' ? store.replace([each]) : store[kind](each);
        for (const { type, object: changed } of changes) {
          const at = `${changed.metadata?.namespace ?? ''}/${changed.metadata?.name ?? ''}`;
          expect(heard.has(at), `${type} ${at}`).to.equal(type !== 'added');
          if (type === 'deleted') heard.delete(at);
          else heard.set(at, changed);
        }
      }
      const sorted = (objects: Iterable<KubeObject>) => [...objects].map(each => JSON.stringify(each)).sort();
      expect(sorted(store.values())).to.deep.equal(sorted(model.values()));
      expect(sorted(heard.values()), 'who only listens knows the same').to.deep.equal(sorted(model.values()));
      for (const app of ['x', 'y'])
        expect(sorted(store.byIndex('app', app))).to.deep.equal(
          sorted([...model.values()].filter(each => each.metadata?.labels?.app === app)),
        );
    };
    fc.assert(fc.property(fc.array(step, { maxLength: 30 }), run), { numRuns: 500 });
  });
});

describe('stripManagedFields', () => {
  it("removes managedFields and kubectl's last-applied-configuration, and nothing else", () => {
    const stored = {
      metadata: {
        name: 'a',
        managedFields: [{ manager: 'kubectl' }],
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': '{}', mine: 'kept' },
      },
      spec: { any: 1 },
    };
    expect(stripManagedFields(stored)).to.deep.equal({
      metadata: { name: 'a', annotations: { mine: 'kept' } },
      spec: { any: 1 },
    });
    expect(stripManagedFields({})).to.deep.equal({});
  });
});
