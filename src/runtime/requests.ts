// Which keys a change requests. Upstream: controller-runtime pkg/handler, EnqueueRequestForObject and EnqueueRequestForOwner.
import { defer, from, merge, mergeMap, type Observable } from 'rxjs';
import { keyOf, type KubeObject } from '../kube/resource.ts';
import type { Request } from './controller.ts';
import type { Informer } from './informer.ts';
import type { MultiNamespaceCache } from './multi-namespace-cache.ts';
import type { Change } from './object-store.ts';
import { ownerKey, type OwnerType } from './predicates.ts';

/** An Informer, or a MultiNamespaceCache. */
export type ObjectSource<T extends KubeObject> = { readonly changes: Observable<Change<T>> } & (
  Pick<Informer<T>, 'list'> | Pick<MultiNamespaceCache<T>, 'all'>
);

/** Whether a change matters to a controller; see specChanged. */
export type Predicate<T extends KubeObject> = (object: T, old: T | undefined) => boolean;

/**
 * Requests the key of every object that the source has when the controller subscribes, then the key of every object that is added,
 * deleted, or updated in a way that matters.
 */
export function requestsForObjects<T extends KubeObject>(
  source: ObjectSource<T>,
  matters: Predicate<T> = () => true,
): Observable<Request> {
  const objects = () => ('list' in source ? source.list() : source.all());
  return merge(
    defer(() => from(objects().map(object => ({ key: keyOf(object) })))),
    source.changes.pipe(
      mergeMap(({ type, object, old }) => (type === 'updated' && !matters(object, old) ? [] : [{ key: keyOf(object) }])),
    ),
  );
}

/** Requests the owner, of the given resource, whenever an object that it controls is added, deleted, or updated in a way that matters; also its former owner. */
export function requestsForOwners<T extends KubeObject>(
  source: Pick<ObjectSource<T>, 'changes'>,
  owners: OwnerType,
  matters: Predicate<T> = () => true,
): Observable<Request> {
  return source.changes.pipe(
    mergeMap(({ type, object, old }) => {
      if (type === 'updated' && !matters(object, old)) return [];
      const keys = [old, object].flatMap(child => (child === undefined ? [] : (ownerKey(child, owners) ?? [])));
      return [...new Set(keys)].map(key => ({ key }));
    }),
  );
}
