// The objects that a network owns besides its StatefulSets. Pure.
import type { V1NetworkPolicyPeer } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { configMapFor } from '../../bitcoin/resources/config-map.ts';
import { networkPolicyFor } from '../../bitcoin/resources/network-policy.ts';
import { podDisruptionBudgetFor } from '../../bitcoin/resources/pod-disruption-budget.ts';
import { headlessService, nodeServices, rpcService } from '../../bitcoin/resources/service.ts';
import type { KubeObject } from '../../kube/resource.ts';
import type { ChildKindName } from '../child-kinds.ts';

export interface DesiredChild {
  readonly kind: Exclude<ChildKindName, 'statefulSets'>;
  readonly object: KubeObject;
  /** Without events: there may be one of it for each node. */
  readonly isSilent?: boolean;
}

/**
 * In the order in which they are applied: what pods need comes first, and a policy before the pods that it protects.
 * @param controllerPods the controller's own pods, which a NetworkPolicy lets in
 */
export function desiredChildren(network: BitcoinNetwork, controllerPods: readonly V1NetworkPolicyPeer[]): DesiredChild[] {
  const child = (kind: DesiredChild['kind'], object: KubeObject | undefined): DesiredChild[] =>
    object === undefined ? [] : [{ kind, object }];
  return [
    ...child('configMaps', configMapFor(network)),
    ...child('services', headlessService(network)),
    ...child('services', rpcService(network)),
    ...child('networkPolicies', networkPolicyFor(network, controllerPods)),
    ...child('podDisruptionBudgets', podDisruptionBudgetFor(network)),
    ...nodeServices(network).map(object => ({ kind: 'services' as const, object, isSilent: true })),
  ];
}
