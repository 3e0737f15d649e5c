// RecentFailures: why pods failed that may be gone by now. The StatefulSet controller deletes a failed pod within milliseconds, and then
// only the change of the pod has shown that it was evicted.
import type { Change } from '../../runtime/object-store.ts';
import type { ObservedPod } from '../pod-cache.ts';
import type { Problem } from './pod-problems.ts';

/** For so long a failure is reported: the status is written within this time, and by then the next pod is of more interest. */
const reportedMs = 5_000;

interface Failure {
  readonly problem: Problem;
  readonly atMs: number;
}

export class RecentFailures {
  /** By network key, and by the name of the pod. */
  readonly #failures = new Map<string, Map<string, Failure>>();

  /** Call with each change of a pod. @param nowMs monotonic milliseconds */
  note(key: string, { type, object, old }: Change<ObservedPod>, nowMs: number): void {
    const { problem } = object;
    if (type !== 'updated' || problem === undefined || object.status?.phase !== 'Failed' || old?.status?.phase === 'Failed')
      return;
    const ofNetwork = this.#failures.get(key) ?? new Map<string, Failure>();
    this.#failures.set(key, ofNetwork.set(problem.subject, { problem: { ...problem, mayPass: true }, atMs: nowMs }));
  }

  /** The failures of pods that the network has to replace, and after how many milliseconds the next one is dropped. */
  of(key: string, isReplaced: (pod: string) => boolean, nowMs: number): { problems: Problem[]; waitMs: number | undefined } {
    const ofNetwork = this.#failures.get(key) ?? new Map<string, Failure>();
    for (const [name, { atMs }] of ofNetwork) if (isReplaced(name) || nowMs - atMs >= reportedMs) ofNetwork.delete(name);
    if (ofNetwork.size === 0) this.#failures.delete(key);
    const recent = [...ofNetwork.values()];
    const waits = recent.map(({ atMs }) => atMs + reportedMs - nowMs);
    return { problems: recent.map(({ problem }) => problem), waitMs: waits.length === 0 ? undefined : Math.min(...waits) };
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }
}
