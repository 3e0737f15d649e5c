// The objects that a network owns besides its StatefulSets. Pure.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { headlessService } from '../../bitcoin/resources/service.ts';
import type { KubeObject } from '../../kube/resource.ts';
import type { ChildKindName } from '../child-kinds.ts';

export interface DesiredChild {
  readonly kind: Exclude<ChildKindName, 'statefulSets'>;
  readonly object: KubeObject;
  /** Without events: there may be one of it for each node. */
  readonly isSilent?: boolean;
}

/** In the order in which they are applied: pods need the first ones. */
export function desiredChildren(network: BitcoinNetwork): DesiredChild[] {
  return [{ kind: 'services', object: headlessService(network) }];
}
