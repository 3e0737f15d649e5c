// RestClientMetrics: metrics of the requests to the API server, under the names of client-go's rest client.
import { Counter, Histogram, type Registry } from 'prom-client';
import type { RequestMetrics, RequestOutcome } from '../kube/retry.ts';

const requestBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

export class RestClientMetrics implements RequestMetrics {
  readonly #requests: Counter<'code' | 'method' | 'host'>;
  readonly #retries: Counter<'code' | 'verb' | 'host'>;
  readonly #duration: Histogram<'verb' | 'host'>;
  readonly #waited: Histogram<'verb' | 'host'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'rest_client_requests_total',
      help: 'Number of HTTP requests, partitioned by status code, method, and host.',
      labelNames: ['code', 'method', 'host'],
      registers,
    });
    this.#retries = new Counter({
      name: 'rest_client_request_retries_total',
      help: 'Number of request retries, partitioned by status code, verb, and host.',
      labelNames: ['code', 'verb', 'host'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'rest_client_request_duration_seconds',
      help: 'Request latency in seconds, up to the head of the response.',
      labelNames: ['verb', 'host'],
      buckets: requestBuckets,
      registers,
    });
    this.#waited = new Histogram({
      name: 'rest_client_rate_limiter_duration_seconds',
      help: 'Time that requests waited for the client-side rate limiter, in seconds.',
      labelNames: ['verb', 'host'],
      buckets: requestBuckets,
      registers,
    });
  }

  requested({ verb, method, host, code, isRetry, seconds }: RequestOutcome): void {
    this.#requests.inc({ code, method, host });
    if (isRetry) this.#retries.inc({ code, verb, host });
    this.#duration.observe({ verb, host }, seconds);
  }

  waited(verb: string, host: string, seconds: number): void {
    this.#waited.observe({ verb, host }, seconds);
  }
}
