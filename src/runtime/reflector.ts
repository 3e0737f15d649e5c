// Reflector: lists a resource and then watches it, until it is stopped. Port of client-go v0.37.2 tools/cache/reflector.go (ListAndWatch, watchList).
import { ApiError, isGone, isResponseTooLarge, type ApiStatus } from '../kube/api-error.ts';
import type { KubeList, WatchEvent } from '../kube/client.ts';
import type { ListOptions } from '../kube/client-options.ts';
import { apiVersionOf, keyOf, type KubeObject } from '../kube/resource.ts';
import type { Logger } from '../logging/logger.ts';
import { withFields } from '../logging/with-fields.ts';
import { Backoff } from '../time/backoff.ts';
import { isAborted, sleep } from '../time/sleep.ts';
import type { InformerOptions } from './informer-options.ts';
import { type Change, ObjectStore } from './object-store.ts';
import { stripManagedFields } from './transform.ts';

/** Receives what a reflector lists and watches. Upstream: cache.ReflectorStore. */
export interface ReflectorTarget<T extends KubeObject> {
  /** All objects that there are. */
  replace(objects: readonly T[]): void;
  /** One object was added, modified or deleted. */
  change(event: WatchEvent<T>): void;
  /** A list or a watch worked. */
  succeeded(): void;
  /** A list or a watch failed, and is retried. Not called when a watch has merely expired. */
  failed(error: Error): void;
}

/** The API server ends each watch after a random time between this and twice this, so that the load spreads. */
const shortestWatchSeconds = 300;
/** After a watch that lasted this long the next one starts without a delay. */
const goodWatchMs = 1_000;
/** After one that lasted this long the backoff starts over. Upstream: after two minutes without a failure. */
const settledMs = 10_000;
/** Before the list that follows an expired version. Upstream backs off, for up to a minute after a few restarts of the API server. */
const longestRelistDelayMs = 1_000;
const listTimeoutMs = 60_000;
/** Objects in a page of a list, as upstream. Halved when a page exceeds the bytes that the client reads. */
const mostInPage = 500;
const repeatedWarningMs = 600_000;
const initialEventsEnd = 'k8s.io/initial-events-end';

export class Reflector<T extends KubeObject> {
  readonly #options: InformerOptions<T>;
  readonly #target: ReflectorTarget<T>;
  readonly #name: string;
  readonly #logger: Logger;
  readonly #selection: Pick<InformerOptions<T>, 'namespace' | 'labelSelector' | 'fieldSelector'>;
  readonly #backoff: Backoff;
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

  /** @param name "plural.group", in logs and metrics */
  constructor(name: string, options: InformerOptions<T>, target: ReflectorTarget<T>) {
    const { namespace, labelSelector, fieldSelector, logger, random } = options;
    this.#options = options;
    this.#target = target;
    this.#name = name;
    this.#selection = { namespace, labelSelector, fieldSelector };
    this.#logger = withFields(logger, { informer: name, ...(namespace === undefined ? {} : { namespace }) });
    this.#backoff = new Backoff(random === undefined ? {} : { random });
  }

  /** How long ago the watch received anything. */
  get lastEventAgeSeconds(): number {
    return (performance.now() - this.#lastEventAtMs) / 1000;
  }

  /** Lists and watches until the signal aborts. Failures are logged and retried with backoff; it never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!isAborted(signal)) {
      const startedMs = performance.now();
      const hadVersion = this.#resourceVersion !== undefined;
      try {
        await this.#listAndWatch(signal);
      } catch (error) {
        if (isAborted(signal)) return;
        this.#noteFailure(error);
      }
      await sleep(this.#delayMs(performance.now() - startedMs, hadVersion), signal).catch(() => undefined);
    }
  }

  /** Before the next watch. @param hadVersion whether the last one continued from a version */
  #delayMs(lastedMs: number, hadVersion: boolean): number {
    const hasVersion = this.#resourceVersion !== undefined;
    if (hasVersion && lastedMs >= settledMs) this.#backoff.reset();
    if (hasVersion && lastedMs >= goodWatchMs) return 0;
    // A list that fails backs off, and so does a watch that expires after its own list.
    return hadVersion && !hasVersion ? longestRelistDelayMs * (this.#options.random ?? Math.random)() : this.#backoff.next();
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
    this.#logger.warn('The resource version of the API server went backwards, relisting', {
      version,
      seen: this.#resourceVersion,
    });
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
    const failure = error instanceof Error ? error : new Error(String(error));
    this.#logFailure(failure);
    this.#target.failed(failure);
  }

  /** A namespace may be forbidden permanently, so the same failure is a warning only every ten minutes. */
  #logFailure(error: Error): void {
    const { message } = error;
    const nowMs = performance.now();
    const isKnown = this.#warned?.message === message && nowMs - this.#warned.atMs < repeatedWarningMs;
    if (!isKnown) this.#warned = { message, atMs: nowMs };
    this.#logger[isKnown ? 'debug' : 'warn']('Watch failed, retrying', { error, fromStart: this.#resourceVersion === undefined });
  }

  #noteSuccess(): void {
    this.#warned = undefined;
    this.#target.succeeded();
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
      items.push(...page.items.flatMap(item => this.#kept(item) ?? []));
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
        const kept = this.#keptEvent(event);
        if (kept !== undefined) take(initial, kept);
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
    if (version !== undefined) this.#resourceVersion = this.#newestVersion = version;
    if (event.type === 'BOOKMARK') return;
    const kept = this.#keptEvent(event);
    if (kept !== undefined) this.#target.change(kept);
  }

  #replace(items: readonly T[], version: string | undefined): void {
    this.#resourceVersion = version;
    this.#newestVersion = version ?? '';
    this.#mayHaveGoneBack = false;
    this.#noteSuccess();
    this.#target.replace(items);
  }

  /** Undefined if it is skipped. A deletion never is: it needs no more than the name. */
  #keptEvent(event: WatchEvent<T>): WatchEvent<T> | undefined {
    const object = this.#kept(event.object) ?? (event.type === 'DELETED' ? event.object : undefined);
    return object === undefined ? undefined : { ...event, object };
  }

  /**
   * Transforms each object as it arrives, so that no more than one page of them is held untransformed.
   * @returns undefined if the transform or an index function threw: one malformed object must not stop the cache of the others
   */
  #kept(object: T): T | undefined {
    const { type, transform, indexers = {} } = this.#options;
    // The objects of a list lack both.
    object.apiVersion ??= apiVersionOf(type);
    object.kind ??= type.kind;
    const stripped = stripManagedFields(object);
    try {
      const kept = transform === undefined ? stripped : transform(stripped);
      // The store calls them when it is too late to skip the object.
      for (const valuesOf of Object.values(indexers)) valuesOf(kept);
      return kept;
    } catch (error) {
      this.#logger.warn('Failed to transform or index an object, skipping it', { key: keyOf(stripped), error });
      return undefined;
    }
  }
}

/** Applies an event of a watch to a store. */
export function take<T extends KubeObject>(store: ObjectStore<T>, event: WatchEvent<T>): Change<T>[] {
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
