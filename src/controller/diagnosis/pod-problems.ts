// Why a pod is not ready, from its conditions and container states: a pure function. A pod that is only starting has no problem.
import type { V1ContainerState, V1ContainerStatus, V1Pod, V1PodCondition, V1PodStatus } from '@kubernetes/client-node';
import { type Reason, reasons } from '../events/reasons.ts';

/** What keeps a node from existing or from becoming ready. */
export interface Problem {
  /** The name of the pod; empty if the problem is not that of a pod. */
  readonly subject: string;
  readonly reason: Reason;
  /** The cause in the words of Kubernetes, without what changes from one try to the next. */
  readonly cause: string;
  /** It does not show that the pod cannot become ready: a rollout does not take it for a pod without a chain. Default: it does. */
  readonly mayPass?: true;
}

/** Longer texts are cut: conditions are read in a terminal, and thousands of pods are kept in memory. */
const maxCauseLength = 600;

/** Waiting for these is part of starting. */
const startingReasons: ReadonlySet<string> = new Set(['ContainerCreating', 'PodInitializing', '']);

const imageReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

/** Whether the pod is neither ready nor being deleted. */
export const isNotReady = ({ metadata, status }: V1Pod): boolean =>
  metadata?.deletionTimestamp === undefined && readyOf(status)?.status !== 'True';

const readyOf = (status: V1PodStatus | undefined): V1PodCondition | undefined =>
  status?.conditions?.find(({ type }) => type === 'Ready');

/** The problem of a pod that is not ready; undefined if it is ready, starting, or going away. */
export function podProblemOf(pod: V1Pod): Problem | undefined {
  const { metadata, status } = pod;
  if (status === undefined || !isNotReady(pod)) return undefined;
  const subject = metadata?.name ?? '';
  const problem = (reason: Reason, cause: string): Problem => ({ subject, reason, cause: shortened(cause) });
  if (status.phase === 'Failed' && status.reason !== undefined)
    return problem(reasons.podFailed, withDetail(status.reason, status.message));
  const lostReadyAt = readyOf(status)?.lastTransitionTime;
  const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  for (const container of containers) {
    const [reason, cause] = containerProblem(container, lostReadyAt) ?? [];
    if (reason !== undefined && cause !== undefined) return problem(reason, cause);
  }
  const scheduled = status.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False')
    return problem(reasons.podUnschedulable, scheduled.message ?? scheduled.reason ?? 'no cause given');
  return undefined;
}

function containerProblem(
  { name, ready, state, lastState, image }: V1ContainerStatus,
  lostReadyAt: Date | undefined,
): [Reason, string] | undefined {
  if (ready) return undefined;
  // If the pod has been ready since the container was started again, the exit is over.
  const isOld = state?.running !== undefined && timeOf(lostReadyAt) > timeOf(state.running.startedAt ?? lostReadyAt);
  const exited = state?.terminated ?? (isOld ? undefined : lastState?.terminated);
  const waitingReason = state?.waiting?.reason ?? '';
  const waitingMessage = state?.waiting?.message;
  if (imageReasons.has(waitingReason)) return [reasons.imagePullFailed, imageCause(image, waitingReason, waitingMessage)];
  // RunContainerError and others come back after each back-off; what stopped the last try says the same all the time.
  if (state?.waiting !== undefined && waitingReason !== 'CrashLoopBackOff' && !startingReasons.has(waitingReason))
    return [reasons.containerNotStarted, `container ${name}: ${withDetail(waitingReason, waitingMessage)}`];
  // An init container that is done has exited with 0, and runs no more.
  if (exited === undefined || (exited.exitCode === 0 && state?.terminated !== undefined && exited.reason === 'Completed'))
    return undefined;
  return [reasons.nodeExited, `container ${name} ${exitCause(exited)}`];
}

/** ErrImagePull and ImagePullBackOff take turns; only the text behind both stays the same. */
function imageCause(image: string, reason: string, message = ''): string {
  const detail = message.replace(/^Back-off pulling image "[^"]*"(: )?/, '').replace(/^ErrImagePull: /, '');
  const stable = reason === 'ImagePullBackOff' ? 'ErrImagePull' : reason;
  return withDetail(`image ${image || '(no name)'}: ${stable}`, detail);
}

function exitCause({ exitCode, reason, message, signal }: NonNullable<V1ContainerState['terminated']>): string {
  const how = signal ? `was ended by signal ${signal}` : `exited with code ${exitCode}`;
  const why = reason === undefined || reason === 'Error' || reason === 'Completed' ? '' : ` (${reason})`;
  const words = lastWords(message);
  return words === '' ? `${how}${why}` : `${how}${why}: ${words}`;
}

/** The line that names the error, or else the last line: the kubelet gives up to 80 lines of a log. */
function lastWords(message = ''): string {
  const lines = message
    .split('\n')
    .map(line => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z?\s+/, '').trim())
    .filter(line => line !== '');
  return lines.findLast(line => /^error\b/i.test(line)) ?? lines.findLast(line => /error/i.test(line)) ?? lines.at(-1) ?? '';
}

const withDetail = (reason: string, message: string | undefined): string => (message ? `${reason}: ${message}` : reason);

/** One line of limited length. */
export function shortened(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= maxCauseLength ? line : `${line.slice(0, maxCauseLength - 1)}…`;
}

/** Two causes that differ in numbers and IDs alone, such as an amount, a back-off or a sandbox, are the same one. */
export const fingerprint = (text: string): string => text.replace(/\b[0-9a-f]{12,}\b/g, '#').replace(/\d+/g, '#');

/** In milliseconds since 1970; 0 if there is none. The API server sends times as strings. */
export function timeOf(time: string | Date | null | undefined): number {
  const ms = time ? new Date(time).getTime() : 0;
  return Number.isNaN(ms) ? 0 : ms;
}
