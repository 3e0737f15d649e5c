// Pods that keep a StatefulSet from creating one of their name. Its controller records no Event about them. Pure functions.
import type { V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import { controllerOf } from '../../kube/resource.ts';
import { reasons } from '../events/reasons.ts';
import { type Problem, shortened, timeOf } from './pod-problems.ts';

/** The deletionTimestamp includes the grace period. The kubelet and the clocks get this much more. */
const overdueMs = 5_000;
/** The pods of a former network of the same name are mostly gone within this time, once they are being deleted. */
const formerMs = 2_000;
/** The garbage collector deletes them within this time, also those of many networks. */
const collectionMs = 10_000;

/**
 * A problem for each pod whose deletion takes longer than its grace period.
 * @param pods of the network, that it still wants
 * @param nowMs milliseconds since 1970
 * @returns also after how many milliseconds the next of them is overdue; undefined = none is being deleted
 */
export function overdueDeletions(pods: readonly V1Pod[], nowMs: number): { problems: Problem[]; waitMs: number | undefined } {
  const waits = pods.flatMap(pod => {
    const { deletionTimestamp } = pod.metadata ?? {};
    return deletionTimestamp === undefined ? [] : [{ pod, waitMs: timeOf(deletionTimestamp) + overdueMs - nowMs }];
  });
  const future = waits.filter(({ waitMs }) => waitMs > 0).map(({ waitMs }) => waitMs);
  const problems = waits.filter(({ waitMs }) => waitMs <= 0).map(({ pod }) => deletionProblem(pod));
  return { problems, waitMs: future.length === 0 ? undefined : Math.min(...future) };
}

/**
 * The problem of a pod that has the name of a missing one; undefined if there is none yet.
 * @param waitedMs for how long the pod of the network has been missing
 */
export function blockerProblem(pod: V1Pod, { metadata }: V1StatefulSet, waitedMs: number): Problem | undefined {
  const owner = controllerOf(pod);
  if (owner !== undefined && owner.uid === metadata?.uid) return undefined;
  if (pod.metadata?.deletionTimestamp !== undefined) return waitedMs < formerMs ? undefined : deletionProblem(pod);
  // The former StatefulSet of that name is gone, or will be.
  if (owner?.kind === 'StatefulSet' && owner.name === metadata?.name)
    return waitedMs < collectionMs ? undefined : collectionProblem(pod);
  const whose = owner === undefined ? 'it has no owner' : `it belongs to ${owner.kind} ${owner.name}`;
  const cause = `a pod of that name exists and does not belong to StatefulSet ${metadata?.name ?? ''}: ${whose}. Delete it, or rename the network`;
  return { subject: pod.metadata?.name ?? '', reason: reasons.nameTaken, cause: shortened(cause) };
}

function collectionProblem({ metadata }: V1Pod): Problem {
  const cause = 'the former pod of that name is left, and the garbage collector has yet to delete it';
  return { subject: metadata?.name ?? '', reason: reasons.waitingForDeletion, cause };
}

function deletionProblem({ metadata, status }: V1Pod): Problem {
  const { name = '', finalizers = [] } = metadata ?? {};
  const where = status?.hostIP === undefined ? '' : ` on machine ${status.hostIP}`;
  const held = finalizers.length === 0 ? '' : `; its finalizers are ${finalizers.slice(0, 5).join(', ')}`;
  const cause = shortened(`the former pod of that name is still being deleted${where}${held}`);
  return { subject: name, reason: reasons.waitingForDeletion, cause };
}
