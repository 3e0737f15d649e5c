// claimCreatedFields: makes the fields that a controller created by POST its own by server-side apply. To the API server the two are
//   different owners, and an apply removes only fields that an apply has set: the Secret of a network would never leave its pods.
//   Creating by apply would need no such step, and costs the API server several times as much. Upstream: client-go util/csaupgrade.
import { apiStatusCode } from '../kube/api-error.ts';
import type { KubeClient } from '../kube/client.ts';
import type { KubeObject, ObjectName, ResourceType } from '../kube/resource.ts';

/** A try is lost only if another writer changes the managed fields at the same moment. */
const maxTries = 5;

/** The keys that lead to a field in `fieldsV1`, such as `f:spec`, `f:replicas`. */
export type FieldPath = readonly string[];

/**
 * Does nothing if the fields are claimed already.
 * @param foreign fields that are left to other writers although the object was created with them
 * @throws ApiError if the API server refuses or cannot be reached
 */
export async function claimCreatedFields<T extends KubeObject>(
  client: Pick<KubeClient, 'get' | 'patch'>,
  type: ResourceType<T>,
  name: ObjectName,
  {
    manager,
    foreign = [],
    signal,
  }: { readonly manager: string; readonly foreign?: readonly FieldPath[]; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const owners = managedFieldsOf(await client.get(type, name, { signal }));
    const isOurs = ({ manager: owner, subresource }: ManagedFields) => owner === manager && subresource === undefined;
    const created = owners.findIndex(entry => isOurs(entry) && entry.operation === 'Update');
    if (created < 0 || owners.some(entry => isOurs(entry) && entry.operation === 'Apply')) return;
    const path = `/metadata/managedFields/${created}`;
    const patch = [
      { op: 'test', path: `${path}/manager`, value: manager },
      { op: 'test', path: `${path}/operation`, value: 'Update' },
      { op: 'replace', path: `${path}/operation`, value: 'Apply' },
      ...foreign
        .filter(field => valueAt(owners[created]?.fieldsV1, field) !== undefined)
        .map(field => withEmptyParent(owners[created]?.fieldsV1, field))
        .map(field => ({ op: 'remove', path: [path, 'fieldsV1', ...field.map(escaped)].join('/') })),
    ];
    try {
      await client.patch(type, name, patch, { patchType: 'json', fieldManager: manager, signal });
      return;
    } catch (error) {
      // A test failed: the entry has moved.
      if (apiStatusCode(error) !== 422 || tries === maxTries) throw error;
    }
  }
}

/** What is below a path; undefined if the fields do not have it. */
export function valueAt(fields: unknown, [first, ...rest]: FieldPath): unknown {
  if (first === undefined) return fields;
  return typeof fields === 'object' && fields !== null ? valueAt((fields as Record<string, unknown>)[first], rest) : undefined;
}

/** A map that has no other field of ours is left with the field: the next apply would remove it, with all fields that nobody owns. */
function withEmptyParent(fields: unknown, field: FieldPath): FieldPath {
  const parent = field.slice(0, -1);
  const others = Object.keys(valueAt(fields, parent) ?? {}).filter(key => key !== '.' && key !== field.at(-1));
  return others.length === 0 ? parent : field;
}

/** A key in a JSON pointer. */
const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

/** An entry of `metadata.managedFields`. Caches do not keep them. */
export interface ManagedFields {
  readonly manager?: string;
  readonly operation?: string;
  readonly subresource?: string;
  readonly fieldsV1?: unknown;
}

export const managedFieldsOf = ({ metadata }: KubeObject): readonly ManagedFields[] =>
  (metadata as { readonly managedFields?: readonly ManagedFields[] } | undefined)?.managedFields ?? [];
