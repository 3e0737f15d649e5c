// Metrics: all metrics of the process, in one registry that is passed in, never a global. The names, labels and buckets are those of
//   client-go, component-base and controller-runtime, so that dashboards for these work unchanged.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { InformerMetrics, InformerObservation } from '../runtime/informer-options.ts';
import type { MetricsText } from '../runtime/health-server.ts';
import type { ElectionMetrics } from '../runtime/leader-elector.ts';
import { RestClientMetrics } from './rest-client.ts';
import { WorkQueueMetrics } from './work-queue.ts';

const reconcileBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2, 2.5, 3,
  3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];

export class Metrics implements MetricsText {
  readonly registry = new Registry();
  readonly restClient = new RestClientMetrics(this.registry);
  readonly workQueue = new WorkQueueMetrics(this.registry);
  readonly reflector = new ReflectorMetrics(this.registry);
  readonly leaderElection = new LeaderElectionMetrics(this.registry);
  readonly controller = new ControllerMetrics(this.registry);
  readonly events = new EventMetrics(this.registry);

  constructor(options: { process?: boolean; version?: string } = {}) {
    // The event loop is sampled ten times a second: with the default of a hundred, sampling would be most of an idle process's work.
    if (options.process === true) collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: 100 });
    new Gauge({
      name: 'bitcoin_controller_build_info',
      help: 'Always 1; the labels say what runs.',
      labelNames: ['version', 'nodejs'],
      registers: [this.registry],
    })
      .labels(options.version ?? 'unknown', process.version)
      .set(1);
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text that Prometheus reads. */
  text(): Promise<string> {
    return this.registry.metrics();
  }
}

export class ReflectorMetrics implements InformerMetrics {
  readonly #lists: Counter<'name'>;
  readonly #watches: Counter<'name'>;
  readonly #failures: Counter<'name'>;
  /** By name. There may be one informer for each namespace. */
  readonly #informers = new Map<string, (() => InformerObservation)[]>();

  constructor(registry: Registry) {
    const labels = { labelNames: ['name'] as const, registers: [registry] };
    this.#lists = new Counter({
      name: 'reflector_lists_total',
      help: 'Total number of API lists done by the reflectors',
      ...labels,
    });
    this.#watches = new Counter({
      name: 'reflector_watches_total',
      help: 'Total number of API watches done by the reflectors',
      ...labels,
    });
    this.#failures = new Counter({
      name: 'reflector_failures_total',
      help: 'Total number of lists and watches that failed',
      ...labels,
    });
    const informers = this.#informers;
    new Gauge({
      name: 'reflector_unsynced_namespaces',
      help: 'Number of namespaces (1 if all are watched as one) whose objects have not been listed yet',
      ...labels,
      collect() {
        for (const [name, observers] of informers) this.set({ name }, observers.filter(observe => !observe().hasSynced).length);
      },
    });
    new Gauge({
      name: 'reflector_store_objects',
      help: 'Number of objects in the cache, over all watched namespaces',
      ...labels,
      collect() {
        for (const [name, observers] of informers)
          this.set(
            { name },
            observers.reduce((sum, observe) => sum + observe().objects, 0),
          );
      },
    });
    new Gauge({
      name: 'reflector_last_event_age_seconds',
      help: 'Seconds since the last watch event or bookmark, of the quietest watch',
      ...labels,
      collect() {
        for (const [name, observers] of informers)
          this.set({ name }, Math.max(...observers.map(observe => observe().lastEventAgeSeconds)));
      },
    });
  }

  /** The gauges call `observe` when they are read. */
  watch(name: string, observe: () => InformerObservation): void {
    this.#informers.set(name, [...(this.#informers.get(name) ?? []), observe]);
    this.#failures.inc({ name }, 0);
  }

  listed(name: string): void {
    this.#lists.inc({ name });
  }

  watched(name: string): void {
    this.#watches.inc({ name });
  }

  failed(name: string): void {
    this.#failures.inc({ name });
  }
}

export class LeaderElectionMetrics implements ElectionMetrics {
  readonly #status: Gauge<'name'>;

  constructor(registry: Registry) {
    this.#status = new Gauge({
      name: 'leader_election_master_status',
      help: 'Gauge of if the reporting system is master of the relevant lease, 0 indicates backup, 1 indicates master.',
      labelNames: ['name'],
      registers: [registry],
    });
  }

  leads(name: string, isLeader: boolean): void {
    this.#status.set({ name }, isLeader ? 1 : 0);
  }
}

export class ControllerMetrics {
  readonly #reconciles: Counter<'controller' | 'result'>;
  readonly #errors: Counter<'controller'>;
  /** Always 0, since no error is terminal here; dashboards for controller-runtime read it. */
  readonly #terminalErrors: Counter<'controller'>;
  readonly #seconds: Histogram<'controller'>;
  readonly #maxConcurrent: Gauge<'controller'>;
  readonly #activeWorkers: Gauge<'controller'>;

  constructor(registry: Registry) {
    const labels = { labelNames: ['controller'] as const, registers: [registry] };
    this.#reconciles = new Counter({
      name: 'controller_runtime_reconcile_total',
      help: 'Total number of reconciliations per controller',
      labelNames: ['controller', 'result'],
      registers: [registry],
    });
    this.#errors = new Counter({
      name: 'controller_runtime_reconcile_errors_total',
      help: 'Total number of reconciliation errors per controller',
      ...labels,
    });
    this.#terminalErrors = new Counter({
      name: 'controller_runtime_terminal_reconcile_errors_total',
      help: 'Total number of terminal reconciliation errors per controller',
      ...labels,
    });
    this.#seconds = new Histogram({
      name: 'controller_runtime_reconcile_time_seconds',
      help: 'Length of time per reconciliation per controller',
      buckets: reconcileBuckets,
      ...labels,
    });
    this.#maxConcurrent = new Gauge({
      name: 'controller_runtime_max_concurrent_reconciles',
      help: 'Maximum number of concurrent reconciles per controller',
      ...labels,
    });
    this.#activeWorkers = new Gauge({
      name: 'controller_runtime_active_workers',
      help: 'Number of currently used workers per controller',
      ...labels,
    });
  }

  /** Initializes every series of the controller with 0, so that its rate is right from the first reconcile on. */
  started(controller: string, maxConcurrentReconciles: number): void {
    this.#maxConcurrent.set({ controller }, maxConcurrentReconciles);
    this.#activeWorkers.set({ controller }, 0);
    for (const result of ['success', 'requeue', 'requeue_after', 'error'] as const)
      this.#reconciles.inc({ controller, result }, 0);
    this.#errors.inc({ controller }, 0);
    this.#terminalErrors.inc({ controller }, 0);
  }

  workerStarted(controller: string): void {
    this.#activeWorkers.inc({ controller });
  }

  workerFinished(controller: string): void {
    this.#activeWorkers.dec({ controller });
  }

  reconciled(controller: string, result: 'success' | 'requeue' | 'requeue_after' | 'error', seconds: number): void {
    this.#reconciles.inc({ controller, result });
    if (result === 'error') this.#errors.inc({ controller });
    this.#seconds.observe({ controller }, seconds);
  }
}

/** Counts of recorded events since the start; the `counts` of an EventBroadcaster are assignable. */
export interface EventTotals {
  readonly recorded: number;
  readonly aggregated: number;
  readonly filtered: number;
  readonly written: number;
  readonly delivered: number;
  /** By cause. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Upstream has no metrics for its event recorder, so these names are this project's own. */
export class EventMetrics {
  #totals: EventTotals | undefined;

  constructor(registry: Registry) {
    this.#counter(registry, 'events_recorded_total', 'Events that the controller recorded', 'recorded');
    this.#counter(registry, 'events_aggregated_total', 'Events that were combined with similar ones', 'aggregated');
    this.#counter(
      registry,
      'events_filtered_total',
      'Events that were held back, by the spam filter or until the count of their series is written',
      'filtered',
    );
    this.#counter(registry, 'events_written_total', 'Writes of events that the API server accepted', 'written');
    this.#counter(registry, 'events_delivered_total', 'Recorded events whose count is on the API server', 'delivered');
    const totals = () => this.#totals;
    new Counter({
      name: 'events_dropped_total',
      help: 'Recorded events that did not reach the API server',
      labelNames: ['cause'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [cause, count] of Object.entries(totals()?.dropped ?? {})) this.inc({ cause }, count);
      },
    });
  }

  /** The counters read `totals` whenever they are scraped. */
  observe(totals: EventTotals): void {
    this.#totals = totals;
  }

  #counter(registry: Registry, name: string, help: string, field: Exclude<keyof EventTotals, 'dropped'>): void {
    const totals = () => this.#totals;
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(totals()?.[field] ?? 0);
      },
    });
  }
}
