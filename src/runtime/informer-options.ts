// The options of informers, and what they measure.
import type { KubeClient, ResourceType } from '../kube/client.ts';
import type { KubeObject } from '../kube/resource.ts';
import type { Logger } from '../logging/logger.ts';
import type { Indexers } from './object-store.ts';

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
  /** A list is sent, of one page. */
  listed(name: string): void;
  /** A watch is sent. */
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
  /** Such as `spec.nodeName=one`: a field that the resource can be selected by. Default: every object. */
  readonly fieldSelector?: string | undefined;
  /**
   * Reduces an object to what is kept of it, before it is stored; at least its name, namespace, uid and resourceVersion must stay.
   * managedFields and kubectl's last-applied-configuration are removed before. If it throws, that is logged and the object is skipped: the
   * informer keeps the version that it had, or none. Upstream: cache.TransformFunc. Default: keep the rest.
   */
  readonly transform?: ((object: T) => T) | undefined;
  /** The indexes that `byIndex` reads. A function that throws skips the object, as `transform` does. Default: none. */
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
