import { expect } from 'chai';
import { PerObject } from '../../../src/runtime/per-object.ts';

const object = (name: string, uid: string) => ({ metadata: { namespace: 'ns', name, uid } });

describe('PerObject', () => {
  let values: PerObject<{ readonly of: string }>;
  beforeEach(() => {
    values = new PerObject(({ metadata }) => ({ of: metadata?.uid ?? '' }));
  });

  it('keeps one value for each object', () => {
    const first = values.of(object('a', '1'));
    expect(values.of(object('a', '1'))).to.equal(first);
    expect(values.at('ns/a')).to.equal(first);
    expect(values.of(object('b', '2'))).to.deep.equal({ of: '2' });
  });

  it('makes another value for an object that is recreated under the same name', () => {
    const first = values.of(object('a', '1'));
    expect(values.of(object('a', '2'))).to.not.equal(first);
    expect(values.at('ns/a')).to.deep.equal({ of: '2' });
  });

  it('has no value after it was forgotten', () => {
    values.of(object('a', '1'));
    values.forget('ns/a');
    expect(values.at('ns/a')).to.equal(undefined);
  });
});
