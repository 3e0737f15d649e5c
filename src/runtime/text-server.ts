// TextServer: a small HTTP server for short texts, with limits that a stranger on the network cannot exhaust.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../logging/logger.ts';

export interface TextAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** More connections are closed at once. The kubelet and Prometheus need one each. */
const maxConnections = 100;
const headersTimeoutMs = 5_000;
const requestTimeoutMs = 10_000;
const checkIntervalMs = 1_000;

export type Answerer = (request: http.IncomingMessage) => TextAnswer | Promise<TextAnswer>;

export class TextServer {
  readonly #answer: Answerer;
  readonly #logger: Logger;
  readonly #server: http.Server;

  /** @param answer an error that it throws is logged and answered with 500 */
  constructor(answer: Answerer, logger: Logger) {
    this.#answer = answer;
    this.#logger = logger;
    const limits = { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs };
    const options = { ...limits, connectionsCheckingInterval: checkIntervalMs };
    this.#server = http.createServer(options, (request, response) => void this.#serve(request, response));
    this.#server.maxConnections = maxConnections;
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
    let answer: TextAnswer;
    try {
      answer = await this.#answer(request);
    } catch (error) {
      this.#logger.warn('Failed to answer a request', { path: request.url, error });
      answer = { status: 500, body: 'internal error\n' };
    }
    response.writeHead(answer.status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
      ...answer.headers,
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }
}

export const pathOf = ({ url = '' }: http.IncomingMessage): string => url.split('?')[0] ?? '';

export const isRead = ({ method }: http.IncomingMessage): boolean => method === 'GET' || method === 'HEAD';

/** The answer to a request with another method. */
export const only = (methods: string): TextAnswer => ({ status: 405, body: `only ${methods}\n`, headers: { Allow: methods } });
