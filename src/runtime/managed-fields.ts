// claimCreatedFields: what the controller created by POST becomes its own by server-side apply. Before it: apply.ts, about to change an object.
//   To the API server they are two owners, and an apply takes away only what an apply has set: else the Secret of a network, once
//   named, would never go from its pods. Creating by apply needs no such step, and costs the API server several times as much.
import type { KubernetesObject } from '@kubernetes/client-node';
import { apiStatusCode } from '../kube/api-error.ts';
import type { KubeClient, ObjectName } from '../kube/client.ts';
import type { ResourceType } from '../kube/resource.ts';

/** Each is lost only if somebody else changes who owns what in the same moment. */
const maxTries = 5;

/**
 * Does nothing if it has been done.
 * @throws ApiError if the API server refuses or cannot be reached
 */
export async function claimCreatedFields<T extends KubernetesObject>(
  client: KubeClient,
  type: ResourceType<T>,
  name: ObjectName,
  { manager, signal }: { readonly manager: string; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const owners = (await client.get(type, name, { signal })).metadata?.managedFields ?? [];
    const isOurs = ({ manager: owner, subresource }: (typeof owners)[number]) => owner === manager && subresource === undefined;
    const created = owners.findIndex(entry => isOurs(entry) && entry.operation === 'Update');
    if (created < 0 || owners.some(entry => isOurs(entry) && entry.operation === 'Apply')) return;
    const path = `/metadata/managedFields/${created}`;
    const patch = [
      { op: 'test', path: `${path}/manager`, value: manager },
      { op: 'test', path: `${path}/operation`, value: 'Update' },
      { op: 'replace', path: `${path}/operation`, value: 'Apply' },
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
