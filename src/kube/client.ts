// KubeClient: the Kubernetes API as raw JSON: nothing is renamed, converted or dropped.
//   Numbers beyond 2^53 are rounded, as everywhere in JavaScript. So write with apply(), and replace() only objects of your own.
import { Deadline } from '../time/deadline.ts';
import type {
  ApplyOptions,
  CallOptions,
  CreateOptions,
  DeleteOptions,
  KubeClientOptions,
  ListOptions,
  PatchOptions,
  Selection,
  WatchOptions,
  WriteOptions,
  Query,
} from './client-options.ts';
import { KubeTransport } from './transport.ts';
import type { KubeList, KubeObject, ObjectName, ResourceType } from './resource.ts';
import { apiVersionOf, keyOf, resourcePath } from './resource.ts';
import { readWatchEvents, type WatchEvent } from './watch-stream.ts';
import { RetryingTransport, type ApiCall } from './retry.ts';
import { TokenBucket } from '../time/token-bucket.ts';

export type { CallOptions, KubeClientOptions } from './client-options.ts';
export type { KubeList, KubeObject, ObjectName, ResourceType } from './resource.ts';
export type { WatchEvent } from './watch-stream.ts';

const defaultTimeoutMs = 30_000;
const defaultMaxTries = 10;
const patchContentTypes = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
} as const;

/**
 * Every call throws `ApiError` if the API server answers with an error status; otherwise an `Error` whose message names the call,
 * or its signal's reason. Within its time limit a call is retried with exponential backoff after 429, after 5xx and broken
 * connections if it is idempotent, and once after 401 with new credentials. Upstream: client-go rest.Client.
 */
export class KubeClient {
  readonly #connection: Connection;
  #writeGuard: () => void = () => undefined;

  /** Opens no connection yet. */
  constructor(options: KubeClientOptions);
  /** @internal */
  // eslint-disable-next-line @typescript-eslint/unified-signatures -- the published declarations have only the first one
  constructor(options: KubeClientOptions | Connection);
  constructor(options: KubeClientOptions | Connection) {
    this.#connection = options instanceof Connection ? options : new Connection(options);
  }

  /**
   * Returns a client over the same connections that calls `guard` before every write (all calls but get, list and watch) and before
   * each retry of it. If `guard` throws, nothing is sent and the call throws that error: a replica that lost its lease stops writing.
   */
  withWriteGuard(guard: () => void): KubeClient {
    const guarded = new KubeClient(this.#connection);
    guarded.#writeGuard = guard;
    return guarded;
  }

  /** Reads one object. */
  async get<T extends KubeObject>(type: ResourceType<T>, name: ObjectName, options: CallOptions = {}): Promise<T> {
    return (await this.#on('get', type, name, { ...options, method: 'GET' })) as T;
  }

  /** Lists a collection, or one page of it if `limit` is given. */
  async list<T extends KubeObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const attempted = `list ${type.plural}${options.namespace === undefined ? '' : ` in ${options.namespace}`}`;
    const query = { ...selectionQuery(options), limit: options.limit, continue: options.continue };
    const path = resourcePath(type, { namespace: options.namespace });
    return (await this.#call({ ...options, attempted, verb: 'LIST', method: 'GET', path, query })) as KubeList<T>;
  }

  /** Follows the changes of a collection. Ends when the server ends it; throws when the connection breaks. Leaving the loop closes the connection. */
  async *watch<T extends KubeObject>(type: ResourceType<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void> {
    const attempted = `watch ${type.plural}${options.namespace === undefined ? '' : ` in ${options.namespace}`}`;
    const { allowWatchBookmarks, sendInitialEvents, timeoutSeconds, idleTimeoutMs } = options;
    const query = { ...selectionQuery(options), watch: true, allowWatchBookmarks, sendInitialEvents, timeoutSeconds };
    const path = resourcePath(type, { namespace: options.namespace });
    const deadline = new Deadline(idleTimeoutMs, options.signal);
    try {
      const call = this.#apiCall({ attempted, verb: 'WATCH', method: 'GET', path, query, isUnthrottled: true }, deadline);
      const response = await this.#connection.retrying.open(call);
      yield* readWatchEvents<T>(response, { attempted, deadline, idleTimeoutMs });
    } finally {
      deadline.clear();
    }
  }

  /** Creates an object; its namespace is that of its metadata. */
  async create<T extends KubeObject>(type: ResourceType<T>, object: T, options: CreateOptions = {}): Promise<T> {
    const { namespace } = object.metadata ?? {};
    const path = resourcePath(type, { namespace });
    if (type.namespaced && namespace === undefined) throw new TypeError(`create ${type.plural}: a namespace is required`);
    const attempted = `create ${type.plural} ${keyOf(object)}`;
    return (await this.#write({
      ...options,
      attempted,
      method: 'POST',
      path,
      query: {
        fieldManager: options.fieldManager,
        dryRun: options.isDryRun === true ? 'All' : undefined,
        fieldValidation: options.isStrict === true ? 'Strict' : undefined,
      },
      body: completed(type, object),
    })) as T;
  }

  /** Writes the whole object. With a `metadata.resourceVersion` it fails with a conflict (`isConflict`) if the object has changed since. */
  async replace<T extends KubeObject>(
    type: ResourceType<T>,
    object: T,
    options: WriteOptions & { subresource?: string } = {},
  ): Promise<T> {
    const query = { fieldManager: options.fieldManager };
    return (await this.#on('replace', type, nameOf(object), {
      ...options,
      method: 'PUT',
      query,
      body: completed(type, object),
    })) as T;
  }

  /** Server-side apply. `object` contains the fields that `fieldManager` wants to own, and no others. */
  async apply<T extends KubeObject>(type: ResourceType<T>, object: T, options: ApplyOptions): Promise<T> {
    const { fieldManager, force, subresource } = options;
    const body = completed(type, object);
    const contentType = 'application/apply-patch+yaml';
    return (await this.#on('apply', type, nameOf(object), {
      ...options,
      method: 'PATCH',
      subresource,
      query: { fieldManager, force },
      body,
      contentType,
    })) as T;
  }

  /** Patches an object. JSON patches are not retried after a broken connection, since they may not be idempotent. */
  async patch<T extends KubeObject>(type: ResourceType<T>, name: ObjectName, body: object, options: PatchOptions): Promise<T> {
    const contentType = patchContentTypes[options.patchType];
    const query = { fieldManager: options.fieldManager };
    return (await this.#on('patch', type, name, { ...options, method: 'PATCH', query, body, contentType })) as T;
  }

  /** Resolves with the API server's answer: a `Status`, or the object if finalizers keep it. After a lost response, a retry may throw `isNotFound`. */
  async delete(type: ResourceType, name: ObjectName, options: DeleteOptions = {}): Promise<unknown> {
    const { propagationPolicy, preconditions } = options;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, preconditions };
    return this.#on('delete', type, name, { ...options, method: 'DELETE', body });
  }

  /**
   * Evicts a pod: deletes it if its PodDisruptionBudgets allow that. Throws status 429 if they do not at present, and a conflict
   * (`isConflict`) if the pod is another one by now.
   */
  async evict(
    name: ObjectName,
    { preconditions, ...options }: Pick<DeleteOptions, 'preconditions'> & CallOptions = {},
  ): Promise<unknown> {
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { ...name }, deleteOptions: { preconditions } };
    const pods = { group: '', version: 'v1', plural: 'pods', kind: 'Pod', namespaced: true };
    return this.#on('evict', pods, name, { ...options, method: 'POST', subresource: 'eviction', body });
  }

  /** Closes all connections, also of the clients that withWriteGuard returned. Calls and watches in flight fail. */
  close(): Promise<void> {
    this.#connection.transport.close();
    return Promise.resolve();
  }

  #on(
    verb: string,
    type: ResourceType,
    name: ObjectName,
    call: Omit<AttemptedCall, 'attempted' | 'path'> & { subresource?: string | undefined },
  ): Promise<unknown> {
    const { subresource } = call;
    const attempted = `${verb} ${type.plural}${subresource === undefined ? '' : `/${subresource}`} ${keyOf({ metadata: { ...name } })}`;
    const attempt = { verb: verb.toUpperCase(), ...call, attempted, path: resourcePath(type, { ...name, subresource }) };
    return call.method === 'GET' ? this.#call(attempt) : this.#write(attempt);
  }

  #write(call: AttemptedCall): Promise<unknown> {
    this.#writeGuard();
    return this.#call({ ...call, guard: this.#writeGuard });
  }

  async #call(call: AttemptedCall): Promise<unknown> {
    const deadline = new Deadline(call.timeoutMs ?? defaultTimeoutMs, call.signal);
    try {
      return await this.#connection.retrying.call(this.#apiCall(call, deadline));
    } finally {
      deadline.clear();
    }
  }

  #apiCall(call: AttemptedCall, deadline: Deadline): ApiCall {
    const { attempted, method, verb = method, query = {}, maxTries = defaultMaxTries, isUnthrottled = false, guard } = call;
    const isIdempotent = call.isIdempotent ?? (method !== 'POST' && call.contentType !== patchContentTypes.json);
    const search = queryString(query);
    const path = search === '' ? call.path : `${call.path}?${search}`;
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers: Record<string, string> = { Accept: 'application/json', 'User-Agent': this.#connection.userAgent };
    if (body !== undefined) headers['Content-Type'] = call.contentType ?? 'application/json';
    if (body !== undefined) headers['Content-Length'] = String(Buffer.byteLength(body));
    return { attempted, verb, method, path, headers, body, isIdempotent, maxTries, isUnthrottled, guard, deadline };
  }
}

/** The connections, the rate limit and the retries that a client shares with its guarded clients. */
class Connection {
  readonly transport: KubeTransport;
  readonly retrying: RetryingTransport;
  readonly userAgent: string;

  constructor({ kubeConfig, silenceTimeoutMs, qps = 200, burst = qps * 2, logger, metrics, userAgent }: KubeClientOptions) {
    this.userAgent = userAgent ?? 'bitcoin-controller';
    this.transport = new KubeTransport(kubeConfig, silenceTimeoutMs);
    const bucket = qps > 0 ? new TokenBucket({ qps, burst }) : undefined;
    this.retrying = new RetryingTransport({ transport: this.transport, bucket, logger, metrics });
  }
}

interface AttemptedCall extends CallOptions {
  readonly attempted: string;
  readonly verb?: string;
  readonly method: string;
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly contentType?: string | undefined;
  /** Default: true for all methods but POST and for all patches but JSON patches. */
  readonly isIdempotent?: boolean | undefined;
  readonly guard?: () => void;
}

function nameOf({ metadata }: KubeObject): ObjectName {
  return { name: metadata?.name ?? '', ...(metadata?.namespace === undefined ? {} : { namespace: metadata.namespace }) };
}

/** Listed objects lack `kind` and `apiVersion`, which the API server requires in a write. */
function completed<T extends KubeObject>(type: ResourceType<T>, object: T): T {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

function selectionQuery({ labelSelector, fieldSelector, resourceVersion, resourceVersionMatch }: Selection): Query {
  return { labelSelector, fieldSelector, resourceVersion, resourceVersionMatch };
}

function queryString(query: Query): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return search.toString();
}
