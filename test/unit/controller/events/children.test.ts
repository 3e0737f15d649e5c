import { expect } from 'chai';
import { childEvent, deletedEvent, statefulSetEvent } from '../../../../src/controller/events/children.ts';

const replicas = (count: number) => ({ spec: { replicas: count, selector: {}, template: {} } });

describe('the events of what was done to a network’s objects', () => {
  it('name the object, and distinguish a change that is wanted from one that another writer made', () => {
    const events = [
      childEvent('Service', 'alice-svc', 'created', false),
      childEvent('Service', 'alice-svc', 'updated', true),
      childEvent('Service', 'alice-svc', 'updated', false),
      childEvent('NetworkPolicy', 'alice-np', 'created', false),
      childEvent('NetworkPolicy', 'alice-np', 'updated', true),
      childEvent('NetworkPolicy', 'alice-np', 'updated', false),
      deletedEvent('NetworkPolicy', ['alice-np']),
    ];
    expect(events.map(({ reason, message }) => `${reason}: ${message}`)).to.deep.equal([
      'ServiceCreated: Created Service alice-svc',
      'ServiceRepaired: Reverted drift of Service alice-svc',
      'ServiceUpdated: Updated Service alice-svc',
      'ResourceCreated: Created NetworkPolicy alice-np',
      'ResourceRepaired: Reverted drift of NetworkPolicy alice-np',
      'ResourceUpdated: Updated NetworkPolicy alice-np',
      'ResourceDeleted: Deleted NetworkPolicy alice-np',
    ]);
  });

  it('say how a StatefulSet was scaled', () => {
    const events = [
      statefulSetEvent('alice-sts', 3, 'created', undefined),
      statefulSetEvent('alice-sts', 3, 'updated', replicas(2)),
      statefulSetEvent('alice-sts', 3, 'updated', replicas(3)),
      statefulSetEvent('alice-sts', 3, 'recreated', replicas(3)),
      deletedEvent('StatefulSet', ['alice-sts-old', 'alice-sts-new']),
    ];
    expect(events.map(({ reason, message }) => `${reason}: ${message}`)).to.deep.equal([
      'StatefulSetCreated: Created StatefulSet alice-sts with 3 nodes',
      'StatefulSetScaled: Scaled StatefulSet alice-sts from 2 to 3',
      'StatefulSetUpdated: Updated StatefulSet alice-sts',
      'StatefulSetRecreated: Recreated StatefulSet alice-sts to change immutable fields; its pods keep running',
      'StatefulSetDeleted: Deleted StatefulSet alice-sts-old, alice-sts-new, with all nodes',
    ]);
  });
});
