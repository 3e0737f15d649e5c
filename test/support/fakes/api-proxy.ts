// An HTTP proxy in front of a real API server that sees each request: a test counts them, answers some in the server's place, or lets
// something happen right before or after one. It authenticates to the server as the administrator, for every client.
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import type { TestControlPlane } from '../cluster/api-server.ts';

export interface ProxiedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly isWrite: boolean;
  /** How many writes came before it. */
  readonly writesBefore: number;
}

/** What becomes of a request or of its answer: it is forwarded, it is dropped, or it is answered with this. */
export type Verdict =
  'pass' | 'vanish' | { readonly status: number; readonly reason: string; readonly headers?: Readonly<Record<string, string>> };

export class ApiProxy {
  /** Asked when a request has come in, before the API server gets it. */
  onRequest: (request: ProxiedRequest) => Verdict = () => 'pass';
  /** Asked when the API server has done what a write wanted, before its answer is passed on. */
  onWritten: (request: ProxiedRequest) => Verdict = () => 'pass';
  /** How many writes have come in. */
  writeCount = 0;
  /** "METHOD path" of each write that the API server got, in order. */
  readonly writes: string[] = [];
  /** File of a kubeconfig for it; it goes with the control plane's folder. */
  readonly kubeconfigPath: string;
  readonly #watches = new Set<http.ServerResponse>();
  readonly #server: http.Server;
  readonly #target: URL;
  readonly #agent: https.Agent;

  private constructor(server: http.Server, controlPlane: TestControlPlane, tls: https.RequestOptions) {
    this.#server = server;
    this.#target = new URL(controlPlane.serverUrl);
    this.#agent = new https.Agent({ keepAlive: true, ca: tls.ca, cert: tls.cert, key: tls.key });
    this.kubeconfigPath = path.join(controlPlane.dir, `proxy-${portOf(server)}.kubeconfig`);
    server.on('request', (request, response) => {
      request.on('error', () => undefined);
      response.on('error', () => undefined);
      void this.#serve(request, response);
    });
  }

  static async start(controlPlane: TestControlPlane): Promise<ApiProxy> {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(controlPlane.adminKubeconfig);
    const tls: https.RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(tls);
    const server = http.createServer();
    // As the API server's: what is sent after a pause goes over a connection that is there already.
    server.keepAliveTimeout = 90_000;
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const proxy = new ApiProxy(server, controlPlane, tls);
    await writeFile(proxy.kubeconfigPath, kubeconfigFor(`http://127.0.0.1:${portOf(server)}`));
    return proxy;
  }

  /** Ends every watch that is open. */
  cutWatches(): void {
    for (const response of this.#watches) response.destroy();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const { method = '', url = '' } = request;
    const isWrite = method !== 'GET';
    const proxied = { method, path: url, isWrite, writesBefore: this.writeCount };
    if (isWrite) this.writeCount += 1;
    const body: Buffer[] = [];
    try {
      for await (const chunk of request) body.push(chunk as Buffer);
    } catch {
      return;
    }
    const verdict = this.onRequest(proxied);
    if (verdict !== 'pass') {
      refuse(response, verdict);
      return;
    }
    if (isWrite) this.writes.push(`${method} ${url.split('?', 1)[0] ?? ''}`);
    const upstream = this.#forward(request, Buffer.concat(body));
    upstream.on('error', () => response.destroy());
    if (url.includes('watch=true')) this.#watches.add(response);
    response.on('close', () => {
      this.#watches.delete(response);
      upstream.destroy();
    });
    upstream.on('response', answer => {
      answer.on('error', () => response.destroy());
      if (isWrite) void this.#passWritten(proxied, answer, response);
      else answer.pipe(response.writeHead(answer.statusCode ?? 0, answer.headers));
    });
  }

  #forward(request: http.IncomingMessage, body: Buffer): http.ClientRequest {
    const { hostname, port, host } = this.#target;
    const { method, url: target, headers } = request;
    const upstream = https.request({ hostname, port, method, path: target, agent: this.#agent, headers: { ...headers, host } });
    upstream.end(body);
    return upstream;
  }

  async #passWritten(request: ProxiedRequest, answer: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    try {
      for await (const chunk of answer) body.push(chunk as Buffer);
    } catch {
      return;
    }
    const verdict = this.onWritten(request);
    if (verdict === 'pass') response.writeHead(answer.statusCode ?? 0, answer.headers).end(Buffer.concat(body));
    else refuse(response, verdict);
  }
}

const portOf = (server: http.Server): number => (server.address() as AddressInfo).port;

// client-node takes plain HTTP for a mistake unless TLS is not to be verified.
const kubeconfigFor = (server: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'proxy',
    clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'proxy', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
  });

function refuse(response: http.ServerResponse, verdict: Exclude<Verdict, 'pass'>): void {
  if (verdict === 'vanish') return;
  const { status: code, reason, headers = {} } = verdict;
  response.writeHead(code, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: `it is ${reason}` }));
}
