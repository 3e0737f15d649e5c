// Informer: a local copy of all objects of a resource, kept up to date by list and watch.
//   Port of client-go v0.37.2 tools/cache/reflector.go (ListAndWatch, watchList) and shared_informer.go, in one loop.
import { Subject, type Observable } from 'rxjs';
import { ApiError, isGone, isResponseTooLarge, type ApiStatus } from '../kube/api-error.ts';
import type { KubeClient, KubeList, ResourceType, WatchEvent } from '../kube/client.ts';
import type { ListOptions } from '../kube/client-options.ts';
import { apiVersionOf, type KubeObject } from '../kube/resource.ts';
import type { Logger } from '../logging/logger.ts';
import { withFields } from '../logging/with-fields.ts';
import { Backoff } from '../time/backoff.ts';
import { isAborted, sleep } from '../time/sleep.ts';
import { ObjectStore, type Change, type Indexers } from './object-store.ts';

export type { Change, Indexers } from './object-store.ts';

/** The state of an informer when its gauges are read. */
export interface InformerObservation {
  readonly hasSynced: boolean;
  readonly objects: number;
  readonly lastEventAgeSeconds: number;
}

/** Receives what informers measure. `name` is "plural.group". Upstream: client-go tools/cache MetricsProvider. */
export interface InformerMetrics {
  /** Called once for each informer; `observe` is called whenever the gauges are read. */
  watch(name: string, observe: () => InformerObservation): void;
  /** A list of the whole resource succeeded. */
  listed(name: string): void;
  /** A watch was opened. */
  watched(name: string): void;
  /** A list or a watch failed; it is tried again. */
  failed(name: string): void;
}

/** Options of an Informer. */
export interface InformerOptions<T extends KubeObject> {
  /** Needs the rights `list` and `watch`. */
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  /** The resource. */
  readonly type: ResourceType<T>;
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  /** Such as `app=web`. Default: every object. */
  readonly labelSelector?: string | undefined;
  /**
   * Reduces an object to what is kept of it, before it is stored; at least its name, namespace, uid and resourceVersion must stay.
   * managedFields and kubectl's last-applied-configuration are removed before. Upstream: cache.TransformFunc. Default: keep the rest.
   */
  readonly transform?: ((object: T) => T) | undefined;
  /** The indexes that `byIndex` reads. Default: none. */
  readonly indexers?: Indexers<T> | undefined;
  /** Receives failures: the first one, and then one in ten minutes, at `warn`. */
  readonly logger: Logger;
  /** Default: not measured. */
  readonly metrics?: InformerMetrics | undefined;
  /** For jitter: a number from 0 to below 1. Default: Math.random. */
  readonly random?: (() => number) | undefined;
  /**
   * A watch that receives nothing for this many milliseconds counts as half-open and is restarted where it was. The API server
   * sends a bookmark every minute. Default: 150 000, which is two bookmarks and half a minute.
   */
  readonly idleTimeoutMs?: number | undefined;
}

interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
}

/** The API server ends each watch after a random time between this and twice this, so that the load spreads. */
const shortestWatchSeconds = 300;
/** After a watch that lasted this long the next one starts without a delay. */
const goodWatchMs = 1_000;
const listTimeoutMs = 60_000;
/** Objects in a page of a list, as upstream. Halved when a page exceeds the bytes that the client reads. */
const mostInPage = 500;
const repeatedWarningMs = 600_000;
const initialEventsEnd = 'k8s.io/initial-events-end';

/**
 * Lists a resource and then watches it. It relists when the watch has expired or etcd was restored to an older state; otherwise it
 * continues where it was. Reads are served from memory and may lag behind the API server.
 */
export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #logger: Logger;
  readonly #name: string;
  readonly #selection: Pick<InformerOptions<T>, 'namespace' | 'labelSelector'>;
  readonly #store: ObjectStore<T>;
  readonly #changes = new Subject<Change<T>>();
  readonly #waiters = new Set<Waiter>();
  readonly #backoff: Backoff;
  #hasSynced = false;
  #failure: Error | undefined;
  /** The last failure that was logged as a warning. */
  #warned: { readonly message: string; readonly atMs: number } | undefined;
  /** Where the next watch continues. Undefined: everything must be listed first. */
  #resourceVersion: string | undefined;
  /** A list must not be older than this: the copy never goes back in time, whichever API server answers. */
  #newestVersion = '';
  /** The last watch failed: the API server may have restarted with an older etcd. */
  #mayHaveGoneBack = false;
  /** Whether the next full list uses a watch with initial events, or a paged list. */
  #listsByWatch = true;
  /** The API server refused initial events: it is older than Kubernetes 1.32, or the feature is turned off. */
  #cannotListByWatch = false;
  #pageSize = mostInPage;
  #lastEventAtMs = performance.now();

  constructor(options: InformerOptions<T>) {
    const { type, namespace, labelSelector, indexers, logger, metrics, random } = options;
    this.#options = options;
    this.#selection = { namespace, labelSelector };
    this.#name = type.group === '' ? type.plural : `${type.plural}.${type.group}`;
    this.#logger = withFields(logger, { informer: this.#name, ...(namespace === undefined ? {} : { namespace }) });
    this.#store = new ObjectStore(indexers);
    this.#backoff = new Backoff(random === undefined ? {} : { random });
    metrics?.watch(this.#name, () => ({
      hasSynced: this.#hasSynced,
      objects: this.#store.size,
      lastEventAgeSeconds: (performance.now() - this.#lastEventAtMs) / 1000,
    }));
  }

  /** Emits every change once the copy contains it. A subscriber that throws affects neither the informer nor other subscribers; RxJS reports its error. */
  get changes(): Observable<Change<T>> {
    return this.#changes;
  }

  /** The resource and, if there is one, the namespace, such as "pods in default". */
  get subject(): string {
    const { namespace } = this.#options;
    return namespace === undefined ? this.#name : `${this.#name} in ${namespace}`;
  }

  /** Whether the copy was complete at least once. Upstream: SharedInformer.HasSynced. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** The error of the last list or watch, if it failed and none has succeeded since. The informer retries. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The object with the key "namespace/name" or "name". It belongs to the informer and must not be changed. */
  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  /** All objects of the copy, in no particular order. They belong to the informer and must not be changed. */
  list(): readonly T[] {
    return this.#store.values();
  }

  /** The objects for which the index function returned the value. @throws RangeError for an unknown index */
  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  /** Resolves once `hasSynced`. Upstream: cache.WaitForCacheSync. @throws the signal's reason once it aborts */
  whenSynced(signal?: AbortSignal): Promise<void> {
    return this.#when(() => this.#hasSynced, signal);
  }

  /** Resolves once it has synced or failed for the first time. @throws the signal's reason once it aborts */
  whenSettled(signal?: AbortSignal): Promise<void> {
    return this.#when(() => this.#hasSynced || this.#failure !== undefined, signal);
  }

  /** Keeps the copy up to date until the signal aborts, then resolves with nothing left running. Failures are logged and retried with backoff; it never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!isAborted(signal)) {
      const startedMs = performance.now();
      try {
        await this.#listAndWatch(signal);
      } catch (error) {
        if (isAborted(signal)) return;
        this.#noteFailure(error);
      }
      const isGood = performance.now() - startedMs >= goodWatchMs && this.#resourceVersion !== undefined;
      if (!isGood) await sleep(this.#backoff.next(), signal).catch(() => undefined);
    }
  }

  #when(isMet: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(signal?.reason as Error);
      };
      const waiter: Waiter = {
        isMet,
        resolve: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
      };
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isMet()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  async #listAndWatch(signal: AbortSignal): Promise<void> {
    if (this.#mayHaveGoneBack && this.#resourceVersion !== undefined) await this.#compareVersions(signal);
    if (this.#resourceVersion === undefined && this.#listsByWatch && !this.#cannotListByWatch) {
      try {
        await this.#watch(signal);
        return;
      } catch (error) {
        if (isRefusal(error)) {
          this.#cannotListByWatch = true;
          this.#logger.info('The API server does not support initial events in a watch, listing in pages', { error });
        } else if (!isTooEarly(error)) throw error;
      }
    }
    if (this.#resourceVersion === undefined) await this.#list(signal);
    await this.#watch(signal);
  }

  /**
   * A watch from a version that etcd has not reached yet receives nothing. So after a failure the current version is read first.
   * If that fails, the watch is tried anyway; if it then receives nothing, it times out and the version is read again.
   */
  async #compareVersions(signal: AbortSignal): Promise<void> {
    const { client, type } = this.#options;
    const select = { ...this.#selection, signal, timeoutMs: listTimeoutMs };
    const page = await client.list(type, { ...select, limit: 1, maxTries: 1 }).catch(() => undefined);
    if (page === undefined) return;
    this.#mayHaveGoneBack = false;
    const { resourceVersion: version = '0' } = page.metadata;
    if (BigInt(version) >= BigInt(this.#resourceVersion ?? 0)) return;
    this.#logger.warn('The API server has gone back in time, relisting', { version, seen: this.#resourceVersion });
    this.#resourceVersion = undefined;
    this.#newestVersion = '';
  }

  #noteFailure(error: unknown): void {
    this.#mayHaveGoneBack = true;
    this.#options.metrics?.failed(this.#name);
    // What blocks one form of listing may let the other through.
    if (this.#resourceVersion === undefined) this.#listsByWatch = !this.#listsByWatch;
    const isTooLarge = error instanceof ApiError && error.causes.some(cause => cause.reason === 'ResourceVersionTooLarge');
    // A list at this version failed as well: accept whatever etcd has now.
    if (isTooLarge || (isGone(error) && this.#resourceVersion === undefined)) this.#newestVersion = '';
    if (isTooLarge || isGone(error)) this.#resourceVersion = undefined;
    if (isGone(error)) {
      this.#logger.info('Watch expired, relisting', { error });
      return;
    }
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#logFailure(this.#failure);
    this.#wake();
  }

  /** A namespace may be forbidden for ever, so the same failure is a warning only every ten minutes. */
  #logFailure(error: Error): void {
    const { message } = error;
    const nowMs = performance.now();
    const isKnown = this.#warned?.message === message && nowMs - this.#warned.atMs < repeatedWarningMs;
    if (!isKnown) this.#warned = { message, atMs: nowMs };
    this.#logger[isKnown ? 'debug' : 'warn']('Watch failed, retrying', { error, fromStart: this.#resourceVersion === undefined });
  }

  #noteSuccess(): void {
    this.#failure = undefined;
    this.#warned = undefined;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, type } = this.#options;
    const select = { ...this.#selection, signal, timeoutMs: listTimeoutMs };
    const items: T[] = [];
    let token: string | undefined;
    let page: KubeList<T>;
    do {
      this.#options.metrics?.listed(this.#name);
      try {
        page = await this.#listPage({ ...select, continue: token });
      } catch (error) {
        // The remaining pages were compacted away; a list without pages cannot expire.
        if (token === undefined || !isGone(error)) throw error;
        items.length = 0;
        page = await client.list(type, select);
      }
      items.push(...page.items.map(item => this.#kept(item)));
      token = page.metadata.continue === '' ? undefined : page.metadata.continue;
    } while (token !== undefined);
    this.#replace(items, page.metadata.resourceVersion);
  }

  /** Lists one page; with fewer objects if it exceeds the bytes that the client reads of a response. */
  async #listPage(options: ListOptions): Promise<KubeList<T>> {
    const { client, type } = this.#options;
    for (;;) {
      try {
        return await client.list(type, { ...options, limit: this.#pageSize });
      } catch (error) {
        if (!isResponseTooLarge(error) || this.#pageSize === 1) throw error;
        this.#pageSize = Math.ceil(this.#pageSize / 2);
      }
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, type, idleTimeoutMs = 150_000, random = Math.random } = this.#options;
    const isFromStart = this.#resourceVersion === undefined;
    this.#options.metrics?.watched(this.#name);
    const events = client.watch(type, {
      ...{ ...this.#selection, signal, idleTimeoutMs, allowWatchBookmarks: true },
      timeoutSeconds: Math.round(shortestWatchSeconds * (1 + random())),
      resourceVersion: this.#resourceVersion ?? this.#newestVersion,
      ...(isFromStart ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' as const } : {}),
    });
    /** The objects before the bookmark that ends the initial events; undefined after it. */
    let initial = isFromStart ? new ObjectStore<T>() : undefined;
    for await (const event of events) {
      this.#lastEventAtMs = performance.now();
      if (event.type === 'ERROR') {
        const status: ApiStatus = event.object;
        throw new ApiError(`watch ${this.#name}`, status.code ?? 500, status);
      }
      if (event.type === 'BOOKMARK' && initial !== undefined) {
        if (event.object.metadata?.annotations?.[initialEventsEnd] !== 'true')
          throw new NoInitialEventsError(`watch ${this.#name}: no end of the initial events`);
        this.#replace(initial.values(), event.object.metadata.resourceVersion);
        initial = undefined;
      } else if (initial !== undefined) {
        take(initial, { ...event, object: this.#kept(event.object) });
      } else {
        this.#follow(event);
      }
    }
    if (initial !== undefined) throw new Error(`watch ${this.#name}: ended before everything was listed`);
  }

  /** Handles one event of a watch that follows a complete copy. */
  #follow(event: WatchEvent<T>): void {
    this.#noteSuccess();
    const version = event.object.metadata?.resourceVersion;
    const changes = event.type === 'BOOKMARK' ? [] : take(this.#store, { ...event, object: this.#kept(event.object) });
    if (version !== undefined) this.#resourceVersion = this.#newestVersion = version;
    for (const change of changes) this.#changes.next(change);
  }

  #replace(items: readonly T[], version: string | undefined): void {
    const changes = this.#store.replace(items);
    this.#resourceVersion = version;
    this.#newestVersion = version ?? '';
    this.#mayHaveGoneBack = false;
    this.#noteSuccess();
    for (const change of changes) this.#changes.next(change);
    this.#hasSynced = true;
    this.#wake();
  }

  /** Transforms each object as it arrives, so that no more than one page of them is held untransformed. */
  #kept(object: T): T {
    const { type, transform } = this.#options;
    // The objects of a list lack both.
    object.apiVersion ??= apiVersionOf(type);
    object.kind ??= type.kind;
    const stripped = stripManagedFields(object);
    return transform === undefined ? stripped : transform(stripped);
  }
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Removes, in place, managedFields (half of a pod) and the annotation in which kubectl stores the object again. Upstream: controller-runtime TransformStripManagedFields. */
export function stripManagedFields<T extends KubeObject>(object: T): T {
  const metadata = object.metadata as { managedFields?: unknown; annotations?: Record<string, string> } | undefined;
  if (metadata?.managedFields !== undefined) delete metadata.managedFields;
  if (metadata?.annotations?.[lastApplied] !== undefined) {
    metadata.annotations = Object.fromEntries(Object.entries(metadata.annotations).filter(([name]) => name !== lastApplied));
  }
  return object;
}

function take<T extends KubeObject>(store: ObjectStore<T>, event: WatchEvent<T>): Change<T>[] {
  return event.type === 'DELETED' ? store.delete(event.object) : store.set(event.object);
}

/** The API server ignored `sendInitialEvents`, which it does not know. */
class NoInitialEventsError extends Error {
  override readonly name = 'NoInitialEventsError';
}

function isRefusal(error: unknown): boolean {
  return error instanceof NoInitialEventsError || (error instanceof ApiError && (error.code === 400 || error.code === 422));
}

/** A watch needs the API server's watch cache, which a new custom resource does not have yet. A list does not need it. */
const isTooEarly = (error: unknown): boolean => error instanceof ApiError && error.code === 429;
