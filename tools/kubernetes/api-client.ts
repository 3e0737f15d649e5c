// The requests that the tools themselves send to an API server, as its administrator.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { CertificateFiles } from './certificates.ts';
import type { ApiServerAddress } from './kubeconfig.ts';

const timeoutMs = 10_000;

export interface ApiAnswer {
  status: number;
  body: string;
}

export class ApiClient {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(server: ApiServerAddress, user: CertificateFiles) {
    this.#url = server.url;
    this.#agent = new Agent({
      ca: readFileSync(server.authority),
      cert: readFileSync(user.certificate),
      key: readFileSync(user.key),
      keepAlive: true,
    });
  }

  /** Sends one request and returns the answer, whatever its status. Rejects without an answer within 10 s. */
  ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<ApiAnswer> {
    return new Promise((resolve, reject) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const call = request(`${this.#url}${path}`, { method, agent: this.#agent, headers, timeout: timeoutMs }, response => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
      });
      call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer within ${timeoutMs / 1000} s`)));
      call.on('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /**
   * Creates an object, or does nothing if one of that name exists.
   * @throws Error with the API server's message if it refuses the object
   */
  async create(path: string, object: object): Promise<void> {
    const answer = await this.ask('POST', path, object);
    if (answer.status !== 409 && answer.status >= 300) throw new Error(`POST ${path}: ${answer.status} ${answer.body}`);
  }

  close(): void {
    this.#agent.destroy();
  }
}
