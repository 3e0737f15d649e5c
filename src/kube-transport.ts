// KubeTransport: one HTTP exchange with the API server, over one pool of kept-alive connections. Before it: retrying-transport.ts.
//   Who we are and whom we trust comes from client-node's KubeConfig; its own HTTP is not used: it opens a connection a request.
import { createHash } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';

export interface HttpRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly agent: http.Agent;
}

/** The part of a kubeconfig's `exec` that is read here. */
interface ExecConfig {
  readonly apiVersion?: string;
  readonly provideClusterInfo?: boolean;
  env?: { readonly name: string; readonly value: string }[] | null;
}

const execInfoVariable = 'KUBERNETES_EXEC_INFO';

/** KubeConfig reads certificate files and asks exec plugins at every call; within this time one answer serves all requests. */
const credentialsMaxAgeMs = 1_000;
/** The API server closes a connection that was idle for 90 s; ours close before, so that no request meets one that is just being closed. */
const idleSocketMs = 60_000;

export class KubeTransport {
  readonly #server: URL;
  #kubeConfig: KubeConfig;
  #credentials: Promise<Credentials> | undefined;
  #credentialsAtMs = 0;
  #agent: http.Agent | undefined;
  /** What the agent's connections were made with: changed certificates need a new agent. */
  #agentIdentity = '';
  readonly #open = new Set<http.ClientRequest>();
  #isClosed = false;

  constructor(kubeConfig: KubeConfig) {
    const server = kubeConfig.getCurrentCluster()?.server;
    if (server === undefined)
      throw new Error(`the kubeconfig's context ${JSON.stringify(kubeConfig.getCurrentContext())} names no cluster`);
    this.#server = new URL(server);
    this.#kubeConfig = kubeConfig;
    tellExecPlugin(kubeConfig);
  }

  /** The API server's host and port, as metrics name it. */
  get host(): string {
    return this.#server.host;
  }

  /**
   * Sends a request; resolves with the response's head, whatever its status. Its body must be read or destroyed.
   * @throws what node:http throws, or the signal's reason
   */
  async send(request: HttpRequest): Promise<http.IncomingMessage> {
    if (this.#isClosed) throw new Error('the Kubernetes client is closed');
    const credentials = await abortable(this.#currentCredentials(), request.signal);
    const options: https.RequestOptions = {
      protocol: this.#server.protocol,
      hostname: this.#server.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: this.#server.port,
      method: request.method,
      path: this.#server.pathname.replace(/\/$/, '') + request.path,
      headers: { ...request.headers, ...credentials.headers },
      agent: credentials.agent,
      signal: request.signal,
    };
    return new Promise((resolve, reject) => {
      const module = this.#server.protocol === 'http:' ? http : https;
      const outgoing = module.request(options, resolve);
      this.#open.add(outgoing);
      outgoing.on('close', () => this.#open.delete(outgoing));
      outgoing.on('error', (error: Error) => {
        reject(request.signal.aborted ? (request.signal.reason as Error) : error);
      });
      outgoing.end(request.body);
    });
  }

  /** Forgets tokens and certificates, so that the next request gets them anew. For when the server answers 401. */
  renewCredentials(): void {
    const renewed = new KubeConfig();
    const { clusters, contexts, users, currentContext } = this.#kubeConfig;
    renewed.loadFromOptions({ clusters, contexts, users, currentContext });
    this.#kubeConfig = renewed;
    this.#credentials = undefined;
  }

  /** Ends every connection, also those of requests and watches under way. */
  close(): void {
    this.#isClosed = true;
    for (const request of this.#open) request.destroy(new Error('the Kubernetes client is closed'));
    this.#agent?.destroy();
  }

  #currentCredentials(): Promise<Credentials> {
    const nowMs = performance.now();
    if (this.#credentials === undefined || nowMs - this.#credentialsAtMs > credentialsMaxAgeMs) {
      this.#credentialsAtMs = nowMs;
      const loading = this.#loadCredentials();
      this.#credentials = loading;
      loading.then(
        () => (this.#credentialsAtMs = performance.now()),
        () => this.#credentials === loading && (this.#credentials = undefined),
      );
    }
    return this.#credentials;
  }

  async #loadCredentials(): Promise<Credentials> {
    const options: https.RequestOptions = {};
    // The agent that this puts into the options has no connection and is left unused, but for proxies.
    await this.#kubeConfig.applyToHTTPSOptions(options);
    const headers = { ...(options.headers as Record<string, string>) };
    if (typeof options.auth === 'string') headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    return { headers, agent: this.#agentFor(options) };
  }

  #agentFor({ ca, cert, key, passphrase, rejectUnauthorized, servername, agent: proxyAgent }: https.RequestOptions): http.Agent {
    const tls = { ca, cert, key, passphrase, rejectUnauthorized, servername };
    const identity = createHash('sha256').update(JSON.stringify(tls)).digest('hex');
    if (this.#agent !== undefined && this.#agentIdentity === identity) return this.#agent;
    if (this.#agent !== undefined) retire(this.#agent);
    const defined = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
    const pool: http.AgentOptions = { keepAlive: true, keepAliveMsecs: 30_000, timeout: idleSocketMs, scheduling: 'lifo' };
    if (this.#kubeConfig.getCurrentCluster()?.proxyUrl !== undefined) this.#agent = keepingAlive(proxyAgent as http.Agent);
    else this.#agent = this.#server.protocol === 'http:' ? new http.Agent(pool) : new https.Agent({ ...pool, ...defined });
    this.#agentIdentity = identity;
    return this.#agent;
  }
}

/**
 * Exec plugins learn from KUBERNETES_EXEC_INFO what is asked of them; some refuse to run without it, and client-node does not set it.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats
 */
function tellExecPlugin(kubeConfig: KubeConfig): void {
  const exec = kubeConfig.getCurrentUser()?.exec as ExecConfig | null | undefined;
  if (exec === null || exec === undefined || exec.env?.some(({ name }) => name === execInfoVariable) === true) return;
  const { server, caData, skipTLSVerify, tlsServerName } = kubeConfig.getCurrentCluster() ?? {};
  const cluster = {
    server,
    'certificate-authority-data': caData,
    'insecure-skip-tls-verify': skipTLSVerify,
    'tls-server-name': tlsServerName,
  };
  const spec = { interactive: false, ...(exec.provideClusterInfo === true ? { cluster } : {}) };
  const info = { apiVersion: exec.apiVersion, kind: 'ExecCredential', spec };
  exec.env = [...(exec.env ?? []), { name: execInfoVariable, value: JSON.stringify(info) }];
}

/** Lets what is under way finish and closes each connection afterwards. */
function retire(agent: http.Agent): void {
  Object.assign(agent, { keepAlive: false });
  for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
}

function keepingAlive(agent: http.Agent): http.Agent {
  return Object.assign(agent, { keepAlive: true });
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
