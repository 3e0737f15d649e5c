// loadKubeConfig: the cluster and the user, from kubeconfig files or a pod's service account, as kubectl chooses them.
//   client-node parses the files. Fields that it ignores and kubectl does not are handled or refused here.
import { existsSync, readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import path from 'node:path';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { isLoopback, unbracketed } from '../host.ts';

/** The environment variables that decide which cluster is used: kubeconfig files, the service account of a pod, proxies. */
export const clusterVariables = [
  ...(['KUBECONFIG', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT', 'HOME'] as const),
  ...(['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'https_proxy', 'http_proxy', 'no_proxy'] as const),
];

export type ClusterEnvironment = Readonly<Partial<Record<(typeof clusterVariables)[number], string | undefined>>>;

/** The kubeconfig or the environment is wrong. The message names the file, context or field, and never quotes a secret field. */
export class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError';
}

export interface KubeConfigOptions {
  /** A kubeconfig file. Default: the files of KUBECONFIG, then the pod's service account, then ~/.kube/config. */
  readonly kubeconfig?: string | undefined;
  /** A context of the kubeconfig. Default: its current-context. */
  readonly context?: string | undefined;
  readonly environment: ClusterEnvironment;
}

const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Upstream: client-go tools/clientcmd. @throws KubeConfigError */
export function loadKubeConfig({ kubeconfig, context, environment }: KubeConfigOptions): KubeConfig {
  const config = new KubeConfig();
  const files = filesOf(kubeconfig, environment);
  const faults: string[] = [];
  if (files === 'in-cluster') config.loadFromCluster();
  else for (const file of files) merge(config, loadFile(file, faults));
  const { cluster, user } = select(config, context, faults);
  confirmCluster(cluster);
  if (user !== undefined) confirmUser(user);
  useProxyOf(environment, cluster);
  return config;
}

function filesOf(kubeconfig: string | undefined, environment: ClusterEnvironment): readonly string[] | 'in-cluster' {
  if (kubeconfig !== undefined) return [kubeconfig];
  // As kubectl: a file of the list that does not exist is ignored.
  const listed = (environment.KUBECONFIG ?? '').split(path.delimiter).filter(file => file !== '');
  if (listed.length > 0) {
    const existing = listed.filter(file => existsSync(file));
    return existing.length === 0 ? listed : existing;
  }
  // As client-go: an empty variable counts as unset.
  const isInPod = Boolean(environment.KUBERNETES_SERVICE_HOST) && Boolean(environment.KUBERNETES_SERVICE_PORT);
  if (isInPod && existsSync(serviceAccountToken)) return 'in-cluster';
  const atHome = path.join(environment.HOME ?? '/', '.kube', 'config');
  if (existsSync(atHome)) return [atHome];
  throw new KubeConfigError(
    `no cluster: neither --kubeconfig nor KUBECONFIG is set, and there is no service account of a pod and no ${atHome}`,
  );
}

/** As kubectl: of several entries with the same name the first wins. */
function merge(config: KubeConfig, { clusters, users, contexts, currentContext }: KubeConfig): void {
  const isNew = (known: readonly { readonly name: string }[], { name }: { readonly name: string }): boolean =>
    known.every(other => other.name !== name);
  config.loadFromOptions({
    clusters: [...config.clusters, ...clusters.filter(cluster => isNew(config.clusters, cluster))],
    users: [...config.users, ...users.filter(user => isNew(config.users, user))],
    contexts: [...config.contexts, ...contexts.filter(context => isNew(config.contexts, context))],
    currentContext: config.currentContext || currentContext,
  });
}

/** The parts of a kubeconfig that client-node ignores. */
interface RawConfig {
  readonly users?:
    readonly ({ readonly name?: string; readonly user?: Readonly<Record<string, unknown>> | null } | null)[] | null;
}

interface LoadedUser extends User {
  /** Fields that are not supported; an error only if this user is selected. */
  readonly unsupported?: readonly string[];
}

/** @param faults receives the faults of entries that are skipped; they matter only if such an entry is selected */
function loadFile(file: string, faults: string[]): KubeConfig {
  const config = new KubeConfig();
  try {
    const raw = parsed(readFileSync(file, 'utf8'));
    const text = JSON.stringify(raw);
    config.loadFromString(text, { onInvalidEntry: 'filter' });
    faults.push(...faultsOf(text));
    config.makePathsAbsolute(path.dirname(file));
    for (const user of config.users)
      complete(user, raw.users?.find(one => one?.name === user.name)?.user ?? {}, path.dirname(file));
  } catch (error) {
    throw new KubeConfigError(`kubeconfig ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  config.clusters = config.clusters.map(({ proxyUrl, ...cluster }) => ({
    ...cluster,
    // client-node insists on a CA or this flag, but there is no TLS to verify.
    skipTLSVerify: cluster.skipTLSVerify || cluster.server.startsWith('http:'),
    ...(proxyUrl ? { proxyUrl } : {}),
  }));
  return config;
}

function parsed(text: string): RawConfig {
  let raw: unknown;
  try {
    raw = parse(text, { merge: true }) ?? {};
  } catch {
    // The parser's message would quote the lines, which may contain a token.
    throw new Error('is not YAML');
  }
  if (typeof raw !== 'object' || Array.isArray(raw)) throw new Error('has no clusters, users and contexts');
  return raw as RawConfig;
}

/** The first fault, as client-node words it, such as "clusters[1].cluster.server is missing". */
function faultsOf(text: string): string[] {
  try {
    new KubeConfig().loadFromString(text);
    return [];
  } catch (error) {
    return [(error as Error).message];
  }
}

function complete(user: User, raw: Readonly<Record<string, unknown>>, folder: string): void {
  const isGiven = (value: unknown): boolean =>
    typeof value === 'object' && value !== null ? Object.keys(value).length > 0 : Boolean(value);
  const unsupported = ['as-groups', 'as-uid', 'as-user-extra'].filter(field => isGiven(raw[field]));
  Object.assign(user, { unsupported } satisfies Pick<LoadedUser, 'unsupported'>);
  const tokenFile = raw['tokenFile'];
  if (typeof tokenFile === 'string' && tokenFile !== '') {
    delete (user as { token?: string }).token;
    Object.assign(user, { authProvider: { name: 'tokenFile', config: { tokenFile: path.resolve(folder, tokenFile) } } });
  }
  const exec = user.exec as { command?: string } | null | undefined;
  // A command with a slash is relative to the kubeconfig; any other is looked up in PATH.
  if (exec?.command?.includes('/') === true) exec.command = path.resolve(folder, exec.command);
}

function select(
  config: KubeConfig,
  wanted: string | undefined,
  faults: readonly string[],
): { cluster: Cluster; user: LoadedUser | undefined } {
  const name = wanted ?? config.currentContext;
  const why = faults.length === 0 ? '' : ` (${faults.join(', ')})`;
  const context = config.contexts.find(one => one.name === name);
  if (context === undefined) {
    const there = config.contexts.map(one => one.name).join(', ');
    const what = wanted === undefined ? `the kubeconfig's current-context ${JSON.stringify(name)}` : `--context ${wanted}`;
    throw new KubeConfigError(`${what}: there is ${there === '' ? 'no context' : `only ${there}`}${why}`);
  }
  config.setCurrentContext(name);
  const cluster = config.clusters.find(one => one.name === context.cluster);
  if (cluster === undefined)
    throw new KubeConfigError(`context ${name}: the kubeconfig has no cluster ${JSON.stringify(context.cluster)}${why}`);
  // client-node would send anonymous requests.
  const { user: userName } = context as { readonly user?: string };
  const user = config.users.find(one => one.name === userName);
  if (userName !== undefined && user === undefined)
    throw new KubeConfigError(`context ${name}: the kubeconfig has no user ${JSON.stringify(userName)}${why}`);
  return { cluster, user };
}

/** Refuses what kubectl refuses (clientcmd/validation.go), before it fails later with another message or reaches another cluster. */
function confirmCluster({ name, server, caFile, caData, proxyUrl }: Cluster): void {
  if (!isUrl(server, /^https?:$/))
    throw new KubeConfigError(`cluster ${name}: server ${JSON.stringify(server)} is not a URL such as https://host:6443`);
  if (caFile && caData)
    throw new KubeConfigError(`cluster ${name}: certificate-authority and certificate-authority-data exclude each other`);
  if (proxyUrl !== undefined) confirmProxy(`cluster ${name}: proxy-url`, proxyUrl);
}

/** The same for a user. Impersonation of groups alone would silently use another identity with other rights. */
function confirmUser(user: LoadedUser): void {
  const { name, certFile, certData, keyFile, keyData, token, username } = user;
  const exec = user.exec as { command?: string; apiVersion?: string } | null | undefined;
  const authProvider = user.authProvider as { name?: string } | null | undefined;
  const refuse = (what: string): never => {
    throw new KubeConfigError(`user ${name}: ${what}`);
  };
  for (const field of user.unsupported ?? []) refuse(`${field} is not supported`);
  if (certFile && certData) refuse('client-certificate and client-certificate-data exclude each other');
  if (keyFile && keyData) refuse('client-key and client-key-data exclude each other');
  if ((certFile || certData) && !(keyFile || keyData)) refuse('a client-certificate needs a client-key');
  if (token && username) refuse('token and username exclude each other');
  if (exec && !exec.command) refuse('exec has no command');
  if (exec && !exec.apiVersion) refuse('exec has no apiVersion such as client.authentication.k8s.io/v1');
  if (exec && authProvider && authProvider.name !== 'tokenFile') refuse('exec and auth-provider exclude each other');
}

/** What makes the connection unsafe, for a warning at the start; undefined if nothing does. */
export function insecureAccess(config: KubeConfig): string | undefined {
  const { server = '', skipTLSVerify } = config.getCurrentCluster() ?? {};
  const user = config.getCurrentUser();
  const hasCredentials = [user?.token, user?.username, user?.exec, user?.authProvider].some(Boolean);
  const isPlain = server.startsWith('http:');
  if (isPlain && hasCredentials && !isLoopback(unbracketed(new URL(server).hostname)))
    return 'the server is http://, so that the credentials are sent unencrypted';
  if (!isPlain && skipTLSVerify) return 'insecure-skip-tls-verify: the identity of the API server is not verified';
  return undefined;
}

function isUrl(text: string, protocol: RegExp): boolean {
  return URL.canParse(text) && protocol.test(new URL(text).protocol);
}

/** The URL of a proxy may contain a password, so no message shows it. */
function confirmProxy(where: string, url: string): void {
  if (!isUrl(url, /^(https?|socks(4a?|5h?)?):$/))
    throw new KubeConfigError(`${where} is not a URL such as http://host:3128 or socks5://host:1080`);
}

/** HTTPS_PROXY and NO_PROXY as kubectl reads them: the kubeconfig's proxy-url wins, and loopback is never proxied. */
function useProxyOf(environment: ClusterEnvironment, cluster: Cluster): void {
  if (cluster.proxyUrl !== undefined) return;
  const { protocol, hostname, port } = new URL(cluster.server);
  const variable = (name: 'HTTPS_PROXY' | 'HTTP_PROXY' | 'NO_PROXY'): string =>
    environment[name] || environment[name.toLowerCase() as Lowercase<typeof name>] || '';
  const name = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const proxy = variable(name);
  const host = unbracketed(hostname);
  if (proxy === '' || isLoopback(host) || isExempt(host, port, variable('NO_PROXY'))) return;
  const proxyUrl = proxy.includes('://') ? proxy : `http://${proxy}`;
  confirmProxy(name, proxyUrl);
  Object.assign(cluster, { proxyUrl });
}

/** As golang.org/x/net/http/httpproxy: a list of `*`, addresses, ranges, `example.com` (and its subdomains), `.example.com` (only those), each optionally with a port. */
function isExempt(host: string, port: string, list: string): boolean {
  const entries = list.split(',').map(entry => entry.trim().toLowerCase());
  return entries.some(entry => {
    if (entry === '*') return true;
    const [, name = entry, itsPort] = (isIP(entry) === 0 ? /^(.+):(\d+)$/.exec(entry) : undefined) ?? [];
    if (name === '' || (itsPort !== undefined && itsPort !== (port === '' ? '443' : port))) return false;
    if (name.includes('/')) return isInRange(host, name);
    const domain = name.replace(/^\*\./, '.');
    return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`);
  });
}

function isInRange(host: string, range: string): boolean {
  const [address = '', length = ''] = range.split('/');
  const family = isIP(host);
  // As Go, an invalid range is ignored.
  const isLength = /^\d+$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
  if (family === 0 || family !== isIP(address) || !isLength) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(length), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
