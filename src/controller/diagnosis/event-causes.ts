// What Kubernetes' own Warning events say about a StatefulSet or a pod: for causes that no condition has, such as a pod that a quota
// refuses or a volume that cannot be mounted. Pure functions; pod-diagnosis.ts lists the events.
import { type Reason, reasons } from '../events/reasons.ts';
import { type Problem, shortened } from './pod-problems.ts';

/** The fields of a core/v1 Event that are read here. */
export interface WarningEvent {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly type?: string | undefined;
  readonly lastTimestamp?: string | Date | null | undefined;
  readonly firstTimestamp?: string | Date | null | undefined;
  readonly eventTime?: string | Date | null | undefined;
  readonly series?: { readonly lastObservedTime?: string | Date | undefined } | null | undefined;
}

/** When it was recorded last, in milliseconds since 1970; 0 if the event has no time. */
function lastSeenMs({ lastTimestamp, firstTimestamp, eventTime, series }: WarningEvent): number {
  const times = [series?.lastObservedTime, lastTimestamp, eventTime, firstTimestamp];
  return Math.max(0, ...times.map(time => (time ? new Date(time).getTime() : 0)).filter(ms => !Number.isNaN(ms)));
}

const newestFirst = (events: readonly WarningEvent[]): WarningEvent[] =>
  [...events].sort((a, b) => lastSeenMs(b) - lastSeenMs(a));

/** Messages of kubernetes pkg/controller/statefulset/stateful_pod_control.go; client-go marks those that it aggregates. */
const failedCreate =
  /^(?:\(combined from similar events\): )?create (?:Claim \S+ )?Pod (\S+) in StatefulSet \S+ failed error: (.*)$/is;

/**
 * Why the StatefulSet controller cannot create the pods that are missing: one problem a pod, all with the cause of the first one
 * that has an event.
 * @param missing names of the pods that do not exist
 * @param sinceMs an event that was recorded before this time, in milliseconds since 1970, is about something that is over
 */
export function createProblemsOf(events: readonly WarningEvent[], missing: readonly string[], sinceMs: number): Problem[] {
  const causes = new Map<string, string>();
  for (const event of newestFirst(events)) {
    if (event.reason !== 'FailedCreate' || lastSeenMs(event) < sinceMs) continue;
    const [, name, error] = failedCreate.exec(event.message ?? '') ?? [];
    if (name !== undefined && error !== undefined && !causes.has(name)) causes.set(name, error);
  }
  const first = missing.find(name => causes.has(name));
  if (first === undefined) return [];
  // Without the pod's name: what holds for one of them holds for the others.
  const cause = shortened(
    (causes.get(first) ?? '').replaceAll(`pods "${first}" is`, 'pods are').replaceAll(`"${first}"`, 'a pod'),
  );
  return missing.map(subject => ({ subject, reason: reasons.podCreateFailed, cause }));
}

const reasonsOfPodEvents: Readonly<Record<string, Reason>> = {
  FailedMount: reasons.volumeMountFailed,
  FailedAttachVolume: reasons.volumeMountFailed,
  FailedMapVolume: reasons.volumeMountFailed,
  Unhealthy: reasons.probeFailed,
  FailedCreatePodSandBox: reasons.podFailed,
  NetworkNotReady: reasons.podFailed,
  FailedPodAdmission: reasons.podFailed,
  FailedScheduling: reasons.podUnschedulable,
};

/** A probe that fails while a node starts is nothing unusual. */
const probeGraceMs = 15_000;

/**
 * Why a pod that shows no problem does not become ready: the newest Warning event about it says so.
 * @param waitedMs for how long it has not been ready
 */
export function startProblemOf(subject: string, events: readonly WarningEvent[], waitedMs: number): Problem | undefined {
  for (const { type, reason = '', message = '' } of newestFirst(events)) {
    const ours = type === 'Warning' ? reasonsOfPodEvents[reason] : undefined;
    if (ours === undefined || (ours === reasons.probeFailed && waitedMs < probeGraceMs)) continue;
    return { subject, reason: ours, cause: shortened(`${reason}: ${message}`) };
  }
  return undefined;
}
