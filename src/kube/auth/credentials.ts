// KubeCredentials: who we are to the API server, and whom we trust as it. Before it: kube-transport.ts. After it: exec-plugin.ts,
//   oidc-token.ts. client-node's KubeConfig knows the rest: certificates and their files, basic authentication, proxies, clouds.
import { readFile } from 'node:fs/promises';
import type http from 'node:http';
import type https from 'node:https';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { type ExecConfig, ExecPlugin } from './exec-plugin.ts';
import { type OidcConfig, OidcToken } from './oidc-token.ts';

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
  /** Goes through the cluster's SOCKS proxy with `tls`; undefined if there is none. It is new each time. */
  readonly socksAgent: http.Agent | undefined;
}

/** Where a token (or a certificate) comes from that changes while the process runs. */
interface Source {
  get(): Promise<{ readonly token?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }>;
  forget(): void;
}

export class KubeCredentials {
  readonly #cluster: Cluster;
  /** Without what `#source` brings. */
  readonly #user: User;
  readonly #source: Source | undefined;

  /** @param closing ends what is asked for credentials */
  constructor(kubeConfig: KubeConfig, closing: AbortSignal) {
    const cluster = kubeConfig.getCurrentCluster();
    if (cluster === null)
      throw new Error(`the kubeconfig's context ${JSON.stringify(kubeConfig.getCurrentContext())} names no cluster`);
    const user = withoutOverridden(kubeConfig.getCurrentUser() ?? { name: 'anonymous' });
    // As client-go: the proxy looks the API server's name up, who may be the only one to know it.
    const { proxyUrl } = cluster;
    this.#cluster = { ...cluster, ...(proxyUrl === undefined ? {} : { proxyUrl: proxyUrl.replace(/^socks5:/, 'socks5h:') }) };
    this.#source = sourceOf(user, cluster, closing);
    const ours = { exec: undefined, authProvider: undefined };
    this.#user = this.#source === undefined ? user : { ...user, ...ours };
  }

  /** As of now: files are read again, and what has expired is got anew. */
  async current(): Promise<CurrentCredentials> {
    const { token, cert, key } = (await this.#source?.get()) ?? {};
    const options: https.RequestOptions = {};
    // A KubeConfig of its own each time: it keeps the first agent that it makes, with the certificates of that time.
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

  /** The API server did not take them: the next ones are not to be the same, if there is a choice. */
  forget(): void {
    this.#source?.forget();
  }
}

/** client-node says `any` of them. */
interface ChangingUser {
  readonly exec?: ExecConfig | null;
  readonly authProvider?: { readonly name?: string; readonly config?: OidcConfig & { readonly tokenFile?: string } } | null;
}

/** As client-go: a plugin is not asked where a token, a password or a certificate is given, nor an auth provider where one of the first two is. */
function withoutOverridden(user: User): User {
  const { token, username, certData, certFile, keyData, keyFile } = user;
  const isToldWho = Boolean(token || username);
  const hasCertificate = Boolean((certData || certFile) && (keyData || keyFile));
  const { tokenFile } = (user as ChangingUser).authProvider?.config ?? {};
  return {
    ...user,
    ...(isToldWho || hasCertificate || tokenFile !== undefined ? { exec: undefined } : {}),
    ...(isToldWho ? { authProvider: undefined } : {}),
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
  const oidc = new OidcToken(config, closing);
  return { get: shared(async () => ({ token: await oidc.token() })), forget: () => oidc.forget() };
}

/** Whoever asks while it is under way gets the same: a refresh token may hold only once, and what comes is newer than what was refused. */
function shared<T>(get: () => Promise<T>): () => Promise<T> {
  let pending: Promise<T> | undefined;
  return () => (pending ??= get().finally(() => (pending = undefined)));
}

/** Read each time, since the kubelet replaces it long before it expires. While it cannot be read the last one holds. */
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
