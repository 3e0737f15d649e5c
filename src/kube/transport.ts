// KubeTransport: one HTTP exchange with the API server, over one pool of kept-alive connections. Before it: retrying-transport.ts.
//   After it: kube-credentials.ts, proxy-tunnel.ts. client-node's own HTTP is not used: it opens a connection a request.
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import { type CurrentCredentials, KubeCredentials, type TlsOptions } from './auth/credentials.ts';
import { SilenceError, throughProxy, type TunnelOptions, unbracketed } from './proxy-tunnel.ts';

export interface HttpRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
  /** Asked over a connection that is made, when nothing but sending is left to do; what it throws becomes the `cause` of a NotSentError. */
  readonly guard?: (() => void) | undefined;
}

/** The request's guard forbade it: nothing was sent. */
export class NotSentError extends Error {
  override readonly name = 'NotSentError';
}

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: http.Agent;
}

/** Files are read again after so long; within it one reading serves all requests, and credentials that were refused are not renewed again. */
const credentialsMaxAgeMs = 1_000;
/** The API server closes a connection that was idle for 90 s; ours close before, so that no request meets one that is just being closed. */
const idleSocketMs = 60_000;
/** Longer than the API server lets a request wait in line (a quarter of its --request-timeout, 60 s unless told). */
const defaultSilenceTimeoutMs = 20_000;
const pool = { keepAlive: true, keepAliveMsecs: 30_000, timeout: idleSocketMs, scheduling: 'lifo' } as const;

export class KubeTransport {
  readonly #server: URL;
  readonly #proxy: URL | undefined;
  readonly #source: KubeCredentials;
  #credentials: Promise<Credentials> | undefined;
  #credentialsAtMs = 0;
  #isRenewing = false;
  #renewedAtMs = -Infinity;
  #agent: http.Agent | undefined;
  /** What the agent's connections were made with: changed certificates need a new agent. */
  #agentIdentity = '';
  /** Ends a request or a watch that is under way. */
  readonly #open = new Set<(reason: Error) => void>();
  readonly #silenceTimeoutMs: number;
  readonly #closing = new AbortController();

  constructor(kubeConfig: KubeConfig, silenceTimeoutMs = defaultSilenceTimeoutMs) {
    this.#silenceTimeoutMs = silenceTimeoutMs;
    this.#source = new KubeCredentials(kubeConfig, this.#closing.signal);
    const { server = '', proxyUrl } = kubeConfig.getCurrentCluster() ?? {};
    this.#server = new URL(server);
    this.#proxy = proxyUrl === undefined ? undefined : new URL(proxyUrl);
  }

  /** The API server's host and port, as metrics name it. */
  get host(): string {
    return this.#server.host;
  }

  /**
   * Sends a request; resolves with the response's head, whatever its status. Its body must be read or destroyed.
   * @throws NotSentError if its guard forbids it, what node:http throws, or the signal's reason
   */
  async send(request: HttpRequest): Promise<http.IncomingMessage> {
    this.#assertOpen();
    const credentials = await abortable(this.#currentCredentials(), request.signal);
    this.#assertOpen();
    request.signal.throwIfAborted();
    return this.#exchange(request, credentials);
  }

  #exchange(request: HttpRequest, { headers, agent }: Credentials): Promise<http.IncomingMessage> {
    const connecting = new AbortController();
    const isPlain = this.#server.protocol === 'http:';
    const options: https.RequestOptions & TunnelOptions = {
      protocol: this.#server.protocol,
      hostname: unbracketed(this.#server.hostname),
      port: this.#server.port,
      method: request.method,
      path: this.#server.pathname.replace(/\/$/, '') + request.path,
      headers: { ...request.headers, ...headers },
      agent,
      timeout: this.#silenceTimeoutMs,
      tunnelSignal: connecting.signal,
    };
    return new Promise((resolve, reject) => {
      const outgoing = (isPlain ? http : https).request(options, response => {
        // What comes after the head has its own limits.
        outgoing.setTimeout(0);
        resolve(response);
      });
      /** Differs from the `signal` of node:http, which is not heeded before the request has a connection. */
      const end = (reason: Error): void => {
        // A connection that passes nothing any more is seldom the only one.
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
          end(new NotSentError('the write guard forbids it', { cause }));
          return;
        }
        outgoing.end(request.body);
      };
      if (request.guard === undefined) outgoing.end(request.body);
      else outgoing.on('socket', socket => whenConnected(socket, outgoing.reusedSocket, isPlain, write));
    });
  }

  /**
   * Forgets tokens and certificates, and gets them anew. For when the server answers 401. What was got anew a moment ago stays: many
   * requests are refused at once, and a plugin that gives the wrong thing is asked once a second.
   */
  renewCredentials(): void {
    if (this.#isRenewing || performance.now() - this.#renewedAtMs < credentialsMaxAgeMs) return;
    this.#isRenewing = true;
    this.#source.forget();
    this.#credentials = undefined;
    const onRenewed = () => {
      this.#isRenewing = false;
      this.#renewedAtMs = performance.now();
    };
    // Whether it failed is for the requests that wait for it to say.
    this.#currentCredentials().then(onRenewed, onRenewed);
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new Error('the Kubernetes client is closed');
  }

  /** Ends every connection, also those of requests and watches under way, and a program that is asked for credentials. */
  close(): void {
    this.#closing.abort();
    for (const end of this.#open) end(new Error('the Kubernetes client is closed'));
    this.#agent?.destroy();
  }

  /** What a proxy does wrong is not taken for the API server's fault. A name with several addresses fails with an error for each. */
  #named(error: Error): Error {
    if (error.message === '' && error instanceof AggregateError)
      error.message = error.errors.map(each => (each as Error).message).join(', ');
    if (this.#proxy !== undefined) error.message = `by proxy ${this.#proxy.host}: ${error.message}`;
    return error;
  }

  #currentCredentials(): Promise<Credentials> {
    const nowMs = performance.now();
    if (this.#credentials === undefined || nowMs - this.#credentialsAtMs > credentialsMaxAgeMs) {
      // Whoever asks while they are loaded waits for them, however long that takes.
      this.#credentialsAtMs = Infinity;
      const loading = this.#loadCredentials();
      this.#credentials = loading;
      loading.then(
        () => this.#credentials === loading && (this.#credentialsAtMs = performance.now()),
        () => this.#credentials === loading && (this.#credentials = undefined),
      );
    }
    return this.#credentials;
  }

  async #loadCredentials(): Promise<Credentials> {
    const { headers, tls, socksAgent } = await this.#source.current();
    return { headers, agent: this.#agentFor(tls, socksAgent) };
  }

  #agentFor(tls: TlsOptions, socksAgent: CurrentCredentials['socksAgent']): http.Agent {
    const identity = createHash('sha256').update(JSON.stringify(tls)).digest('hex');
    if (this.#agent !== undefined && this.#agentIdentity === identity) return this.#agent;
    // The old one is given up when there is a new one, and not for certificates that cannot be read.
    const agent = this.#newAgent(tls, socksAgent);
    if (this.#agent !== undefined) retire(this.#agent);
    this.#agent = agent;
    this.#agentIdentity = identity;
    return agent;
  }

  #newAgent(tls: TlsOptions, socksAgent: CurrentCredentials['socksAgent']): http.Agent {
    if (socksAgent !== undefined) return pooling(socksAgent);
    // Certificates and keys are read once, not for each connection.
    const secure = { ...pool, ...tls, secureContext: createSecureContext(tls) };
    const agent = this.#server.protocol === 'http:' ? new http.Agent(pool) : new https.Agent(secure);
    return this.#proxy === undefined ? agent : throughProxy(agent, this.#proxy);
  }
}

/** Making a connection takes time, in which the process may even be frozen. */
function whenConnected(socket: Socket, isReused: boolean, isPlain: boolean, then: () => void): void {
  if (isReused || (isPlain && !socket.connecting)) then();
  else socket.once(isPlain ? 'connect' : 'secureConnect', then);
}

/** Lets what is under way finish and closes each connection afterwards. */
function retire(agent: http.Agent): void {
  Object.assign(agent, { keepAlive: false });
  closeIdle(agent);
}

function closeIdle(agent: http.Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

/** Makes an agent that client-node has made keep its connections as ours does. */
function pooling(agent: http.Agent): http.Agent {
  // Where an agent looks for the time after which an idle connection goes.
  Object.assign((agent as http.Agent & { readonly options: http.AgentOptions }).options, pool);
  return Object.assign(agent, pool);
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
