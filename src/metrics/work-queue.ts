// WorkQueueMetrics: the metrics of work queues, under the names of client-go's.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { QueueMetrics, QueueObservation } from '../runtime/work-queue.ts';

const queueBuckets = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10];

export class WorkQueueMetrics implements QueueMetrics {
  readonly #adds: Counter<'name' | 'controller'>;
  readonly #retries: Counter<'name' | 'controller'>;
  readonly #queueDuration: Histogram<'name' | 'controller'>;
  readonly #workDuration: Histogram<'name' | 'controller'>;
  readonly #queues = new Map<string, () => QueueObservation>();

  constructor(registry: Registry) {
    const labels = { labelNames: ['name', 'controller'] as const, registers: [registry] };
    this.#adds = new Counter({ name: 'workqueue_adds_total', help: 'Total number of adds handled by workqueue', ...labels });
    this.#retries = new Counter({
      name: 'workqueue_retries_total',
      help: 'Total number of retries handled by workqueue',
      ...labels,
    });
    this.#queueDuration = new Histogram({
      name: 'workqueue_queue_duration_seconds',
      help: 'How long in seconds an item stays in workqueue before being requested.',
      buckets: queueBuckets,
      ...labels,
    });
    this.#workDuration = new Histogram({
      name: 'workqueue_work_duration_seconds',
      help: 'How long in seconds processing an item from workqueue takes.',
      buckets: queueBuckets,
      ...labels,
    });
    this.#observed(registry, 'workqueue_depth', 'Current depth of workqueue', observation => observation.depth);
    this.#observed(
      registry,
      'workqueue_unfinished_work_seconds',
      'How many seconds of work has been done that is in progress and has not been observed by work_duration.',
      observation => observation.unfinishedSeconds,
    );
    this.#observed(
      registry,
      'workqueue_longest_running_processor_seconds',
      'How many seconds has the longest running processor for workqueue been running.',
      observation => observation.longestRunningSeconds,
    );
  }

  /** The gauges call `observe` when they are read; a later queue of the same name replaces an earlier one. */
  watch(name: string, observe: () => QueueObservation): void {
    this.#queues.set(name, observe);
    this.#adds.inc({ name, controller: name }, 0);
    this.#retries.inc({ name, controller: name }, 0);
  }

  added(name: string): void {
    this.#adds.inc({ name, controller: name });
  }

  retried(name: string): void {
    this.#retries.inc({ name, controller: name });
  }

  taken(name: string, queuedSeconds: number): void {
    this.#queueDuration.observe({ name, controller: name }, queuedSeconds);
  }

  finished(name: string, workedSeconds: number): void {
    this.#workDuration.observe({ name, controller: name }, workedSeconds);
  }

  #observed(registry: Registry, name: string, help: string, value: (observation: QueueObservation) => number): void {
    const queues = this.#queues;
    new Gauge({
      name,
      help,
      labelNames: ['name', 'controller'],
      registers: [registry],
      collect() {
        for (const [queue, observe] of queues) this.set({ name: queue, controller: queue }, value(observe()));
      },
    });
  }
}
