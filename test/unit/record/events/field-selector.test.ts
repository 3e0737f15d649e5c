import { expect } from 'chai';
import { getFieldSelector } from '../../../../src/record/events/event.ts';

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  name: 'test-deployment',
  uid: '2c55cad7-ee4e-11e9-abe1-525400e7bc6b',
};

describe('getFieldSelector (TestGetFieldSelector)', () => {
  for (const [version, prefix] of [
    ['events.k8s.io/v1beta1', 'regarding'],
    ['events.k8s.io/v1', 'regarding'],
    ['v1', 'involvedObject'],
  ] as const) {
    it(`selects nothing in ${version} without an object`, () => {
      expect(getFieldSelector(version, {})).to.equal('');
      expect(getFieldSelector(version, { apiVersion: '', kind: '', name: '', uid: '' })).to.equal('');
    });

    it(`selects by every known field of the object in ${version}`, () => {
      expect(getFieldSelector(version, deployment)).to.equal(
        `${prefix}.apiVersion=apps/v1,${prefix}.kind=Deployment,${prefix}.name=test-deployment,${prefix}.uid=${deployment.uid}`,
      );
    });
  }

  it('refuses a version that does not exist', () => {
    expect(() => getFieldSelector('v1alpha1', deployment)).to.throw(RangeError, 'unknown version v1alpha1');
  });

  it('escapes the special characters of a selector in values', () => {
    expect(getFieldSelector('v1', { name: 'a,b=c\\d' })).to.equal('involvedObject.name=a\\,b\\=c\\\\d');
  });
});
