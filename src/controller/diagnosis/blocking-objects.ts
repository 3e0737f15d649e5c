// Objects that are being deleted and are in the way of a network's own, such as a StatefulSet that a finalizer holds.
import type { Applied } from '../../runtime/apply.ts';
import { reasons } from '../events/reasons.ts';
import type { Problem } from './pod-problems.ts';

/** A former network's objects are usually deleted within this time; then they are nothing to report. */
const graceMs = 2_000;

/**
 * A problem for each such object, once its deletion takes longer than usual.
 * @param state keeps since when some object is in the way
 */
export function blockingProblems(
  children: readonly (Applied<unknown> | undefined)[],
  state: { blockedSinceMs?: number | undefined },
): Problem[] {
  const causes = children.flatMap(child => (child?.outcome === 'pending' && child.message !== undefined ? [child.message] : []));
  const nowMs = performance.now();
  state.blockedSinceMs = causes.length === 0 ? undefined : (state.blockedSinceMs ?? nowMs);
  if (state.blockedSinceMs === undefined || nowMs - state.blockedSinceMs < graceMs) return [];
  return causes.map(cause => ({ subject: '', reason: reasons.waitingForDeletion, cause }));
}
