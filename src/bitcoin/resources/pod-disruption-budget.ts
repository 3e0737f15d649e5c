// The PodDisruptionBudget of a network: how many of its nodes a drain may stop at a time, over all groups.
import type { V1PodDisruptionBudget } from '@kubernetes/client-node';
import { podDisruptionBudgetName, podSelector } from '../api/names.ts';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import { ownedMetadata } from './owned-metadata.ts';

/** Pure. Undefined unless `spec.podDisruptionBudget` is set: in a small cluster it can keep a machine from being drained. */
export function podDisruptionBudgetFor(network: BitcoinNetwork): V1PodDisruptionBudget | undefined {
  const budget = network.spec.podDisruptionBudget;
  if (budget === undefined) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(network, podDisruptionBudgetName(network)),
    spec: {
      maxUnavailable: budget.maxUnavailable ?? 1,
      selector: { matchLabels: podSelector(network) },
      // A node that is not ready protects nothing, and must not keep a machine from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  };
}
