// Metrics: everything that /metrics shows, in one registry. Upstream's names, labels and buckets (client-go, component-base,
//   controller-runtime), so that dashboards made for those work as they are. One object a process, handed in, never a global.
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { InformerMetrics, InformerObservation } from '../runtime/informer.ts';
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
    // The event loop is looked at ten times a second: the hundred times of the default would be most of what a process at rest does.
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
  /** By name; there may be one for each namespace. */
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
      name: 'reflector_store_objects',
      help: 'Number of objects in the cache, over all namespaces that are watched one by one',
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

  /** The gauges ask `observe` when they are read. */
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

  /** Makes every series of the controller appear at 0, so that a rate over it is right from the first reconcile on. */
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

  /** `terminal_error` counts as upstream: as an error, and as a terminal one. */
  reconciled(
    controller: string,
    result: 'success' | 'requeue' | 'requeue_after' | 'error' | 'terminal_error',
    seconds: number,
  ): void {
    this.#reconciles.inc({ controller, result: result === 'terminal_error' ? 'error' : result });
    if (result === 'error' || result === 'terminal_error') this.#errors.inc({ controller });
    if (result === 'terminal_error') this.#terminalErrors.inc({ controller });
    this.#seconds.observe({ controller }, seconds);
  }
}

/** What became of the events that were recorded, counted since the start; an EventBroadcaster's `counts` are such. */
export interface EventTotals {
  readonly recorded: number;
  readonly aggregated: number;
  readonly filtered: number;
  readonly written: number;
  readonly delivered: number;
  /** By cause. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Upstream has no metrics for its event recorder; these are ours. */
export class EventMetrics {
  #totals: EventTotals | undefined;

  constructor(registry: Registry) {
    this.#counter(registry, 'events_recorded_total', 'Events that the controller recorded', 'recorded');
    this.#counter(registry, 'events_aggregated_total', 'Events that were combined with similar ones', 'aggregated');
    this.#counter(
      registry,
      'events_filtered_total',
      'Events that were held back, for good or for a while: by the spam filter, or until the count of their series is written',
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

  /** The counters read `totals` when they are read. */
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
