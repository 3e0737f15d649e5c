// KubeTransport: one HTTP exchange with the API server: requests over a pool of kept-alive connections, watches over HTTP/2 if possible.
//   client-node's own HTTP is not used, since it opens a connection for each request.
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import { type CurrentCredentials, KubeCredentials, type TlsOptions } from './auth/credentials.ts';
import { unbracketed } from './host.ts';
import type { ApiResponse, HttpRequest } from './http-exchange.ts';
import { Http2Pool } from './http2-pool.ts';
import { abortable } from '../time/deadline.ts';
import { longestTimerMs } from '../time/timer.ts';
import { SilenceError, throughProxy, type TunnelOptions } from './proxy-tunnel.ts';

/** The request's guard threw: nothing was sent. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
}

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly connections: Connections;
}

/** The connections with one set of certificates. */
interface Connections {
  readonly agent: http.Agent;
  /** Undefined with plain HTTP and through proxies. */
  readonly http2: Http2Pool | undefined;
}

interface LoadedCredentials {
  readonly credentials: Promise<Credentials>;
  /** Undefined while they are being loaded. */
  loadedAtMs?: number;
}

/** Files are read again after this time. Until then one read serves all requests, and refused credentials are not renewed again. */
const credentialsMaxAgeMs = 1_000;
/** The API server closes connections that were idle for 90 s. Ours close earlier, so that no request meets one that is just being closed. */
const idleSocketMs = 60_000;
/** Longer than the API server queues a request: a quarter of its --request-timeout, 60 s by default. */
const defaultSilenceTimeoutMs = 20_000;
const pool = { keepAlive: true, keepAliveMsecs: 30_000, timeout: idleSocketMs, scheduling: 'lifo' } as const;

export class KubeTransport {
  readonly #server: URL;
  readonly #proxy: URL | undefined;
  readonly #source: KubeCredentials;
  #loaded: LoadedCredentials | undefined;
  #isRenewing = false;
  #renewedAtMs = -Infinity;
  #connections: Connections | undefined;
  /** Hash of the TLS options of #connections: changed certificates need new ones. */
  #tlsIdentity = '';
  /** For each request or watch in flight, a function that ends it. */
  readonly #open = new Set<(reason: Error) => void>();
  readonly #silenceTimeoutMs: number;
  readonly #closing = new AbortController();

  constructor(kubeConfig: KubeConfig, silenceTimeoutMs = defaultSilenceTimeoutMs) {
    this.#silenceTimeoutMs = Math.min(silenceTimeoutMs, longestTimerMs);
    this.#source = new KubeCredentials(kubeConfig, this.#closing.signal);
    const { server = '', proxyUrl } = kubeConfig.getCurrentCluster() ?? {};
    this.#server = new URL(server);
    this.#proxy = proxyUrl === undefined ? undefined : new URL(proxyUrl);
  }

  /** The API server's host and port, for metrics. */
  get host(): string {
    return this.#server.host;
  }

  /**
   * Sends a request. Resolves with the head of the response, whatever its status. The caller must read or destroy the body.
   * @throws NotSentError if the guard throws, an error of node:http, or the signal's reason
   */
  async send(request: HttpRequest): Promise<ApiResponse> {
    this.#assertOpen();
    const credentials = await abortable(this.#currentCredentials(), request.signal);
    this.#assertOpen();
    request.signal.throwIfAborted();
    const { headers, connections } = credentials;
    const shared = request.isWatch === true ? connections.http2 : undefined;
    const response = await shared?.open({ ...request, headers: { ...request.headers, ...headers } });
    return response ?? this.#exchange(request, headers, connections.agent);
  }

  #exchange(request: HttpRequest, credentials: Credentials['headers'], agent: http.Agent): Promise<http.IncomingMessage> {
    const connecting = new AbortController();
    const isPlain = this.#server.protocol === 'http:';
    const options: https.RequestOptions & TunnelOptions = {
      protocol: this.#server.protocol,
      hostname: unbracketed(this.#server.hostname),
      port: this.#server.port,
      method: request.method,
      path: this.#server.pathname.replace(/\/$/, '') + request.path,
      headers: { ...request.headers, ...credentials },
      agent,
      timeout: this.#silenceTimeoutMs,
      tunnelSignal: connecting.signal,
    };
    return new Promise((resolve, reject) => {
      const outgoing = (isPlain ? http : https).request(options, response => {
        // The body has its own limits.
        outgoing.setTimeout(0);
        resolve(response);
      });
      /** Differs from the `signal` of node:http, which has no effect before the request has a connection. */
      const end = (reason: Error): void => {
        // If one connection is half-open, the idle ones probably are too.
        if (reason.name === 'SilenceError' || reason.name === 'TimeoutError') closeIdle(agent);
        reject(reason);
        connecting.abort();
        outgoing.destroy();
      };
      const onAbort = (): void => end(request.signal.reason as Error);
      this.#open.add(end);
      request.signal.addEventListener('abort', onAbort, { once: true });
      outgoing.on('close', () => {
        this.#open.delete(end);
        request.signal.removeEventListener('abort', onAbort);
      });
      outgoing.on('timeout', () => outgoing.destroy(new SilenceError(this.#silenceTimeoutMs)));
      outgoing.on('error', (error: Error) => connecting.signal.aborted || end(this.#named(error)));
      const write = (): void => {
        try {
          request.guard?.();
        } catch (cause) {
          end(new NotSentError('the write guard refused the request', { cause }));
          return;
        }
        outgoing.end(request.body);
      };
      if (request.guard === undefined) outgoing.end(request.body);
      else outgoing.on('socket', socket => whenConnected(socket, outgoing.reusedSocket, isPlain, write));
    });
  }

  /**
   * Discards tokens and certificates and loads new ones, after a 401. Does nothing if they were renewed within the last second: many
   * requests are refused at once, and a plugin that returns wrong credentials must not run more often than that.
   */
  renewCredentials(): void {
    if (this.#isRenewing || performance.now() - this.#renewedAtMs < credentialsMaxAgeMs) return;
    this.#isRenewing = true;
    this.#source.forget();
    this.#loaded = undefined;
    const onRenewed = () => {
      this.#isRenewing = false;
      this.#renewedAtMs = performance.now();
    };
    // A failure is reported by the requests that wait for the credentials.
    this.#currentCredentials().then(onRenewed, onRenewed);
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new Error('the Kubernetes client is closed');
  }

  /** Closes every connection, including those of requests and watches in flight, and ends a running credential plugin. */
  close(): void {
    this.#closing.abort();
    const reason = new Error('the Kubernetes client is closed');
    for (const end of this.#open) end(reason);
    this.#connections?.agent.destroy();
    this.#connections?.http2?.close(reason);
  }

  /** Names the proxy in the message, if there is one. For a host with several addresses Node.js throws an error for each; their messages are joined. */
  #named(error: Error): Error {
    if (error.message === '' && error instanceof AggregateError)
      error.message = error.errors.map(each => (each as Error).message).join(', ');
    if (this.#proxy !== undefined) error.message = `by proxy ${this.#proxy.host}: ${error.message}`;
    return error;
  }

  #currentCredentials(): Promise<Credentials> {
    if (this.#loaded !== undefined && !isStale(this.#loaded)) return this.#loaded.credentials;
    const loading: LoadedCredentials = { credentials: this.#loadCredentials() };
    this.#loaded = loading;
    const onLoaded = () => {
      loading.loadedAtMs = performance.now();
    };
    const onFailed = () => {
      if (this.#loaded === loading) this.#loaded = undefined;
    };
    loading.credentials.then(onLoaded, onFailed);
    return loading.credentials;
  }

  async #loadCredentials(): Promise<Credentials> {
    const { headers, tls, socksAgent } = await this.#source.current();
    return { headers, connections: this.#connectionsFor(tls, socksAgent) };
  }

  #connectionsFor(tls: TlsOptions, socksAgent: CurrentCredentials['socksAgent']): Connections {
    const identity = createHash('sha256').update(JSON.stringify(tls)).digest('hex');
    if (this.#connections !== undefined && this.#tlsIdentity === identity) return this.#connections;
    // The old ones stay if the new certificates cannot be read.
    const connections = this.#newConnections(tls, socksAgent);
    if (this.#connections !== undefined) retire(this.#connections);
    this.#connections = connections;
    this.#tlsIdentity = identity;
    return connections;
  }

  #newConnections(tls: TlsOptions, socksAgent: CurrentCredentials['socksAgent']): Connections {
    if (socksAgent !== undefined) return { agent: pooling(socksAgent), http2: undefined };
    const isPlain = this.#server.protocol === 'http:';
    // Certificates and keys are parsed once, not for each connection.
    const secure = { ...tls, secureContext: createSecureContext(tls) };
    const agent = isPlain ? new http.Agent(pool) : new https.Agent({ ...pool, ...secure });
    if (this.#proxy !== undefined) return { agent: throughProxy(agent, this.#proxy), http2: undefined };
    const options = {
      server: this.#server,
      tls: secure,
      silenceTimeoutMs: this.#silenceTimeoutMs,
      onSilence: () => closeIdle(agent),
    };
    return { agent, http2: isPlain ? undefined : new Http2Pool(options) };
  }
}

/** Calls `then` when the socket is connected: until then the process may have been frozen, or the lease lost. */
function whenConnected(socket: Socket, isReused: boolean, isPlain: boolean, then: () => void): void {
  if (isReused || (isPlain && !socket.connecting)) then();
  else socket.once(isPlain ? 'connect' : 'secureConnect', then);
}

/** Lets requests in flight finish and closes each connection afterwards. */
function retire({ agent, http2 }: Connections): void {
  http2?.retire();
  Object.assign(agent, { keepAlive: false });
  closeIdle(agent);
}

function closeIdle(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

/** Gives an agent that client-node made the same keep-alive options as ours. */
function pooling(agent: http.Agent): http.Agent {
  // The agent reads its idle timeout from here.
  Object.assign((agent as http.Agent & { readonly options: http.AgentOptions }).options, pool);
  return Object.assign(agent, pool);
}

/** While credentials are being loaded, all requests wait for the same load, however long it takes. */
function isStale({ loadedAtMs }: LoadedCredentials): boolean {
  return loadedAtMs !== undefined && performance.now() - loadedAtMs > credentialsMaxAgeMs;
}
