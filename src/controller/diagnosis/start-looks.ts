// StartLooks: finds out why pods do not become ready, from the Events about them and about their claims.
import type { V1StatefulSet } from '@kubernetes/client-node';
import type { ObservedPod } from '../pod-cache.ts';
import { claimProblemOf, startProblemOf } from './event-causes.ts';
import { LookSchedule } from './look-schedule.ts';
import { noTurnMs, type ObjectLists } from './object-lists.ts';
import type { Problem } from './pod-problems.ts';
import { type PodStart, podStartOf } from './pod-start.ts';

const startIntervals = { graceMs: 3_500, intervalMs: 4_000, recentMs: 20_000, maxIntervalMs: 60_000 };

/** A scheduler that was restarted, a volume that is provisioned and an init container that prepares something take up to this in a normal start. */
const fallbackMs = 60_000;

/** What is remembered of a pod, as long as its start gets no further. */
export interface StartingPod {
  readonly step: string;
  readonly schedule: LookSchedule;
  problem: Problem | undefined;
}

export class StartLooks {
  readonly #lists: ObjectLists;
  readonly #nowMs: () => number;

  /** @param nowMs monotonic milliseconds */
  constructor(lists: ObjectLists, nowMs: () => number) {
    this.#lists = lists;
    this.#nowMs = nowMs;
  }

  /**
   * Looks at one of the pods, if it is time to: what keeps one from starting mostly keeps the others.
   * @param known by pod uid; the problems that are found are noted there
   * @returns after how many milliseconds to look again; undefined = not before something changes
   */
  async look(
    known: Map<string, StartingPod>,
    starting: readonly ObservedPod[],
    sets: readonly V1StatefulSet[],
    signal: AbortSignal | undefined,
  ): Promise<number | undefined> {
    const nowMs = this.#nowMs();
    const uids = new Set(starting.map(uidOf));
    for (const uid of known.keys()) if (!uids.has(uid)) known.delete(uid);
    for (const pod of starting) {
      const step = stepOf(startOf(pod));
      if (known.get(uidOf(pod))?.step !== step)
        known.set(uidOf(pod), { step, schedule: new LookSchedule(nowMs, startIntervals), problem: undefined });
    }
    const waitOf = (pod: ObservedPod): number => known.get(uidOf(pod))?.schedule.waitMs(nowMs) ?? 0;
    const due = starting.find(pod => waitOf(pod) === 0);
    const entry = due === undefined ? undefined : known.get(uidOf(due));
    if (due !== undefined && entry !== undefined && this.#lists.tryTurn(nowMs)) {
      const found = await this.#startProblem(due, nowMs - entry.schedule.sinceMs, sets, signal);
      if (found !== 'unknown') entry.problem = found ?? fallbackOf(due, entry, nowMs);
      // What needs no list is found out for all at once, so that the text does not change with each of them.
      if (found === undefined)
        for (const pod of starting) {
          const other = known.get(uidOf(pod));
          if (other !== undefined) other.problem ??= fallbackOf(pod, other, nowMs);
        }
      entry.schedule.looked(nowMs);
    }
    return starting.length === 0 ? undefined : Math.max(Math.min(...starting.map(waitOf)), due === undefined ? 0 : noTurnMs);
  }

  /** 'unknown' if it could not be found out. */
  async #startProblem(
    pod: ObservedPod,
    waitedMs: number,
    sets: readonly V1StatefulSet[],
    signal: AbortSignal | undefined,
  ): Promise<Problem | undefined | 'unknown'> {
    const subject = pod.metadata?.name ?? '';
    const start = startOf(pod);
    const events = await this.#lists.eventsAbout(pod, signal);
    if (events === undefined) return 'unknown';
    const problem = startProblemOf(subject, events, waitedMs, start);
    if (problem !== undefined) return problem;
    for (const claim of start.stage === 'unscheduled' ? claimsOf(subject, sets) : []) {
      if (!this.#lists.tryTurn(this.#nowMs())) return 'unknown';
      const warnings = await this.#lists.warningsAboutClaim(pod.metadata?.namespace ?? '', claim, signal);
      if (warnings === undefined) return 'unknown';
      const ofClaim = claimProblemOf(subject, warnings, waitedMs, start);
      if (ofClaim !== undefined) return ofClaim;
    }
    return undefined;
  }
}

/** What the pod waits for, if it has done so for long enough. */
function fallbackOf(pod: ObservedPod, { schedule }: StartingPod, nowMs: number): Problem | undefined {
  const { fallback } = startOf(pod);
  if (fallback === undefined || nowMs - schedule.sinceMs < fallbackMs) return undefined;
  return { subject: pod.metadata?.name ?? '', ...fallback };
}

/** The names of the claims that the StatefulSet controller makes for a pod. */
function claimsOf(pod: string, sets: readonly V1StatefulSet[]): string[] {
  const set = sets.find(statefulSet => statefulSet.metadata?.name === pod.replace(/-\d+$/, ''));
  return (set?.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => `${metadata?.name ?? ''}-${pod}`);
}

const startOf = (pod: ObservedPod): PodStart => pod.start ?? podStartOf(pod);

/** Equal as long as the pod gets no further. */
const stepOf = ({ stage, sinceMs, fallback }: PodStart): string => `${stage} ${sinceMs} ${fallback?.cause}`;

const uidOf = ({ metadata }: ObservedPod): string => metadata?.uid ?? '';
