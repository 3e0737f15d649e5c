// The claims of a network's nodes: how they are read, and what a refusal of the API server means. StatefulSets make and delete them.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { podLabel } from '../../bitcoin/api/names.ts';
import { apiStatusCode } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { persistentVolumeClaims } from '../resource-types.ts';
import { isClaimOf, type SetClaims, type StoredSet } from './volume-growth.ts';

export interface ClaimsContext {
  readonly client: Pick<KubeClient, 'get' | 'list' | 'patch'>;
  readonly network: BitcoinNetwork;
  /** The controller has the rights to read and change claims. */
  readonly mayExpandVolumes: boolean;
  readonly signal: AbortSignal;
}

export const missingRight =
  'the controller may not read and change PersistentVolumeClaims (chart value rbac.persistentVolumeClaims)';

/** The claims that StatefulSets have made: those have the label of the network. One request. */
export async function labelledClaimsOf(
  { client, network, signal }: ClaimsContext,
  sets: readonly StoredSet[],
): Promise<SetClaims[]> {
  const { namespace } = network.metadata;
  const labelSelector = Object.entries(podLabel(network))
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  const { items } = await client.list(persistentVolumeClaims, { namespace, labelSelector, signal });
  return sets.map(set => ({ set, claims: items.filter(({ metadata }) => isClaimOf(set, metadata?.name ?? '')) }));
}

/** Not a fault of the API server, which passes. */
export function isRefusal(error: unknown): error is Error {
  const code = apiStatusCode(error) ?? 0;
  return error instanceof Error && code >= 400 && code < 500 && code !== 401 && code !== 429;
}

/** The refusal in words: admission answers with the same code as RBAC. */
export const refusalOf = ({ message }: Error): string =>
  /cannot (?:patch|list|get) resource/.test(message) ? missingRight : message;
