import type { V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import { ApiError } from '../../../src/kube/api-error.ts';
import { statefulSetFor } from '../../../src/bitcoin/resources/stateful-set.ts';
import { apply, fieldManager } from '../../../src/runtime/apply.ts';
import { statefulSets } from '../../../src/controller/resource-types.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { network } from '../../support/builders.ts';

const pods = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };

/** An API server whose object was created by us, and that answers 422 to the first `refusals` patches. */
function serverThatRefuses(refusals: number): { readonly client: KubeClient; readonly calls: string[] } {
  const calls: string[] = [];
  const managedFields = [{ manager: fieldManager, operation: 'Update', apiVersion: 'apps/v1' }];
  const stored = { metadata: { name: 'alice-sts', namespace: 'default', managedFields } };
  const answer = (verb: string, object: unknown) => {
    calls.push(verb);
    return Promise.resolve(object);
  };
  const client = {
    get: () => answer('get', stored),
    apply: (_: unknown, object: unknown) => answer('apply', object),
    delete: () => answer('delete', {}),
    patch: () => {
      calls.push('patch');
      const isRefused = calls.filter(call => call === 'patch').length <= refusals;
      return isRefused ? Promise.reject(refused) : Promise.resolve(stored);
    },
  };
  return { client: client as unknown as KubeClient, calls };
}

const refused = new ApiError('patch statefulsets default/alice-sts', 422, { reason: 'Invalid' });

describe('the fields of what the controller created', () => {
  const wanted = (): V1StatefulSet => statefulSetFor(network(), undefined, pods);
  const changed = (): V1StatefulSet => ({ ...wanted(), spec: { ...wanted().spec!, replicas: 9 } });

  it('are claimed again when who owns what has changed in the same moment', async () => {
    const { client, calls } = serverThatRefuses(2);
    expect((await apply(client, statefulSets, wanted(), changed())).outcome).to.equal('updated');
    expect(calls).to.deep.equal(['get', 'patch', 'get', 'patch', 'get', 'patch', 'apply']);
  });

  it('never cost the object when they cannot be claimed: that is no field which cannot be changed', async () => {
    const { client, calls } = serverThatRefuses(Infinity);
    expect((await apply(client, statefulSets, wanted(), changed())).outcome).to.equal('failed');
    expect(calls).not.to.include('delete');
  });
});
