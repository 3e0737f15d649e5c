// Step: the headless Service of a network.
import type { V1Service } from '@kubernetes/client-node';
import { headlessService } from '../../bitcoin/resources/service.ts';
import type { Applied } from '../../runtime/apply.ts';
import { serviceEvent } from '../events/transitions.ts';
import type { NetworkState } from '../network-state.ts';
import { services } from '../resource-types.ts';
import { applyChild, type ChildContext } from './apply-child.ts';

export function applyService(
  context: ChildContext,
  { service: state }: NetworkState,
  cached: V1Service | undefined,
): Promise<Applied<V1Service>> {
  const { network } = context;
  const desired = headlessService(network);
  const eventOf = (change: Parameters<typeof serviceEvent>[1]) => serviceEvent(network, change);
  return applyChild(context, { type: services, part: 'service', state, cached, desired, eventOf });
}
