import { expect } from 'chai';
import { apiVersionOf, keyOf, resourcePath, type ResourceType } from '../../../src/kube/resource.ts';

const pods: ResourceType = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
const leases: ResourceType = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease', namespaced: true };
const nodes: ResourceType = { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false };

describe('resourcePath', () => {
  it('is the path of a collection or an object, with and without group and namespace', () => {
    expect(resourcePath(pods, {})).to.equal('/api/v1/pods');
    expect(resourcePath(pods, { namespace: 'a' })).to.equal('/api/v1/namespaces/a/pods');
    expect(resourcePath(leases, { namespace: 'a', name: 'b' })).to.equal('/apis/coordination.k8s.io/v1/namespaces/a/leases/b');
    expect(resourcePath(nodes, { name: 'n' })).to.equal('/api/v1/nodes/n');
    expect(resourcePath(pods, { namespace: 'a', name: 'b', subresource: 'status' })).to.equal(
      '/api/v1/namespaces/a/pods/b/status',
    );
  });

  it('never leads to another path, whatever a name contains', () => {
    expect(resourcePath(pods, { namespace: 'a', name: 'b/../c?d#e' })).to.equal('/api/v1/namespaces/a/pods/b%2F..%2Fc%3Fd%23e');
    for (const name of ['', '.', '..'])
      expect(() => resourcePath(pods, { namespace: 'a', name })).to.throw(TypeError, 'is not a valid name');
    expect(() => resourcePath(pods, { namespace: '..', name: 'b' })).to.throw(TypeError, 'is not a valid name');
    expect(() => resourcePath(pods, { name: 'b' })).to.throw(TypeError, 'a namespace is required');
  });
});

describe('keyOf', () => {
  it('is "namespace/name", or the name of an object without a namespace', () => {
    expect(keyOf({ metadata: { namespace: 'a', name: 'b' } })).to.equal('a/b');
    expect(keyOf({ metadata: { name: 'b' } })).to.equal('b');
    expect(keyOf({ metadata: { namespace: '', name: 'b' } })).to.equal('b');
  });
});

describe('apiVersionOf', () => {
  it('is only the version in the core group', () => {
    expect([apiVersionOf(pods), apiVersionOf(leases)]).to.deep.equal(['v1', 'coordination.k8s.io/v1']);
  });
});
