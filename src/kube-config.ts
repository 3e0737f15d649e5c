// loadKubeConfig: which API server, and as whom: from kubeconfig files or a pod's service account. Before it: main.ts. After it:
//   kube-client.ts. client-node reads the files; what it passes over in them, and kubectl does not, is put right here or refused.
import { existsSync, readFileSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import path from 'node:path';
import { type Cluster, KubeConfig, type User } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { UsageError } from './config.ts';

export interface KubeConfigOptions {
  /** A file; without it those of KUBECONFIG, then the pod's service account, then ~/.kube/config. */
  readonly kubeconfig?: string | undefined;
  /** Instead of the current one. */
  readonly context?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const serviceAccountToken = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** @throws UsageError that says which file, context or field is wrong, and never what a secret field holds */
export function loadKubeConfig({ kubeconfig, context, environment }: KubeConfigOptions): KubeConfig {
  const config = new KubeConfig();
  const files = filesOf(kubeconfig, environment);
  if (files === 'in-cluster') config.loadFromCluster();
  else for (const file of files) merge(config, loadFile(file));
  select(config, context);
  useProxyOf(environment, config.getCurrentCluster());
  return config;
}

function filesOf(
  kubeconfig: string | undefined,
  environment: KubeConfigOptions['environment'],
): readonly string[] | 'in-cluster' {
  if (kubeconfig !== undefined) return [kubeconfig];
  // As kubectl does with a list: a file that is not there yet does not count.
  const listed = (environment['KUBECONFIG'] ?? '').split(path.delimiter).filter(file => file !== '');
  if (listed.length > 0) {
    const existing = listed.filter(file => existsSync(file));
    return existing.length === 0 ? listed : existing;
  }
  if (environment['KUBERNETES_SERVICE_HOST'] !== undefined && existsSync(serviceAccountToken)) return 'in-cluster';
  const atHome = path.join(environment['HOME'] ?? '/', '.kube', 'config');
  if (existsSync(atHome)) return [atHome];
  throw new UsageError(`no cluster: there is neither --kubeconfig nor KUBECONFIG, nor a service account of a pod, nor ${atHome}`);
}

/** As kubectl: the first of a name counts. */
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

/** A user as the file has it. */
interface RawUser {
  readonly name?: string;
  readonly user?: Readonly<Record<string, unknown>> | null;
}

function loadFile(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    const text = readFileSync(file, 'utf8');
    // client-node's own reader: its types are of API objects, of which this is none.
    const raw = parsed(text) as { readonly users?: readonly RawUser[] | null };
    config.loadFromString(text);
    config.makePathsAbsolute(path.dirname(file));
    for (const [index, user] of config.users.entries()) complete(user, raw.users?.[index]?.user ?? {}, path.dirname(file));
  } catch (error) {
    throw new UsageError(`kubeconfig ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  // There is no TLS to check, which client-node wants to be told.
  config.clusters = config.clusters.map(cluster => ({
    ...cluster,
    skipTLSVerify: cluster.skipTLSVerify || cluster.server.startsWith('http:'),
  }));
  return config;
}

function parsed(text: string): unknown {
  try {
    return parse(text);
  } catch {
    // The parser's message would quote the lines, in which there may be a token.
    throw new Error('is no YAML');
  }
}

/** What client-node passes over of a user. Impersonation of groups alone would silently be somebody else, with other rights. */
function complete(user: User, raw: Readonly<Record<string, unknown>>, folder: string): void {
  for (const field of ['as-groups', 'as-uid', 'as-user-extra'])
    if (raw[field] !== undefined) throw new Error(`user ${user.name}: ${field} is not supported`);
  const tokenFile = raw['tokenFile'];
  if (typeof tokenFile === 'string' && tokenFile !== '') {
    delete (user as { token?: string }).token;
    Object.assign(user, { authProvider: { name: 'tokenFile', config: { tokenFile: path.resolve(folder, tokenFile) } } });
  }
  const exec = user.exec as { command?: string } | null | undefined;
  // With a slash in it a command is a file, and beside the kubeconfig; else it is looked up in PATH.
  if (exec?.command?.includes('/') === true) exec.command = path.resolve(folder, exec.command);
}

function select(config: KubeConfig, wanted: string | undefined): void {
  const name = wanted ?? config.currentContext;
  const context = config.contexts.find(one => one.name === name);
  if (context === undefined) {
    const there = config.contexts.map(one => one.name).join(', ');
    const what = wanted === undefined ? `the kubeconfig's current-context ${JSON.stringify(name)}` : `--context ${wanted}`;
    throw new UsageError(`${what}: there is ${there === '' ? 'no context' : `only ${there}`}`);
  }
  config.setCurrentContext(name);
  if (!config.clusters.some(cluster => cluster.name === context.cluster))
    throw new UsageError(`context ${name}: the kubeconfig has no cluster ${JSON.stringify(context.cluster)}`);
  // client-node would ask as nobody.
  const { user } = context as { readonly user?: string };
  if (user !== undefined && !config.users.some(one => one.name === user))
    throw new UsageError(`context ${name}: the kubeconfig has no user ${JSON.stringify(user)}`);
}

/** HTTPS_PROXY and NO_PROXY, as kubectl takes them: what the kubeconfig says of a proxy wins, and loopback is reached directly. */
function useProxyOf(environment: KubeConfigOptions['environment'], cluster: Cluster | null): void {
  if (cluster === null || cluster.proxyUrl !== undefined) return;
  const { protocol, hostname, port } = new URL(cluster.server);
  const variable = (name: string): string => environment[name.toUpperCase()] ?? environment[name.toLowerCase()] ?? '';
  const proxy = variable(protocol === 'https:' ? 'https_proxy' : 'http_proxy');
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  if (proxy === '' || isLoopback(host) || isExempt(host, port, variable('no_proxy'))) return;
  Object.assign(cluster, { proxyUrl: proxy.includes('://') ? proxy : `http://${proxy}` });
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** golang.org/x/net/http/httpproxy: a list of `*`, addresses, ranges, `example.com` (with what is below it), `.example.com` (only that), each with a port if need be. */
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
  if (family === 0 || family !== isIP(address)) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(length), family === 4 ? 'ipv4' : 'ipv6');
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
