// HealthServer: /healthz and /readyz for the kubelet, /metrics for Prometheus, /loglevel for an operator.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../logging/logger.ts';

/** `undefined`: passed. A text: failed, and why. A warning: passed, with a text that the answer contains. */
export type CheckResult = string | undefined | { readonly warning: string };
export type Check = () => CheckResult;

/** The text that Prometheus reads. */
export interface MetricsText {
  readonly contentType: string;
  text(): Promise<string>;
}

export interface HealthServerOptions {
  readonly logger: Logger;
  readonly metrics: MetricsText;
  /** By name. If one fails, /healthz answers 503 and the kubelet restarts the container. */
  readonly healthChecks?: Readonly<Record<string, Check>>;
  /** By name. While one fails, /readyz answers 503. */
  readonly readyChecks?: Readonly<Record<string, Check>>;
  /** The log level, served at /loglevel. `set` throws for an unknown level. */
  readonly logLevel?: { get(): string; set(level: string): void };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const longestBody = 64;

export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #server: http.Server;

  constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#server = http.createServer((request, response) => void this.#serve(request, response));
    this.#server.requestTimeout = 10_000;
  }

  /** Starts to listen. Port 0 selects a free port. @returns the address */
  listen(port: number, host?: string): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host }, () => {
        this.#server.off('error', reject);
        resolve(this.#server.address() as AddressInfo);
      });
    });
  }

  /** Closes the server and all its connections at once. */
  close(): Promise<void> {
    return new Promise(resolve => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.#answer(request);
    } catch (error) {
      this.#options.logger.warn('Health server failed to answer a request', { path: request.url, error });
      answer = { status: 500, body: 'internal error\n' };
    }
    response.writeHead(answer.status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
      ...answer.headers,
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  async #answer(request: http.IncomingMessage): Promise<Answer> {
    const { metrics, healthChecks, readyChecks } = this.#options;
    const [path] = (request.url ?? '').split('?');
    if (path === '/loglevel') return this.#logLevel(request);
    if (path !== '/healthz' && path !== '/readyz' && path !== '/metrics')
      return { status: 404, body: 'there are /healthz, /readyz, /metrics and /loglevel\n' };
    if (!isRead(request)) return only('GET, HEAD');
    if (path === '/metrics') return { status: 200, body: await metrics.text(), headers: { 'Content-Type': metrics.contentType } };
    return checked(path === '/healthz' ? healthChecks : readyChecks);
  }

  /**
   * GET says the level, PUT sets it. From the machine (in a cluster: the pod) itself only, so that nobody needs another way to say who may:
   * `kubectl port-forward` comes from there, and the API server has asked who it is.
   */
  async #logLevel(request: http.IncomingMessage): Promise<Answer> {
    const { logLevel, logger } = this.#options;
    if (logLevel === undefined || !isLoopback(request.socket.remoteAddress))
      return { status: 403, body: 'from this machine only; in a cluster by kubectl port-forward\n' };
    if (isRead(request)) return { status: 200, body: `${logLevel.get()}\n` };
    if (request.method !== 'PUT') return only('GET, HEAD, PUT');
    const level = await shortBody(request);
    try {
      logLevel.set(level);
    } catch (error) {
      return { status: 400, body: `${error instanceof Error ? error.message : String(error)}\n` };
    }
    logger.info('Log level set', { level });
    return { status: 200, body: `${logLevel.get()}\n` };
  }
}

function checked(checks: Readonly<Record<string, Check>> = {}): Answer {
  const results = Object.entries(checks).map(([name, check]): [string, CheckResult] => [name, check()]);
  const lines = results.map(([name, result]) => {
    if (typeof result === 'string') return `[-]${name} failed: ${result}\n`;
    return `[+]${name} ok${result === undefined ? '' : `, ${result.warning}`}\n`;
  });
  const isHealthy = results.every(([, result]) => typeof result !== 'string');
  return { status: isHealthy ? 200 : 503, body: `${lines.join('')}${isHealthy ? 'ok' : 'failed'}\n` };
}

function isRead({ method }: http.IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

function only(methods: string): Answer {
  return { status: 405, body: `only ${methods}\n`, headers: { Allow: methods } };
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);
}

async function shortBody(request: http.IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk as string;
    if (body.length > longestBody) break;
  }
  return body.slice(0, longestBody).trim();
}
