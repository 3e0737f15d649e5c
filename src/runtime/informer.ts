// Informer: a local copy of all objects of a type, kept up to date. Before it: kube-client.ts. After it: controller.ts, by `changes`; reconcile.ts reads the copy.
//   Port of client-go v0.37.2 tools/cache/reflector.go (ListAndWatch, watchList) and shared_informer.go, in one loop.
import { Subject, type Observable } from 'rxjs';
import { ApiError, isGone, type ApiStatus } from '../kube/api-error.ts';
import type { KubeClient, KubeList, ResourceType, WatchEvent } from '../kube/client.ts';
import { apiVersionOf, type KubeObject } from '../kube/resource.ts';
import type { Logger } from '../logging/logger.ts';
import { sleep } from '../time/sleep.ts';
import { Backoff } from '../time/backoff.ts';
import { ObjectStore, type Change, type Indexers } from './object-store.ts';
import { trimmed } from './trimmed.ts';

export { keyOf } from '../kube/resource.ts';
export type { Change, Indexers } from './object-store.ts';

/** The state of an informer when its gauges are read. */
export interface InformerObservation {
  readonly objects: number;
  readonly lastEventAgeSeconds: number;
}

/** Receives what informers measure. `name` is "plural.group". Upstream: client-go tools/cache MetricsProvider. */
export interface InformerMetrics {
  /** Called once for each informer; `observe` is called whenever the gauges are read. */
  watch(name: string, observe: () => InformerObservation): void;
  listed(name: string): void;
  watched(name: string): void;
  failed(name: string): void;
}

export interface InformerOptions<T extends KubeObject> {
  readonly client: Pick<KubeClient, 'list' | 'watch'>;
  readonly type: ResourceType<T>;
  /** Only objects in it; all namespaces unless told. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** What is kept of an object; applied after the managed fields and kubectl's last applied configuration were dropped. */
  readonly transform?: ((object: T) => T) | undefined;
  readonly indexers?: Indexers<T> | undefined;
  readonly logger: Logger;
  readonly metrics?: InformerMetrics | undefined;
  readonly random?: (() => number) | undefined;
  /**
   * A watch on which nothing came for so long is given up as half-open, and begun anew where it was. 150 000 unless told: the
   * API server sends a bookmark every minute, so two were missed and half a minute more.
   */
  readonly idleTimeoutMs?: number | undefined;
}

/** The API server ends each watch after a random time between this and twice this, so that the load spreads. */
const shortestWatchSeconds = 300;
/** A watch that held for so long was a good one: the next begins at once. */
const goodWatchMs = 1_000;
const listTimeoutMs = 60_000;
const pageSize = 500;
const initialEventsEnd = 'k8s.io/initial-events-end';

export class Informer<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #logger: Logger;
  readonly #name: string;
  readonly #selection: Pick<InformerOptions<T>, 'namespace' | 'labelSelector' | 'fieldSelector'>;
  readonly #store: ObjectStore<T>;
  readonly #changes = new Subject<Change<T>>();
  readonly #syncWaiters = new Set<() => void>();
  readonly #backoff: Backoff;
  #hasSynced = false;
  /** Where the next watch goes on; undefined = everything must be listed first. */
  #resourceVersion: string | undefined;
  /** A list must not be older than this: the copy never goes back in time, whichever API server answers. */
  #newestVersion = '';
  /** The last watch did not end in order: the API server may have come back with an older etcd. */
  #mayHaveGoneBack = false;
  /** Whether what is there comes by a watch, or by a list before it. */
  #listsByWatch = true;
  /** The API server has refused to list by watch: it is older than Kubernetes 1.32, or was told not to. */
  #cannotListByWatch = false;
  #lastEventAtMs = performance.now();

  constructor(options: InformerOptions<T>) {
    const { type, namespace, labelSelector, fieldSelector, indexers, logger, metrics, random } = options;
    this.#options = options;
    this.#selection = { namespace, labelSelector, fieldSelector };
    this.#name = type.group === '' ? type.plural : `${type.plural}.${type.group}`;
    this.#logger = logger.child({ informer: this.#name, ...(namespace === undefined ? {} : { namespace }) });
    this.#store = new ObjectStore(indexers);
    this.#backoff = new Backoff(random === undefined ? {} : { random });
    metrics?.watch(this.#name, () => ({
      objects: this.#store.size,
      lastEventAgeSeconds: (performance.now() - this.#lastEventAtMs) / 1000,
    }));
  }

  /** Every change after the copy holds it. A subscriber that throws harms neither the informer nor other subscribers; RxJS reports its error. */
  get changes(): Observable<Change<T>> {
    return this.#changes;
  }

  /** What it copies: a resource, and the namespace if it is one. */
  get subject(): string {
    const { namespace } = this.#options;
    return namespace === undefined ? this.#name : `${this.#name} in ${namespace}`;
  }

  /** The copy held everything at least once. */
  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  /** By "namespace/name" or "name". The object is the copy's own: it must not be changed. */
  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  list(namespace?: string): readonly T[] {
    return this.#store.values(namespace);
  }

  byIndex(index: string, value: string): readonly T[] {
    return this.#store.byIndex(index, value);
  }

  /** Resolves once `hasSynced`; rejects with the signal's reason. */
  whenSynced(signal?: AbortSignal): Promise<void> {
    if (this.#hasSynced) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#syncWaiters.delete(onSynced);
        reject(signal?.reason as Error);
      };
      const onSynced = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      if (signal?.aborted === true) {
        onAbort();
        return;
      }
      this.#syncWaiters.add(onSynced);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Keeps the copy up to date until the signal aborts; then resolves, with nothing left running. No fault outside makes it reject. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const startedMs = performance.now();
      let failure: unknown;
      try {
        await this.#listAndWatch(signal);
      } catch (error) {
        failure = error;
      }
      if (isAborted(signal)) return;
      if (failure !== undefined) this.#noteFailure(failure);
      const isGood = performance.now() - startedMs >= goodWatchMs && this.#resourceVersion !== undefined;
      if (!isGood) await sleep(this.#backoff.next(), signal).catch(() => undefined);
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
          this.#logger.info('The API server does not list by watch', { error });
        } else if (!isTooEarly(error)) throw error;
      }
    }
    if (this.#resourceVersion === undefined) await this.#list(signal);
    await this.#watch(signal);
  }

  /**
   * A watch from a version that etcd has not reached yet is answered with silence: it is asked which one it has. If it does not say,
   * the watch may be as good as ever; if not, it is given up for its silence, and this is asked again.
   */
  async #compareVersions(signal: AbortSignal): Promise<void> {
    const { client, type } = this.#options;
    const select = { ...this.#selection, signal, timeoutMs: listTimeoutMs };
    const page = await client.list(type, { ...select, limit: 1, maxTries: 1 }).catch(() => undefined);
    if (page === undefined) return;
    this.#mayHaveGoneBack = false;
    const { resourceVersion: version = '0' } = page.metadata;
    if (BigInt(version) >= BigInt(this.#resourceVersion ?? 0)) return;
    this.#logger.warn('The API server has gone back in time, will list anew', { version, seen: this.#resourceVersion });
    this.#resourceVersion = undefined;
    this.#newestVersion = '';
  }

  #noteFailure(error: unknown): void {
    this.#mayHaveGoneBack = true;
    this.#options.metrics?.failed(this.#name);
    // Whatever is in the way of one form of listing, the other may get through.
    if (this.#resourceVersion === undefined) this.#listsByWatch = !this.#listsByWatch;
    const isTooLarge = error instanceof ApiError && error.causes.some(cause => cause.reason === 'ResourceVersionTooLarge');
    // Listing with this version failed as well: only what etcd has now is left.
    if (isTooLarge || (isGone(error) && this.#resourceVersion === undefined)) this.#newestVersion = '';
    if (isTooLarge || isGone(error)) this.#resourceVersion = undefined;
    const fromStart = this.#resourceVersion === undefined;
    if (isGone(error)) this.#logger.info('Watch is too old, will list anew', { error });
    else this.#logger.warn('Watch failed, will begin anew', { error, fromStart });
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
        page = await client.list(type, { ...select, limit: pageSize, continue: token });
      } catch (error) {
        // The pages that are left are compacted away; all at once cannot expire.
        if (token === undefined || !isGone(error)) throw error;
        items.length = 0;
        page = await client.list(type, select);
      }
      items.push(...page.items.map(item => this.#kept(item)));
      token = page.metadata.continue === '' ? undefined : page.metadata.continue;
    } while (token !== undefined);
    this.#replace(items, page.metadata.resourceVersion);
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
    /** What came before the API server said that this was all; undefined = it was. */
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

  /** One event of a watch that follows a complete copy. */
  #follow(event: WatchEvent<T>): void {
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
    const isInInitialList = !this.#hasSynced;
    for (const change of changes) this.#changes.next(isInInitialList ? { ...change, isInInitialList } : change);
    this.#hasSynced = true;
    for (const onSynced of this.#syncWaiters) onSynced();
    this.#syncWaiters.clear();
  }

  /** For each object as it comes, so that never more of them is held at a time than one page. */
  #kept(object: T): T {
    const { type, transform } = this.#options;
    // Listed objects do not say what they are.
    object.apiVersion ??= apiVersionOf(type);
    object.kind ??= type.kind;
    const kept = trimmed(object);
    return transform === undefined ? kept : transform(kept);
  }
}

function take<T extends KubeObject>(store: ObjectStore<T>, event: WatchEvent<T>): Change<T>[] {
  return event.type === 'DELETED' ? store.delete(event.object) : store.set(event.object);
}

/** The API server took the request and did something else: it does not know `sendInitialEvents`. */
class NoInitialEventsError extends Error {
  override readonly name = 'NoInitialEventsError';
}

function isRefusal(error: unknown): boolean {
  return error instanceof NoInitialEventsError || (error instanceof ApiError && (error.code === 400 || error.code === 422));
}

/** A watch needs the API server's cache, which of a definition that was made just now is not there yet. A list does not. */
const isTooEarly = (error: unknown): boolean => error instanceof ApiError && error.code === 429;

/** Asked again after an await: the compiler takes it for what it was before. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
