// What Kubernetes' own Events say about a StatefulSet, a pod or a claim: for causes that no condition has, such as a pod that a quota
// refuses or a volume that cannot be mounted. Pure functions; object-lists.ts lists the events.
import { type Reason, reasons } from '../events/reasons.ts';
import { type Problem, shortened, timeOf } from './pod-problems.ts';
import type { PodStart } from './pod-start.ts';

/** The fields of a core/v1 Event that are read here. */
export interface ObjectEvent {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly type?: string | undefined;
  readonly lastTimestamp?: string | Date | null | undefined;
  readonly firstTimestamp?: string | Date | null | undefined;
  readonly eventTime?: string | Date | null | undefined;
  readonly series?: { readonly lastObservedTime?: string | Date | undefined } | null | undefined;
}

/** When it was recorded last, in milliseconds since 1970; 0 if the event has no time. */
const lastSeenMs = ({ lastTimestamp, firstTimestamp, eventTime, series }: ObjectEvent): number =>
  Math.max(...[series?.lastObservedTime, lastTimestamp, eventTime, firstTimestamp].map(timeOf));

const newestFirst = (events: readonly ObjectEvent[]): ObjectEvent[] => [...events].sort((a, b) => lastSeenMs(b) - lastSeenMs(a));

/** Messages of kubernetes pkg/controller/statefulset/stateful_pod_control.go; client-go marks those that it aggregates. */
const failedCreate =
  /^(?:\(combined from similar events\): )?create (?:Claim \S+ )?Pod (\S+) in StatefulSet \S+ failed error: (.*)$/is;

/**
 * Why the StatefulSet controller cannot create the pods that are missing: one problem a pod, all with the cause of the first one
 * that has an event.
 * @param missing names of the pods that do not exist
 * @param sinceMs an event that was recorded before this time, in milliseconds since 1970, is about something that is over
 */
export function createProblemsOf(events: readonly ObjectEvent[], missing: readonly string[], sinceMs: number): Problem[] {
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

/** What a Warning about a pod is reported as, and in which stages of its start it may be the cause. */
interface PodWarning {
  readonly reason: Reason;
  readonly stages: readonly PodStart['stage'][];
  readonly mayPass?: true;
}

const podWarnings: Readonly<Record<string, PodWarning>> = {
  FailedScheduling: { reason: reasons.podUnschedulable, stages: ['unscheduled'] },
  FailedMount: { reason: reasons.volumeMountFailed, stages: ['scheduled'] },
  FailedAttachVolume: { reason: reasons.volumeMountFailed, stages: ['scheduled'] },
  FailedMapVolume: { reason: reasons.volumeMountFailed, stages: ['scheduled'] },
  FailedCreatePodSandBox: { reason: reasons.podFailed, stages: ['scheduled'] },
  NetworkNotReady: { reason: reasons.podFailed, stages: ['scheduled'] },
  FailedPodAdmission: { reason: reasons.podFailed, stages: ['scheduled'] },
  Unhealthy: { reason: reasons.probeFailed, stages: ['started'] },
  NodeNotReady: { reason: reasons.podFailed, stages: ['scheduled', 'started'], mayPass: true },
};

/** The kubelet has got further: what it warned of before is over. */
const progress: ReadonlySet<string> = new Set(['Pulling', 'Pulled', 'Created', 'Started']);

/** A probe that fails while a node starts is nothing unusual. */
const probeGraceMs = 15_000;

/** The clocks of machines differ, and a pod is not ready only when several probes have failed. */
const startSlackMs = 60_000;

/**
 * Why a pod that shows no problem does not become ready: by the newest Warning about its present stage, since it has not been ready.
 * @param waitedMs for how long it has been in this stage
 */
export function startProblemOf(
  subject: string,
  events: readonly ObjectEvent[],
  waitedMs: number,
  { stage, sinceMs }: PodStart,
): Problem | undefined {
  const recent = newestFirst(events).filter(event => lastSeenMs(event) >= sinceMs - startSlackMs);
  const progressMs = Math.max(-1, ...recent.filter(({ reason = '' }) => progress.has(reason)).map(lastSeenMs));
  for (const event of recent) {
    const { type, reason = '', message = '' } = event;
    const known = type === 'Warning' && lastSeenMs(event) > progressMs ? podWarnings[reason] : undefined;
    if (known?.stages.includes(stage) !== true || (known.reason === reasons.probeFailed && waitedMs < probeGraceMs)) continue;
    const mayPass = known.mayPass === true ? ({ mayPass: true } as const) : {};
    return { subject, reason: known.reason, cause: shortened(`${reason}: ${message}`), ...mayPass };
  }
  return undefined;
}

/** Drivers record these while they make a volume that takes longer than one call to them. */
const isInProgress = /\b(?:DeadlineExceeded|Aborted)\b/;
const provisioningGraceMs = 60_000;

/**
 * Why the volume of a pod is not provisioned: the newest Warning about its claim, which may be older than the pod.
 * @param waitedMs for how long it has not been ready
 */
export function claimProblemOf(
  subject: string,
  events: readonly ObjectEvent[],
  waitedMs: number,
  { sinceMs }: PodStart,
): Problem | undefined {
  const failure = newestFirst(events).find(
    ({ reason, message = '', ...event }) =>
      reason === 'ProvisioningFailed' &&
      lastSeenMs(event) >= sinceMs - startSlackMs &&
      (waitedMs >= provisioningGraceMs || !isInProgress.test(message)),
  );
  const cause = shortened(`ProvisioningFailed: ${failure?.message ?? ''}`);
  return failure === undefined ? undefined : { subject, reason: reasons.volumeMountFailed, cause };
}
