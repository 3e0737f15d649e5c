// The metadata of an object that belongs to a network: named, labelled, and deleted with it by the garbage collector.
import type { V1OwnerReference } from '@kubernetes/client-node';
import { apiVersion, type BitcoinNetwork, kind } from '../api/bitcoin-network.ts';
import { labelsOf } from '../api/names.ts';

export interface OwnedMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Record<string, string>;
  readonly ownerReferences: V1OwnerReference[];
}

/** What the metadata depends on. */
export type OwningNetwork = Pick<BitcoinNetwork, 'metadata'>;

export function ownedMetadata(network: OwningNetwork, name: string): OwnedMetadata {
  const { namespace, name: owner, uid } = network.metadata;
  return {
    name,
    namespace,
    labels: labelsOf(network),
    ownerReferences: [{ apiVersion, kind, name: owner, uid, controller: true, blockOwnerDeletion: true }],
  };
}
