// CacheSet: the caches of one controller together: which namespaces are complete in all of them, and which cannot be listed.
//   Upstream: controller-runtime pkg/cache, WaitForCacheSync; differs from it in that one namespace that fails does not block the others.
import { Subject, type Observable } from 'rxjs';
import { ApiError } from '../kube/api-error.ts';
import type { KubeObject } from '../kube/resource.ts';
import { firstNames } from '../logging/short-text.ts';
import type { Informer } from './informer.ts';
import type { MultiNamespaceCache } from './multi-namespace-cache.ts';
import type { CheckResult } from './health-server.ts';

/** The parts of a cache that do not depend on the type of its objects. */
export type AnyCache = Pick<MultiNamespaceCache<KubeObject>, 'namespaces' | 'run'> & {
  /** The state of the informer of a namespace; undefined if that is not watched. */
  informer(namespace: string): SyncState | undefined;
};
/** Whether an informer has listed its resource, and why not. */
export type SyncState = Pick<Informer<KubeObject>, 'hasSynced' | 'failure' | 'subject' | 'whenSynced' | 'whenSettled'>;

/** This many informers are named by the readiness check. */
const longestReport = 5;

/** Several caches that are waited for together. Upstream: cache.WaitForCacheSync. */
export class CacheSet {
  readonly #caches: readonly AnyCache[];
  readonly #optional: readonly AnyCache[];
  readonly #synced = new Subject<string>();

  /**
   * @param caches all of them with the same namespaces
   * @param optional caches that may fail, as for lack of a right, without keeping a namespace from being complete
   */
  constructor(caches: readonly AnyCache[], optional: readonly AnyCache[] = []) {
    this.#caches = caches;
    this.#optional = optional;
  }

  /**
   * Whether every cache has listed the namespace once. Reconcile nothing in a namespace before: what a cache lacks would be taken
   * for absent. It stays true if a watch fails later; the caches then hold the last known state.
   */
  hasSynced(namespace: string): boolean {
    return this.#caches.every(cache => cache.informer(namespace)?.hasSynced === true);
  }

  /** Emits a namespace when `hasSynced` becomes true for it; '' if the whole cluster is watched. Subscribe before run(). */
  get synced(): Observable<string> {
    return this.#synced;
  }

  /** Keeps the caches up to date until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    for (const namespace of this.#namespaces)
      Promise.all(this.#of(namespace).map(informer => informer.whenSynced(signal))).then(
        () => this.#synced.next(namespace),
        () => undefined,
      );
    await Promise.all([...this.#caches, ...this.#optional].map(cache => cache.run(signal)));
  }

  /**
   * Resolves when at least one namespace has synced and every other one has either synced or failed. Those that failed are retried,
   * and `synced` emits them later.
   * @throws the signal's reason once it aborts
   */
  async whenReady(signal: AbortSignal): Promise<void> {
    const oneHasSynced = Promise.any(
      this.#namespaces.map(namespace => Promise.all(this.#of(namespace).map(informer => informer.whenSynced(signal)))),
    ).catch(() => signal.throwIfAborted());
    await Promise.all([oneHasSynced, ...this.#all.map(informer => informer.whenSettled(signal))]);
  }

  /** For /readyz: fails until whenReady() would resolve. After that it passes, with a warning that names what cannot be listed or watched. */
  readonly check = (): CheckResult => {
    const pending = this.#all.filter(({ hasSynced }) => !hasSynced);
    const isReady =
      this.#namespaces.some(namespace => this.hasSynced(namespace)) && pending.every(({ failure }) => failure !== undefined);
    if (!isReady)
      return `not listed yet: ${firstNames(
        pending.map(({ subject }) => subject),
        longestReport,
      )}`;
    const failing = this.#all.filter(({ failure }) => failure !== undefined);
    if (failing.length === 0) return undefined;
    return {
      warning: `failing: ${firstNames(
        failing.map(({ subject, failure }) => `${subject} (${shortCause(failure)})`),
        longestReport,
      )}`,
    };
  };

  get #namespaces(): readonly string[] {
    return this.#caches[0]?.namespaces ?? [];
  }

  /** Those that no namespace can do without come first. */
  get #all(): readonly SyncState[] {
    return [this.#caches, this.#optional].flatMap(caches =>
      this.#namespaces.flatMap(namespace => informersOf(caches, namespace)),
    );
  }

  #of(namespace: string): readonly SyncState[] {
    return informersOf(this.#caches, namespace);
  }
}

const informersOf = (caches: readonly AnyCache[], namespace: string): readonly SyncState[] =>
  caches.map(cache => cache.informer(namespace)).filter(informer => informer !== undefined);

/** Anybody may read /readyz, so it gets no message of the API server. */
function shortCause(failure: Error | undefined): string {
  return failure instanceof ApiError
    ? `${failure.code}${failure.reason === undefined ? '' : ` ${failure.reason}`}`
    : 'no connection';
}
