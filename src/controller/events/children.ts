// The events of what the controller did with an object that a network owns. Pure.
import type { V1StatefulSet } from '@kubernetes/client-node';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { type Reason, reasons } from './reasons.ts';
import { firstNames } from '../../logging/short-text.ts';

/** How an object was changed. */
export type Changed = 'created' | 'updated' | 'recreated';

const normal = (reason: Reason, message: string): PendingEvent => ({ type: 'Normal', reason, message });

/** @param isRevert the object was changed by another writer */
export function childEvent(kind: string, name: string, change: Changed, isRevert: boolean): PendingEvent {
  const isService = kind === 'Service';
  if (change === 'created')
    return normal(isService ? reasons.serviceCreated : reasons.resourceCreated, `Created ${kind} ${name}`);
  if (isRevert || change === 'recreated')
    return normal(isService ? reasons.serviceRepaired : reasons.resourceRepaired, `Reverted drift of ${kind} ${name}`);
  return normal(isService ? reasons.serviceUpdated : reasons.resourceUpdated, `Updated ${kind} ${name}`);
}

/** More names than this make a message hard to read. */
const maxNames = 10;

/** One event for all objects of a kind: there may be one of them for each node. */
export function deletedEvent(kind: string, names: readonly string[]): PendingEvent {
  const what = `${kind} ${firstNames(names, maxNames)}`;
  return kind === 'StatefulSet'
    ? normal(reasons.statefulSetDeleted, `Deleted ${what}, with all nodes`)
    : normal(reasons.resourceDeleted, `Deleted ${what}`);
}

/** @param nodes how many the StatefulSet has from now on */
export function statefulSetEvent(
  name: string,
  nodes: number,
  change: Changed,
  previous: Pick<V1StatefulSet, 'spec'> | undefined,
): PendingEvent {
  const before = previous?.spec?.replicas ?? 1;
  const size = `${nodes} node${nodes === 1 ? '' : 's'}`;
  if (change === 'created') return normal(reasons.statefulSetCreated, `Created StatefulSet ${name} with ${size}`);
  if (change === 'recreated')
    return normal(
      reasons.statefulSetRecreated,
      `Recreated StatefulSet ${name} to change immutable fields; its pods keep running`,
    );
  if (before === nodes) return normal(reasons.statefulSetUpdated, `Updated StatefulSet ${name}`);
  return normal(reasons.statefulSetScaled, `Scaled StatefulSet ${name} from ${before} to ${nodes}`);
}
