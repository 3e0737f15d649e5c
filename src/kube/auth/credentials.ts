// KubeCredentials: the client's credentials and the CA that it trusts. Exec plugins and OIDC are implemented here;
//   client-node's KubeConfig does the rest: certificates and their files, basic authentication, proxies, cloud providers.
import { readFile } from 'node:fs/promises';
import type http from 'node:http';
import type https from 'node:https';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { type ExecConfig, ExecPlugin } from './exec-plugin.ts';
import type { OidcConfig, OidcToken } from './oidc-token.ts';

export interface TlsOptions {
  readonly ca?: https.RequestOptions['ca'];
  readonly cert?: https.RequestOptions['cert'];
  readonly key?: https.RequestOptions['key'];
  readonly passphrase?: string | undefined;
  readonly rejectUnauthorized?: boolean | undefined;
  readonly servername?: string | undefined;
}

export interface CurrentCredentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsOptions;
  /** A new agent that connects through the cluster's SOCKS proxy with `tls`; undefined without such a proxy. */
  readonly socksAgent: http.Agent | undefined;
}

/** A source of tokens or certificates that change while the process runs. */
interface Source {
  get(): Promise<{ readonly token?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }>;
  forget(): void;
}

export class KubeCredentials {
  readonly #cluster: Cluster;
  /** Without the fields that `#source` provides. */
  readonly #user: User;
  readonly #source: Source | undefined;

  /** @param closing aborts a running plugin or request */
  constructor(kubeConfig: KubeConfig, closing: AbortSignal) {
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null)
      throw new Error(`the kubeconfig's context ${JSON.stringify(kubeConfig.getCurrentContext())} names no cluster`);
    const user = withoutOverridden(kubeConfig.getCurrentUser() ?? { name: 'anonymous' });
    // As client-go: the proxy resolves the API server's name, since it may be the only one that can.
    const { proxyUrl } = cluster;
    this.#cluster = { ...cluster, ...(proxyUrl === undefined ? {} : { proxyUrl: proxyUrl.replace(/^socks5:/, 'socks5h:') }) };
    this.#source = sourceOf(user, cluster, closing);
    const ours = { exec: undefined, authProvider: undefined };
    this.#user = this.#source === undefined ? user : { ...user, ...ours };
  }

  /** The credentials as of now: files are read again, and what has expired is renewed. */
  async current(): Promise<CurrentCredentials> {
    const { token, cert, key } = (await this.#source?.get()) ?? {};
    const options: https.RequestOptions = {};
    // A new KubeConfig each time, since it caches its first agent together with the certificates of that moment.
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromClusterAndUser(this.#cluster, this.#user);
    await kubeConfig.applyToHTTPSOptions(options);
    const headers = { ...(options.headers as Record<string, string>) };
    if (typeof options.auth === 'string') headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
    if (token !== undefined) headers['Authorization'] = `Bearer ${token}`;
    const { ca, passphrase, rejectUnauthorized, servername } = options;
    const tls = { ca, cert: cert ?? options.cert, key: key ?? options.key, passphrase, rejectUnauthorized, servername };
    const socksAgent = this.#cluster.proxyUrl?.startsWith('socks') === true ? (options.agent as http.Agent) : undefined;
    return { headers, tls: definedOnly(tls), socksAgent };
  }

  /** The API server refused the credentials: fetch new ones where the source can. */
  forget(): void {
    this.#source?.forget();
  }
}

/** client-node types these fields as `any`. */
interface ChangingUser {
  readonly exec?: ExecConfig | null;
  readonly authProvider?: { readonly name?: string; readonly config?: OidcConfig & { readonly tokenFile?: string } } | null;
}

/** As client-go: a token, a password or a certificate takes precedence over an exec plugin; the first two also over an auth provider. */
function withoutOverridden(user: User): User {
  const { token, username, certData, certFile, keyData, keyFile } = user;
  const hasIdentity = Boolean(token || username);
  const hasCertificate = Boolean((certData || certFile) && (keyData || keyFile));
  const { tokenFile } = (user as ChangingUser).authProvider?.config ?? {};
  return {
    ...user,
    ...(hasIdentity || hasCertificate || tokenFile !== undefined ? { exec: undefined } : {}),
    ...(hasIdentity ? { authProvider: undefined } : {}),
  };
}

function sourceOf({ exec, authProvider }: ChangingUser, cluster: Cluster, closing: AbortSignal): Source | undefined {
  if (exec !== undefined && exec !== null) {
    const plugin = new ExecPlugin(exec, cluster, closing);
    return { get: shared(() => plugin.credential()), forget: () => plugin.forget() };
  }
  const config = authProvider?.config ?? {};
  if (config.tokenFile !== undefined) return tokenFile(config.tokenFile);
  if (authProvider?.name !== 'oidc') return undefined;
  let loading: Promise<OidcToken> | undefined;
  // Loaded when it is needed: no other way to authenticate needs node-fetch.
  const oidc = () => (loading ??= import('./oidc-token.ts').then(({ OidcToken }) => new OidcToken(config, closing)));
  return {
    get: shared(async () => ({ token: await (await oidc()).token() })),
    forget: () => void loading?.then(token => token.forget()),
  };
}

/** Concurrent callers share one call: a refresh token may be valid only once, and the result is newer than what was refused. */
function shared<T>(get: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined;
  return () => (pending ??= get().finally(() => (pending = undefined)));
}

/** Read each time, since the kubelet replaces it long before it expires. While it cannot be read, the last token is used. */
function tokenFile(file: string): Source {
  let last: string | undefined;
  const get = async (): Promise<{ token: string }> => {
    try {
      const text = (await readFile(file, 'utf8')).trim();
      if (text === '') throw new Error(`the token file ${file} is empty`);
      last = text;
    } catch (error) {
      if (last === undefined) throw error;
    }
    return { token: last };
  };
  return { get, forget: () => undefined };
}

const definedOnly = (tls: TlsOptions): TlsOptions =>
  Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined && value !== null));
