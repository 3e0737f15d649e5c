import { expect } from 'chai';
import { Subject } from 'rxjs';
import type { KubeObject } from '../../../src/kube/resource.ts';
import type { Change } from '../../../src/runtime/object-store.ts';
import { specChanged } from '../../../src/runtime/predicates.ts';
import { requestsForObjects, requestsForOwners } from '../../../src/runtime/requests.ts';

const object = (name: string, fields: object = {}): KubeObject => ({ metadata: { name, namespace: 'ns', uid: name, ...fields } });

describe('requestsForObjects', () => {
  it('requests every object that the informer has, and then each that is added, updated or deleted', () => {
    const changes = new Subject<Change<KubeObject>>();
    const keys: string[] = [];
    requestsForObjects({ changes, list: () => [object('a'), object('b')] }).subscribe(({ key }) => keys.push(key));
    expect(keys).to.deep.equal(['ns/a', 'ns/b']);
    changes.next({ type: 'added', object: object('c') });
    changes.next({ type: 'updated', object: object('a'), old: object('a') });
    changes.next({ type: 'deleted', object: object('b') });
    expect(keys.slice(2)).to.deep.equal(['ns/c', 'ns/a', 'ns/b']);
  });

  it('reads a MultiNamespaceCache as well, when it is subscribed to', () => {
    const objects: KubeObject[] = [];
    const keys: string[] = [];
    const requests = requestsForObjects({ changes: new Subject<Change<KubeObject>>(), all: () => objects });
    objects.push(object('late'));
    requests.subscribe(({ key }) => keys.push(key));
    expect(keys).to.deep.equal(['ns/late']);
  });

  it('requests nothing for an update that does not matter, but every addition and deletion', () => {
    const changes = new Subject<Change<KubeObject>>();
    const keys: string[] = [];
    requestsForObjects({ changes, list: () => [] }, specChanged).subscribe(({ key }) => keys.push(key));
    const before = object('a', { generation: 1, resourceVersion: '1' });
    changes.next({ type: 'added', object: before });
    changes.next({ type: 'updated', object: object('a', { generation: 1, resourceVersion: '2' }), old: before });
    expect(keys).to.deep.equal(['ns/a']);
    changes.next({ type: 'updated', object: object('a', { generation: 2, resourceVersion: '3' }), old: before });
    changes.next({ type: 'deleted', object: before });
    expect(keys).to.deep.equal(['ns/a', 'ns/a', 'ns/a']);
  });

  it('passes on an error of the changes, so that a controller does not continue without its watch', () => {
    const changes = new Subject<Change<KubeObject>>();
    const errors: unknown[] = [];
    requestsForObjects({ changes, list: () => [] }).subscribe({ error: (error: unknown) => errors.push(error) });
    changes.error(new Error('broken'));
    expect(errors).to.have.length(1);
  });
});

describe('requestsForOwners', () => {
  const shops = { group: '', kind: 'Shop', namespaced: true };
  const ownedBy = (owner: string, kind = 'Shop') =>
    object('child', { ownerReferences: [{ apiVersion: 'v1', kind, name: owner, uid: 'u', controller: true }] });
  let changes: Subject<Change<KubeObject>>;
  let keys: string[];
  beforeEach(() => {
    changes = new Subject();
    keys = [];
    requestsForOwners({ changes }, shops).subscribe(({ key }) => keys.push(key));
  });

  it('requests the controlling owner of each object that is added, updated or deleted, once', () => {
    changes.next({ type: 'added', object: ownedBy('a') });
    changes.next({ type: 'updated', object: ownedBy('a'), old: ownedBy('a') });
    changes.next({ type: 'deleted', object: ownedBy('a') });
    expect(keys).to.deep.equal(['ns/a', 'ns/a', 'ns/a']);
  });

  it('requests the former owner too when an object has changed hands', () => {
    changes.next({ type: 'updated', object: ownedBy('b'), old: ownedBy('a') });
    expect(keys).to.have.members(['ns/a', 'ns/b']);
  });

  it('requests nothing for an object without an owner or with one of another kind', () => {
    changes.next({ type: 'added', object: object('orphan') });
    changes.next({ type: 'added', object: ownedBy('a', 'Other') });
    expect(keys).to.deep.equal([]);
  });

  it('requests nothing for an update that does not matter', () => {
    const filtered: string[] = [];
    requestsForOwners({ changes }, shops, () => false).subscribe(({ key }) => filtered.push(key));
    changes.next({ type: 'updated', object: ownedBy('a'), old: ownedBy('a') });
    expect(filtered).to.deep.equal([]);
  });
});
