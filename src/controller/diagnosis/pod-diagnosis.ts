// PodDiagnosis: why a network's pods do not exist or are not ready. What their conditions do not say it finds in the Events about them,
// which it lists at growing intervals while something is missing, and never for a network that is ready.
import type { V1StatefulSet } from '@kubernetes/client-node';
import { type BitcoinNetwork, group } from '../../bitcoin/api/bitcoin-network.ts';
import type { KubeClient } from '../../kube/client.ts';
import { keyOf } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Change } from '../../runtime/object-store.ts';
import type { ObservedPod } from '../pod-cache.ts';
import { statefulSets } from '../resource-types.ts';
import { isReady } from '../status/pods.ts';
import { createProblemsOf } from './event-causes.ts';
import { LookSchedule } from './look-schedule.ts';
import { blockerProblem, overdueDeletions } from './name-blockers.ts';
import { noTurnMs, ObjectLists } from './object-lists.ts';
import { isNotReady, type Problem } from './pod-problems.ts';
import { RecentFailures } from './recent-failures.ts';
import { type StartingPod, StartLooks } from './start-looks.ts';

/** What there is of a network's nodes. */
export interface ObservedNodes {
  /** The network's own, as the cache has them, status included. */
  readonly statefulSets: readonly V1StatefulSet[];
  readonly pods: readonly ObservedPod[];
  /** Any pod of the namespace that has the label of the controller, by its name. Default: there is none but these. */
  readonly podNamed?: (name: string) => ObservedPod | undefined;
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

/** On a StatefulSet: a change of it has the StatefulSet controller try again now, and not after a pause of up to 17 minutes. */
const retryAnnotation = `${group}/retried-at`;

/** The StatefulSet controller creates the pods of a set that it has seen within a second. */
const missingIntervals = { graceMs: 1_000, intervalMs: 3_500, recentMs: 900_000, maxIntervalMs: 30_000 };

/** An event this much older than the fault is about another one; clocks differ, and the StatefulSet controller pauses. */
const eventSlackMs = 600_000;

/** What is remembered of a network that has something missing. */
interface Row {
  readonly uid: string;
  /** By StatefulSet. */
  readonly missing: Map<string, MissingPods>;
  /** By pod uid. */
  readonly starting: Map<string, StartingPod>;
}

/** What is remembered of a StatefulSet that lacks pods. */
interface MissingPods {
  readonly schedule: LookSchedule;
  problems: readonly Problem[];
}

/** A StatefulSet that lacks pods, and the names of these. */
interface IncompleteSet {
  readonly statefulSet: V1StatefulSet;
  readonly names: readonly string[];
}

export class PodDiagnosis {
  readonly #client: PodDiagnosisOptions['client'];
  readonly #logger: Logger;
  readonly #nowMs: () => number;
  readonly #lists: ObjectLists;
  readonly #starts: StartLooks;
  readonly #failures = new RecentFailures();
  /** By network key; none for a network that is whole. */
  readonly #rows = new Map<string, Row>();

  constructor({ client, logger, nowMs = () => performance.now() }: PodDiagnosisOptions) {
    this.#client = client;
    this.#logger = logger;
    this.#nowMs = nowMs;
    this.#lists = new ObjectLists(client, logger);
    this.#starts = new StartLooks(this.#lists, nowMs);
  }

  /**
   * Finds the problems of the nodes that the network should have.
   * Never fails because an Event could not be listed: what was known before stays, and what is not known is left out.
   * @throws the reason of `signal` once it has aborted
   */
  async diagnose(network: BitcoinNetwork, nodes: ObservedNodes, signal?: AbortSignal): Promise<Diagnosis> {
    const key = keyOf(network);
    // By ordinal, so that the text stays the same from one reconcile to the next.
    const pods = [...nodes.pods].sort((a, b) => ordinalOf(a) - ordinalOf(b));
    const { visible, starting, waitMs } = this.#withoutLists(key, pods, new Set(nodes.statefulSets.flatMap(podNamesOf)));
    const incomplete = incompleteSets(nodes);
    if (incomplete.length === 0 && starting.length === 0) {
      this.#rows.delete(key);
      return { problems: visible, lookAgainMs: waitMs };
    }
    const row = this.#rowOf(key, network.metadata.uid);
    const isMissing = new Set(incomplete.map(({ statefulSet }) => nameOf(statefulSet)));
    for (const name of row.missing.keys()) if (!isMissing.has(name)) row.missing.delete(name);
    const waits = [waitMs, await this.#starts.look(row.starting, starting, nodes.statefulSets, signal)];
    for (const set of incomplete) waits.push(await this.#lookForMissing(row, set, nodes.podNamed, signal));
    const createProblems = [...row.missing.values()].flatMap(({ problems }) => problems);
    const found = starting.flatMap(pod => row.starting.get(pod.metadata?.uid ?? '')?.problem ?? []);
    return { problems: [...visible, ...createProblems, ...found], lookAgainMs: leastOf(waits) };
  }

  /** Call with each change of a pod that has the label of a network. @param key of the network */
  notePod(key: string, change: Change<ObservedPod>): void {
    this.#failures.note(key, change, this.#nowMs());
  }

  /** Call with the key of a network that is gone or paused. */
  forget(key: string): void {
    this.#rows.delete(key);
    this.#failures.forget(key);
  }

  /** What the pods themselves show, and the pods that show nothing and are not ready. @param wanted names of pods */
  #withoutLists(key: string, pods: readonly ObservedPod[], wanted: ReadonlySet<string>) {
    const overdue = overdueDeletions(
      pods.filter(({ metadata }) => wanted.has(metadata?.name ?? '')),
      Date.now(),
    );
    const notReady = pods.filter(isNotReady);
    const shown = [...overdue.problems, ...notReady.flatMap(({ problem }) => problem ?? [])];
    const isOver = new Set([
      ...shown.map(({ subject }) => subject),
      ...pods.filter(isReady).map(({ metadata }) => metadata?.name),
    ]);
    const failures = this.#failures.of(key, name => !wanted.has(name) || isOver.has(name), this.#nowMs());
    return {
      visible: [...shown, ...failures.problems],
      starting: notReady.filter(({ problem }) => problem === undefined),
      waitMs: leastOf([overdue.waitMs, failures.waitMs]),
    };
  }

  #rowOf(key: string, uid: string): Row {
    const known = this.#rows.get(key);
    if (known?.uid === uid) return known;
    const row: Row = { uid, missing: new Map(), starting: new Map() };
    this.#rows.set(key, row);
    return row;
  }

  /** @returns after how many milliseconds to look again; undefined = not before something changes */
  async #lookForMissing(
    row: Row,
    set: IncompleteSet,
    podNamed: ObservedNodes['podNamed'],
    signal: AbortSignal | undefined,
  ): Promise<number | undefined> {
    const nowMs = this.#nowMs();
    const { statefulSet, names } = set;
    const known = row.missing.get(nameOf(statefulSet));
    // Pods that exist now have no problem of this kind any more.
    if (known !== undefined) known.problems = known.problems.filter(({ subject }) => names.includes(subject));
    // A reconcile is requested when the StatefulSet controller has seen the set. Until then no pod can be missing.
    if (!isObserved(statefulSet)) return undefined;
    const missing = known ?? { schedule: new LookSchedule(nowMs, missingIntervals), problems: [] };
    row.missing.set(nameOf(statefulSet), missing);
    const { schedule } = missing;
    const dueMs = schedule.waitMs(nowMs);
    if (dueMs > 0) return dueMs;
    if (!this.#lists.tryTurn(nowMs)) return noTurnMs * (1 + Math.random());
    const former = missing.problems;
    missing.problems = (await this.#createProblems(set, podNamed, nowMs - schedule.sinceMs, signal)) ?? former;
    // Once more when the cause has gone: nothing else makes the StatefulSet controller retry soon.
    if (missing.problems.length > 0 || former.length > 0) await this.#haveRetried(statefulSet, signal);
    schedule.looked(nowMs);
    return schedule.waitMs(nowMs);
  }

  /** Why pods are not created; undefined if that could not be found out. */
  async #createProblems(
    { statefulSet, names }: IncompleteSet,
    podNamed: ObservedNodes['podNamed'] = () => undefined,
    waitedMs: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly Problem[] | undefined> {
    const blockers = names.flatMap(name => podNamed(name) ?? []);
    const blocked = blockers.flatMap(pod => blockerProblem(pod, statefulSet, waitedMs) ?? []);
    const warnings = await this.#lists.warningsAbout(statefulSet, signal);
    if (warnings === undefined) return blocked.length > 0 ? blocked : undefined;
    const isBlocked = new Set(blocked.map(({ subject }) => subject));
    const others = names.filter(name => !isBlocked.has(name));
    const problems = [...blocked, ...createProblemsOf(warnings, others, Date.now() - waitedMs - eventSlackMs)];
    const [first = ''] = names;
    if (problems.length > 0 || blockers.length > 0 || !this.#lists.tryTurn(this.#nowMs())) return problems;
    // A pod without the labels of the controller is in no cache.
    const found = await this.#lists.podsNamed(statefulSet.metadata?.namespace ?? '', first, signal);
    return found?.flatMap(pod => blockerProblem(pod, statefulSet, waitedMs) ?? []);
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

const ordinalOf = ({ metadata }: ObservedPod): number => Number(/\d+$/.exec(metadata?.name ?? '')?.[0] ?? 0);

/** Whether the StatefulSet controller has seen what the set asks for. */
const isObserved = ({ metadata, status }: V1StatefulSet): boolean =>
  (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0);

/** The names of the pods that the StatefulSet should have. */
function podNamesOf({ metadata = {}, spec }: V1StatefulSet): string[] {
  if (metadata.deletionTimestamp !== undefined) return [];
  const start = spec?.ordinals?.start ?? 0;
  return Array.from({ length: spec?.replicas ?? 1 }, (_, index) => `${metadata.name ?? ''}-${start + index}`);
}

function incompleteSets({ statefulSets: sets, pods }: ObservedNodes): IncompleteSet[] {
  const existing = new Set(pods.map(({ metadata }) => metadata?.name));
  return sets
    .map(statefulSet => ({ statefulSet, names: podNamesOf(statefulSet).filter(name => !existing.has(name)) }))
    .filter(({ names }) => names.length > 0);
}

const nameOf = ({ metadata }: V1StatefulSet): string => metadata?.name ?? '';

function leastOf(waits: readonly (number | undefined)[]): number | undefined {
  const known = waits.filter(waitMs => waitMs !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
