// HealthServer: /healthz and /readyz for the kubelet, /metrics for Prometheus.
import type { AddressInfo } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { Logger } from '../logging/logger.ts';
import { isRead, only, pathOf, type TextAnswer, TextServer } from './text-server.ts';

/** `undefined`: passed. A text: failed, and why. A warning: passed, with a text that the answer contains. */
export type CheckResult = string | undefined | { readonly warning: string };
/** Called for each request, so it must be fast: report what is known, without a request. */
export type Check = () => CheckResult;

/** The text that Prometheus reads. */
export interface MetricsText {
  /** The value of the Content-Type header. */
  readonly contentType: string;
  /** The text in the exposition format. */
  text(): Promise<string>;
}

/** Options of a HealthServer. */
export interface HealthServerOptions {
  /** Receives answers that failed. */
  readonly logger: Logger;
  /** Served at /metrics, at most a second old. Default: /metrics answers 404. */
  readonly metrics?: MetricsText | undefined;
  /** By name. If one fails, /healthz answers 503 and the kubelet restarts the container. */
  readonly healthChecks?: Readonly<Record<string, Check>>;
  /** By name. While one fails, /readyz answers 503. */
  readonly readyChecks?: Readonly<Record<string, Check>>;
}

/** Metrics are rendered once in this time, however often they are requested. */
const metricsMaxAgeMs = 1_000;

/** Serves /healthz, /readyz and /metrics over plain HTTP. Upstream: controller-runtime pkg/healthz, and its metrics server. */
export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #server: TextServer;
  #metrics: { readonly text: Promise<string>; readonly atMs: number } | undefined;

  /** Listens to nothing before `listen`. */
  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#server = new TextServer(request => this.#answer(request), options.logger);
  }

  /** Starts to listen. Port 0 selects a free port. Default for `host`: all addresses. @returns the address @throws if the port is in use */
  listen(port: number, host?: string): Promise<AddressInfo> {
    return this.#server.listen(port, host);
  }

  /** Closes the server and all its connections at once. */
  close(): Promise<void> {
    return this.#server.close();
  }

  async #answer(request: IncomingMessage): Promise<TextAnswer> {
    const { metrics, healthChecks, readyChecks } = this.#options;
    const path = pathOf(request);
    if (path !== '/healthz' && path !== '/readyz' && (path !== '/metrics' || metrics === undefined))
      return { status: 404, body: `there are /healthz, /readyz${metrics === undefined ? '' : ' and /metrics'}\n` };
    if (!isRead(request)) return only('GET, HEAD');
    if (path === '/metrics' && metrics !== undefined)
      return { status: 200, body: await this.#metricsText(metrics), headers: { 'Content-Type': metrics.contentType } };
    return checked(path === '/healthz' ? healthChecks : readyChecks);
  }

  #metricsText(metrics: MetricsText): Promise<string> {
    const nowMs = performance.now();
    if (this.#metrics === undefined || nowMs - this.#metrics.atMs >= metricsMaxAgeMs)
      this.#metrics = { text: metrics.text(), atMs: nowMs };
    return this.#metrics.text;
  }
}

function checked(checks: Readonly<Record<string, Check>> = {}): TextAnswer {
  const results = Object.entries(checks).map(([name, check]): [string, CheckResult] => [name, check()]);
  const lines = results.map(([name, result]) => {
    if (typeof result === 'string') return `[-]${name} failed: ${result}\n`;
    return `[+]${name} ok${result === undefined ? '' : `, ${result.warning}`}\n`;
  });
  const isHealthy = results.every(([, result]) => typeof result !== 'string');
  return { status: isHealthy ? 200 : 503, body: `${lines.join('')}${isHealthy ? 'ok' : 'failed'}\n` };
}
