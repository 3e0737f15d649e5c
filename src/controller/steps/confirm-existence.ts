// Step: makes sure that a network still exists before its objects are created again.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { isNotFound } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { controllerOf, type KubeObject } from '../../kube/resource.ts';
import { networks } from '../resource-types.ts';

/**
 * Asks the API server about a network that had its objects before and now lacks one, or the ownership of one. The caches of networks and
 * of their objects are not updated at the same moment: an object that is created for a deleted network would be garbage collected, again
 * and again, and objects that were orphaned on purpose (`--cascade=orphan`) would be adopted and then deleted.
 * @param children the objects that are known, undefined for one that does not exist
 */
export async function exists(
  client: Pick<KubeClient, 'get'>,
  { metadata: { namespace, name, uid }, status }: BitcoinNetwork,
  children: readonly (KubeObject | undefined)[],
  signal: AbortSignal,
): Promise<boolean> {
  const ownsAll = children.every(child => child !== undefined && controllerOf(child)?.uid === uid);
  if (ownsAll || status === undefined) return true;
  try {
    const { metadata: now } = await client.get(networks, { namespace, name }, { signal });
    return now.uid === uid && now.deletionTimestamp === undefined;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}
