// PodDiagnosis: why a network's pods do not exist or are not ready. What their conditions do not say it finds in the Events about them,
// which it lists at growing intervals while something is missing, and never for a network that is ready.
import type { V1StatefulSet } from '@kubernetes/client-node';
import { type BitcoinNetwork, group } from '../../bitcoin/api/bitcoin-network.ts';
import { isForbidden } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import { keyOf, type KubeObject, type ResourceType } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import { TokenBucket } from '../../time/token-bucket.ts';
import type { ObservedPod } from '../pod-cache.ts';
import { statefulSets } from '../resource-types.ts';
import { createProblemsOf, startProblemOf, type WarningEvent } from './event-causes.ts';
import { LookSchedule } from './look-schedule.ts';
import type { Problem } from './pod-problems.ts';

/** What there is of a network's nodes. */
export interface ObservedNodes {
  /** The network's own, as the cache has them, status included. */
  readonly statefulSets: readonly V1StatefulSet[];
  readonly pods: readonly ObservedPod[];
}

export interface Diagnosis {
  readonly problems: readonly Problem[];
  /** After how many milliseconds there may be more to say; undefined = not before something changes. */
  readonly lookAgainMs: number | undefined;
}

export interface PodDiagnosisOptions {
  readonly client: Pick<KubeClient, 'list' | 'patch'>;
  readonly logger: Logger;
  /** Monotonic milliseconds. Default: performance.now. */
  readonly nowMs?: () => number;
}

const events: ResourceType<KubeObject & WarningEvent> = {
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** On a StatefulSet: a change of it has the StatefulSet controller try again now, and not after a pause of up to 17 minutes. */
const retryAnnotation = `${group}/retried-at`;

/** The StatefulSet controller creates the pods of a set that it has seen within a second. */
const missingIntervals = { graceMs: 1_000, intervalMs: 3_500, recentMs: 120_000, maxIntervalMs: 60_000 };
const startIntervals = { graceMs: 3_500, intervalMs: 4_000, recentMs: 20_000, maxIntervalMs: 60_000 };

/** The API server reads all Events of a namespace to find those about one object: with thousands of broken networks each has its turn later. */
const listsPerSecond = 5;
const listBurst = 20;
const noTurnMs = 2_000;

/** An event this much older than the fault is about another one; clocks differ, and the StatefulSet controller pauses. */
const eventSlackMs = 600_000;

/** What is remembered of a network that has something missing. */
interface Row {
  readonly uid: string;
  /** By StatefulSet. */
  readonly missing: Map<string, MissingPods>;
  /** By pod uid. */
  readonly starting: Map<string, { readonly schedule: LookSchedule; problem: Problem | undefined }>;
}

/** What is remembered of a StatefulSet that lacks pods. */
interface MissingPods {
  readonly schedule: LookSchedule;
  problems: readonly Problem[];
}

export class PodDiagnosis {
  readonly #client: PodDiagnosisOptions['client'];
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #lists = new TokenBucket({ qps: listsPerSecond, burst: listBurst });
  /** By network key; none for a network that is whole. */
  readonly #rows = new Map<string, Row>();
  #isForbidden = false;

  constructor({ client, logger, nowMs = () => performance.now() }: PodDiagnosisOptions) {
    this.#client = client;
    this.#logger = logger;
    this.#nowMs = nowMs;
  }

  /**
   * Finds the problems of the nodes that the network should have.
   * Never fails because an Event could not be listed: what is not known is left out.
   * @throws the reason of `signal` once it has aborted
   */
  async diagnose(network: BitcoinNetwork, nodes: ObservedNodes, signal?: AbortSignal): Promise<Diagnosis> {
    const key = keyOf(network);
    const missing = nodes.statefulSets
      .map(statefulSet => ({ statefulSet, names: missingPods(statefulSet, nodes.pods) }))
      .filter(({ names }) => names.length > 0);
    // By ordinal, so that the text stays the same from one reconcile to the next.
    const pods = nodes.pods.filter(isNotReady).sort((a, b) => ordinalOf(a) - ordinalOf(b));
    const visible = pods.flatMap(({ problem }) => problem ?? []);
    const starting = pods.filter(({ problem }) => problem === undefined);
    if (missing.length === 0 && starting.length === 0) {
      this.#rows.delete(key);
      return { problems: visible, lookAgainMs: undefined };
    }
    const row = this.#rowOf(key, network.metadata.uid);
    const isMissing = new Set(missing.map(({ statefulSet }) => nameOf(statefulSet)));
    for (const name of row.missing.keys()) if (!isMissing.has(name)) row.missing.delete(name);
    const waits = [await this.#lookAtStarting(row, starting, signal)];
    for (const { statefulSet, names } of missing) waits.push(await this.#lookForMissing(row, statefulSet, names, signal));
    const createProblems = [...row.missing.values()].flatMap(({ problems }) => problems);
    const found = starting.flatMap(pod => row.starting.get(pod.metadata?.uid ?? '')?.problem ?? []);
    return { problems: [...visible, ...createProblems, ...found], lookAgainMs: leastOf(waits) };
  }

  /** Call with the key of a network that is gone or paused. */
  forget(key: string): void {
    this.#rows.delete(key);
  }

  #rowOf(key: string, uid: string): Row {
    const known = this.#rows.get(key);
    if (known?.uid === uid) return known;
    const row: Row = { uid, missing: new Map(), starting: new Map() };
    this.#rows.set(key, row);
    return row;
  }

  /** @returns after how many milliseconds to look again */
  async #lookForMissing(
    row: Row,
    statefulSet: V1StatefulSet,
    names: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const nowMs = this.#nowMs();
    const missing = row.missing.get(nameOf(statefulSet)) ?? { schedule: new LookSchedule(nowMs, missingIntervals), problems: [] };
    row.missing.set(nameOf(statefulSet), missing);
    const { schedule } = missing;
    // Pods that exist now have no problem of this kind any more.
    missing.problems = missing.problems.filter(({ subject }) => names.includes(subject));
    // Its status is not watched: it is read again soon, and more rarely if the StatefulSet controller is down.
    if (!isObserved(statefulSet)) return Math.max(1_000, (nowMs - schedule.sinceMs) / 4);
    const dueMs = schedule.waitMs(nowMs);
    if (dueMs > 0) return dueMs;
    if (!this.#lists.tryAccept(nowMs)) return noTurnMs * (1 + Math.random());
    const sinceMs = Date.now() - (nowMs - schedule.sinceMs) - eventSlackMs;
    missing.problems = createProblemsOf(await this.#warningsAbout(statefulSet, signal), names, sinceMs);
    if (missing.problems.length > 0) await this.#haveRetried(statefulSet, signal);
    schedule.looked(nowMs);
    return schedule.waitMs(nowMs);
  }

  /** One pod a look: what keeps one from starting mostly keeps the others. */
  async #lookAtStarting(
    row: Row,
    starting: readonly ObservedPod[],
    signal: AbortSignal | undefined,
  ): Promise<number | undefined> {
    const nowMs = this.#nowMs();
    const uids = new Set(starting.map(({ metadata }) => metadata?.uid ?? ''));
    for (const uid of row.starting.keys()) if (!uids.has(uid)) row.starting.delete(uid);
    for (const uid of uids)
      if (!row.starting.has(uid))
        row.starting.set(uid, { schedule: new LookSchedule(nowMs, startIntervals), problem: undefined });
    const waitOf = (pod: ObservedPod): number => row.starting.get(pod.metadata?.uid ?? '')?.schedule.waitMs(nowMs) ?? 0;
    const due = starting.find(pod => waitOf(pod) === 0);
    if (due !== undefined && this.#lists.tryAccept(nowMs)) {
      const warnings = await this.#warningsAbout(due, signal);
      const entry = row.starting.get(due.metadata?.uid ?? '');
      if (entry !== undefined) {
        entry.problem = startProblemOf(due.metadata?.name ?? '', warnings, nowMs - entry.schedule.sinceMs);
        entry.schedule.looked(nowMs);
      }
    }
    return starting.length === 0 ? undefined : Math.max(Math.min(...starting.map(waitOf)), due === undefined ? 0 : noTurnMs);
  }

  async #warningsAbout({ metadata = {} }: KubeObject, signal: AbortSignal | undefined): Promise<readonly WarningEvent[]> {
    const { namespace = '', uid = '' } = metadata;
    try {
      const fieldSelector = `involvedObject.uid=${uid},type=Warning`;
      const { items } = await this.#client.list(events, { namespace, fieldSelector, maxTries: 1, ...optional({ signal }) });
      return items;
    } catch (error) {
      signal?.throwIfAborted();
      // The role is an older one's: said once, since it stays so.
      if (isForbidden(error) && !this.#isForbidden)
        this.#logger.warn('Failed to list Events; the cause of missing pods is not reported', { error });
      this.#isForbidden ||= isForbidden(error);
      return [];
    }
  }

  /** Refused or lost, it is done again with the next look. */
  async #haveRetried({ metadata = {} }: V1StatefulSet, signal: AbortSignal | undefined): Promise<void> {
    const { namespace = '', name = '', uid } = metadata;
    const body = { metadata: { uid, annotations: { [retryAnnotation]: new Date().toISOString() } } };
    const options = {
      patchType: 'merge',
      maxTries: 1,
      fieldManager: 'bitcoin-controller-retry',
      ...optional({ signal }),
    } as const;
    try {
      await this.#client.patch(statefulSets, { namespace, name }, body, options);
    } catch (error) {
      signal?.throwIfAborted();
      this.#logger.debug('Failed to trigger a retry of the StatefulSet controller', { key: `${namespace}/${name}`, error });
    }
  }
}

const optional = ({ signal }: { readonly signal: AbortSignal | undefined }) => (signal === undefined ? {} : { signal });

const isNotReady = ({ metadata, status }: ObservedPod): boolean =>
  metadata?.deletionTimestamp === undefined &&
  !(status?.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false);

const ordinalOf = ({ metadata }: ObservedPod): number => Number(/\d+$/.exec(metadata?.name ?? '')?.[0] ?? 0);

/** Whether the StatefulSet controller has seen what the set asks for. */
const isObserved = ({ metadata, status }: V1StatefulSet): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);

/** The names of the pods that the StatefulSet should have and that do not exist. */
function missingPods({ metadata = {}, spec }: V1StatefulSet, pods: readonly ObservedPod[]): string[] {
  if (metadata.deletionTimestamp !== undefined) return [];
  const existing = new Set(pods.map(pod => pod.metadata?.name));
  const start = spec?.ordinals?.start ?? 0;
  const names = Array.from({ length: spec?.replicas ?? 1 }, (_, index) => `${metadata.name ?? ''}-${start + index}`);
  return names.filter(name => !existing.has(name));
}

const nameOf = ({ metadata }: V1StatefulSet): string => metadata?.name ?? '';

function leastOf(waits: readonly (number | undefined)[]): number | undefined {
  const known = waits.filter(waitMs => waitMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
