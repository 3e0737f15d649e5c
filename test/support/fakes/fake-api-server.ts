// A server on loopback that answers what a test says, or breaks: the fake of a broken network or a sick API server. Never of a healthy one.
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient, type ResourceType } from '../../../src/kube/client.ts';
import type { KubeClientOptions } from '../../../src/kube/client-options.ts';
import { RecordingLogger } from './recording-logger.ts';

export const pods: ResourceType = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };

export type Handler = (request: http.IncomingMessage, response: http.ServerResponse, body: string) => void;

export class FakeApiServer {
  /** "METHOD /path?query" of each request, in order. */
  readonly requests: string[] = [];
  readonly bodies: string[] = [];
  /** Connections that are open now, and how many there ever were. */
  readonly sockets = new Set<Socket>();
  connections = 0;
  readonly #server: http.Server;
  readonly #clients: KubeClient[] = [];
  #url = '';
  /** Answers each request; the next of `queue` before it. */
  handler: Handler = (_, response) => answer(response, 200, {});
  readonly queue: Handler[] = [];

  private constructor() {
    this.#server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => undefined);
    });
  }

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    await new Promise<void>(resolve => fake.#server.listen(0, '127.0.0.1', resolve));
    fake.#url = `http://127.0.0.1:${(fake.#server.address() as AddressInfo).port}`;
    return fake;
  }

  /** Also when it has stopped. */
  get url(): string {
    return this.#url;
  }

  /** A client of this server; `stop` closes it. */
  client(options: Partial<KubeClientOptions> = {}): KubeClient {
    const client = new KubeClient({ kubeConfig: kubeConfigFor(this.url), logger: new RecordingLogger(), ...options });
    this.#clients.push(client);
    return client;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map(client => client.close()));
    for (const socket of this.sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = '';
    try {
      for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    } catch {
      return;
    }
    this.requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    this.bodies.push(body);
    (this.queue.shift() ?? this.handler)(request, response, body);
  }
}

export function kubeConfigFor(server: string, user: object = {}): KubeConfig {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser({ name: 'fake', server, skipTLSVerify: true }, { name: 'user', ...user });
  return kubeConfig;
}

export function answer(response: http.ServerResponse, code: number, body: unknown, headers: http.OutgoingHttpHeaders = {}): void {
  response.writeHead(code, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

export function fail(code: number, reason: string, headers: http.OutgoingHttpHeaders = {}): Handler {
  return (_, response) => answer(response, code, { kind: 'Status', code, reason, message: `it is ${reason}` }, headers);
}

/** Cuts the connection with a TCP reset. */
export const reset: Handler = request => void request.socket.resetAndDestroy();

/** Starts an answer and cuts it off. */
export const cutOff: Handler = (request, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
  response.write('{"metadata":');
  setImmediate(() => request.socket.destroy());
};

/** Never answers. */
export const silence: Handler = () => undefined;

/** What the promise throws; the test fails if it does not. */
export async function thrownBy(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
