import { expect } from 'chai';
import { getPartialReference, getReference, NilObjectError, type Referable } from '../../../../src/record/pipeline/reference.ts';

describe('getReference', () => {
  for (const apiVersion of ['v1', 'foo.group/v3'])
    it(`takes ${apiVersion} from the lookup if the object says nothing (TestGetReferenceRefVersion)`, () => {
      expect(getReference({ metadata: {} }, () => ({ apiVersion, kind: 'Test' }))).to.deep.equal({ apiVersion, kind: 'Test' });
    });

  it('refuses an object without a kind if there is no lookup (TestGetReferenceNilScheme)', () => {
    expect(() => getReference({ metadata: {} })).to.throw('object has no kind; set `kindOf`');
    expect(() => getReference({ metadata: { name: 'a' } }, () => undefined)).to.throw(
      'object a has no kind, and `kindOf` does not know it',
    );
  });

  it('needs no lookup if the object has its kind (TestGetReferenceNilSchemeWithPopulatedGVK)', () => {
    const object = { apiVersion: 'foo.group/v3', kind: 'Bar', metadata: { name: 'a-name' } };
    expect(getReference(object)).to.deep.equal({ apiVersion: 'foo.group/v3', kind: 'Bar', name: 'a-name' });
  });

  it('copies from an object the fields that identify it, and no others', () => {
    const metadata = { name: 'n', namespace: 'ns', uid: 'u', resourceVersion: '5', labels: { a: 'b' } };
    expect(getReference({ apiVersion: 'v1', kind: 'Pod', metadata })).to.deep.equal({
      apiVersion: 'v1',
      kind: 'Pod',
      name: 'n',
      namespace: 'ns',
      uid: 'u',
      resourceVersion: '5',
    });
    expect(getReference({ apiVersion: 'v1', kind: 'PodList', metadata: { resourceVersion: '5' } })).to.deep.equal({
      apiVersion: 'v1',
      kind: 'PodList',
      resourceVersion: '5',
    });
  });

  it('accepts an object that has only half of its type', () => {
    const kindOf = () => expect.fail('the object has said it');
    expect(getReference({ kind: 'Pod', metadata: {} }, kindOf)).to.deep.equal({ kind: 'Pod' });
  });

  it('returns a reference as it is, even an empty one', () => {
    const reference = { kind: 'Pod', name: 'a', fieldPath: 'spec' };
    expect(getReference(reference)).to.equal(reference);
    expect(getReference({})).to.deep.equal({});
  });

  it('refuses a value that is no object', () => {
    for (const nothing of [null, undefined])
      expect(() => getReference(nothing)).to.throw(NilObjectError, "can't reference a nil object");
    for (const other of ['text', { metadata: undefined }])
      expect(() => getReference(other as Referable)).to.throw('not a Kubernetes object');
    expect(() => getReference({ metadata: null } as unknown as Referable)).to.throw(
      'not a Kubernetes object: it has no metadata',
    );
  });
});

describe('getPartialReference', () => {
  it('adds the field path, and does not change its argument', () => {
    const reference = { kind: 'Pod', name: 'a' };
    expect(getPartialReference(reference, 'spec.containers[2]')).to.deep.equal({
      kind: 'Pod',
      name: 'a',
      fieldPath: 'spec.containers[2]',
    });
    expect(reference).not.to.have.property('fieldPath');
  });
});
