// How far the start of a pod has come, and what it waits for if no Event gives a cause. Pure functions.
import type { V1ContainerStatus, V1Pod } from '@kubernetes/client-node';
import { reasons } from '../events/reasons.ts';
import { type Problem, shortened, timeOf } from './pod-problems.ts';

export interface PodStart {
  /** `started` = a container of it has run: its volumes are mounted, and it has an address. */
  readonly stage: 'unscheduled' | 'scheduled' | 'started';
  /** Since when it has not been ready, in milliseconds since 1970: since its creation, or since it was ready last. 0 = not known. */
  readonly sinceMs: number;
  /** What is reported if it stays in this stage for a minute, and no Event gives a cause. */
  readonly fallback?: Omit<Problem, 'subject'>;
}

/** @param pod one that is not ready and shows no problem */
export function podStartOf(pod: V1Pod): PodStart {
  const { metadata, spec, status } = pod;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const sinceMs = timeOf(ready?.lastTransitionTime ?? metadata?.creationTimestamp);
  if (spec?.nodeName === undefined && status?.hostIP === undefined) {
    const cause = shortened(
      `scheduler ${spec?.schedulerName ?? '(no name)'} has not assigned the pod to a machine, and gives no cause`,
    );
    return { stage: 'unscheduled', sinceMs, fallback: { reason: reasons.podUnschedulable, cause } };
  }
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  const stage = status?.podIP !== undefined && containers.some(hasRun) ? 'started' : 'scheduled';
  const init = runningInitContainer(pod);
  if (init === undefined) return { stage, sinceMs };
  const cause = `init container ${init} is still running`;
  return { stage, sinceMs, fallback: { reason: reasons.containerNotStarted, cause, mayPass: true } };
}

const hasRun = ({ state, lastState }: V1ContainerStatus): boolean =>
  (state?.running ?? state?.terminated ?? lastState?.terminated) !== undefined;

/** True if no container of the pod has run, apart from init containers. */
export function neverRan({ status }: V1Pod): true | undefined {
  const isPending = status?.phase === undefined || status.phase === 'Pending';
  return isPending && !(status?.containerStatuses ?? []).some(hasRun) ? true : undefined;
}

/** Those with the restart policy Always run as long as the pod does. */
function runningInitContainer({ spec, status }: V1Pod): string | undefined {
  const sidecars = new Set(
    spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name),
  );
  return status?.initContainerStatuses?.find(({ name, state }) => state?.running !== undefined && !sidecars.has(name))?.name;
}
