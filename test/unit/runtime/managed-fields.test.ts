import type { V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import { ApiError, apiStatusCode } from '../../../src/kube/api-error.ts';
import { claimCreatedFields } from '../../../src/runtime/managed-fields.ts';
import { apply, type ApplyClient } from '../../../src/runtime/apply.ts';
import { statefulSets } from '../../../src/controller/resource-types.ts';
import { network, statefulSetOf } from '../../support/builders.ts';

const fieldManager = 'bitcoin-controller';
const options = { fieldManager, digestAnnotation: 'example.org/applied' };
const pods = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };

/** An API server whose object was created by us, and that answers 422 to the first `refusals` patches. */
function serverThatRefuses(refusals: number): { readonly client: ApplyClient; readonly calls: string[] } {
  const calls: string[] = [];
  const managedFields = [{ manager: fieldManager, operation: 'Update', apiVersion: 'apps/v1' }];
  const stored = { metadata: { name: 'alice-sts', namespace: 'default', managedFields } };
  const answer = <T>(verb: string, object: unknown) => {
    calls.push(verb);
    return Promise.resolve(object as T);
  };
  const client: ApplyClient = {
    get: () => answer('get', stored),
    create: () => answer('create', stored),
    apply: (_, object) => answer('apply', object),
    delete: () => answer('delete', {}),
    patch: () => {
      const isRefused = calls.filter(call => call === 'patch').length < refusals;
      return isRefused ? answer('patch', undefined).then(() => Promise.reject(refused)) : answer('patch', stored);
    },
  };
  return { client, calls };
}

const refused = new ApiError('patch statefulsets default/alice-sts', 422, { reason: 'Invalid' });

describe('the fields that the controller created', () => {
  const wanted = (): V1StatefulSet => statefulSetOf(network(), undefined, pods);
  const changed = (): V1StatefulSet => ({ ...wanted(), spec: { ...wanted().spec!, replicas: 9 } });

  it('are claimed again when another writer changes the managed fields at the same moment', async () => {
    const { client, calls } = serverThatRefuses(2);
    expect((await apply(client, statefulSets, wanted(), changed(), options)).outcome).to.equal('updated');
    expect(calls).to.deep.equal(['get', 'patch', 'get', 'patch', 'get', 'patch', 'apply']);
  });

  it('are claimed without those of other writers that a recreated object was created with', async () => {
    const fieldsV1 = { 'f:spec': { 'f:template': { 'f:a/b': {}, 'f:own': {} }, 'f:map': { '.': {}, 'f:c': {} } } };
    const patches: unknown[] = [];
    const client = {
      get: () =>
        Promise.resolve({ metadata: { managedFields: [{ manager: fieldManager, operation: 'Update', fieldsV1 }] } } as never),
      patch: (_: unknown, __: unknown, patch: unknown) => Promise.resolve(patches.push(patch) as never),
    };
    const foreign = [
      ['f:spec', 'f:template', 'f:a/b'],
      ['f:spec', 'f:template', 'f:absent'],
      ['f:spec', 'f:map', 'f:c'],
    ];
    const name = { namespace: 'default', name: 'alice-sts' };
    await claimCreatedFields(client, statefulSets, name, { manager: fieldManager, foreign });
    expect(patches).to.deep.equal([
      [
        { op: 'test', path: '/metadata/managedFields/0/manager', value: fieldManager },
        { op: 'test', path: '/metadata/managedFields/0/operation', value: 'Update' },
        { op: 'replace', path: '/metadata/managedFields/0/operation', value: 'Apply' },
        { op: 'remove', path: '/metadata/managedFields/0/fieldsV1/f:spec/f:template/f:a~1b' },
        // Nothing else in the map is ours.
        { op: 'remove', path: '/metadata/managedFields/0/fieldsV1/f:spec/f:map' },
      ],
    ]);
  });

  it('do not cost the object when they cannot be claimed: that is not the change of an immutable field', async () => {
    const { client, calls } = serverThatRefuses(Infinity);
    const applied = apply(client, statefulSets, wanted(), changed(), { ...options, recreate: true });
    expect(apiStatusCode(await applied.catch((error: unknown) => error))).to.equal(422);
    expect(calls).not.to.include('delete');
  });
});
