import { expect } from 'chai';
import { keyOf, type KubeObject } from '../../../src/kube/resource.ts';
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
    object({ ownerReferences: [{ apiVersion: 'shop/v1', kind: 'Owner', name: 'o', uid: 'u', controller: true, ...fields }] });
  const owners = { group: 'shop', kind: 'Owner', namespaced: true };

  it('is the key of the controlling owner of the resource, in whichever version', () => {
    expect(ownerKey(owned({}), owners)).to.equal('ns/o');
    expect(ownerKey(owned({ apiVersion: 'shop/v2' }), owners)).to.equal('ns/o');
    expect(ownerKey(owned({ apiVersion: 'v1' }), { ...owners, group: '' })).to.equal('ns/o');
  });

  it('is the name alone of an owner without a namespace, wherever the object is', () => {
    expect(ownerKey(owned({}), { ...owners, namespaced: false })).to.equal('o');
    expect(ownerKey(owned({}), { ...owners, namespaced: false })).to.equal(keyOf({ metadata: { name: 'o' } }));
    expect(ownerKey({ metadata: { ...owned({}).metadata, namespace: '' } }, { ...owners, namespaced: false })).to.equal('o');
  });

  it('is undefined for another kind or group, an owner that does not control, and without an owner', () => {
    expect(ownerKey(owned({}), { ...owners, kind: 'Other' })).to.equal(undefined);
    expect(ownerKey(owned({ apiVersion: 'v1' }), owners)).to.equal(undefined);
    expect(ownerKey(owned({ apiVersion: 'bank/v1' }), owners)).to.equal(undefined);
    expect(ownerKey(owned({ controller: false }), owners)).to.equal(undefined);
    expect(ownerKey(object(), owners)).to.equal(undefined);
  });
});
