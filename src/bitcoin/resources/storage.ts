// The persistent volumes of a set's nodes: the claims that its StatefulSet makes, and what becomes of them. Pure.
import type { V1PersistentVolumeClaim, V1StatefulSet, V1StatefulSetSpec } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import type { StorageSpec } from '../api/storage.ts';
import { type NodeSet, isSuspended } from './node-sets.ts';
import { canonicalQuantity } from './quantity.ts';

/** The volume of bitcoind's data: a claim of it is named `data-POD`. */
export const dataVolume = 'data';

/**
 * The fields of a StatefulSet that volumes need; none for a set whose nodes are ephemeral.
 * @param claimSize what new claims ask for. Default: what the spec asks for
 */
export function storageFields(
  network: Pick<BitcoinNetwork, 'spec'>,
  { settings: { storage } }: NodeSet,
  claimSize = storage?.size,
): Pick<V1StatefulSetSpec, 'volumeClaimTemplates' | 'persistentVolumeClaimRetentionPolicy'> {
  if (storage === undefined) return {};
  const { whenDeleted = 'Retain', whenScaled = 'Retain' } = storage.retention ?? {};
  return {
    volumeClaimTemplates: [claimTemplate({ ...storage, size: claimSize ?? storage.size })],
    // In one write with the number of replicas: no claim of a suspended network is deleted.
    persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled: isSuspended(network) ? 'Retain' : whenScaled },
  };
}

function claimTemplate({
  size,
  storageClassName,
  accessMode = 'ReadWriteOnce',
  dataSource,
}: StorageSpec): V1PersistentVolumeClaim {
  const apiGroup = dataSource?.kind === 'VolumeSnapshot' ? { apiGroup: 'snapshot.storage.k8s.io' } : {};
  return {
    metadata: { name: dataVolume },
    spec: {
      accessModes: [accessMode],
      resources: { requests: { storage: canonicalQuantity(size) ?? size } },
      ...(storageClassName === undefined ? {} : { storageClassName }),
      ...(dataSource === undefined ? {} : { dataSource: { ...apiGroup, kind: dataSource.kind, name: dataSource.name } }),
    },
  };
}

/** Whether the pods of a StatefulSet keep their data when they are replaced. */
export const keepsData = (statefulSet: V1StatefulSet | undefined): boolean =>
  statefulSet?.spec?.volumeClaimTemplates?.some(({ metadata }) => metadata?.name === dataVolume) ?? false;

/** What the start script writes into a volume: a node refuses the volume of another chain. */
export const chainOfVolume = ({ chain = 'regtest', signet }: BitcoinNetwork['spec']): string =>
  [chain, ...(signet?.challenge === undefined ? [] : [signet.challenge])].join(' ');
