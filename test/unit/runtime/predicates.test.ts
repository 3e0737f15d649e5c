import { expect } from 'chai';
import type { KubeObject } from '../../../src/kube/resource.ts';
import { ownerKey, specChanged } from '../../../src/runtime/predicates.ts';

const object = (fields: object = {}): KubeObject => ({ metadata: { name: 'a', namespace: 'ns', uid: '1', ...fields } });

describe('specChanged', () => {
  const before = object({ generation: 1, resourceVersion: '1' });

  it('is true for a new object', () => {
    expect(specChanged(before, undefined)).to.equal(true);
  });

  it('is false if only the status changed: the generation is the same', () => {
    expect(specChanged(object({ generation: 1, resourceVersion: '2' }), before)).to.equal(false);
  });

  for (const [what, fields] of [
    ['the spec', { generation: 2 }],
    ['a label', { generation: 1, labels: { a: 'b' } }],
    ['an annotation', { generation: 1, annotations: { a: 'b' } }],
    ['an owner', { generation: 1, ownerReferences: [] }],
    ['its deletion', { generation: 1, deletionTimestamp: '2026-01-01T00:00:00Z' }],
    ['the object itself', { generation: 1, uid: '2' }],
  ] as const)
    it(`is true if ${what} changed`, () => expect(specChanged(object(fields), before)).to.equal(true));

  it('is true for every change of an object without a generation', () => {
    expect(specChanged(object({ resourceVersion: '2' }), object({ resourceVersion: '1' }))).to.equal(true);
  });
});

describe('ownerKey', () => {
  const owned = (fields: object) =>
    object({ ownerReferences: [{ apiVersion: 'v1', kind: 'Owner', name: 'o', uid: 'u', controller: true, ...fields }] });

  it('is the key of the controlling owner of the kind', () => {
    expect(ownerKey(owned({}), 'Owner')).to.equal('ns/o');
  });

  it('is undefined for another kind, an owner that does not control, and without an owner', () => {
    expect(ownerKey(owned({}), 'Other')).to.equal(undefined);
    expect(ownerKey(owned({ controller: false }), 'Owner')).to.equal(undefined);
    expect(ownerKey(object(), 'Owner')).to.equal(undefined);
  });
});
