// The options of KubeClient and of its calls.
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from '../logging/logger.ts';
import type { RequestMetrics } from './retry.ts';

/** Options of every call that reads or writes. A call that runs out of time or of tries throws the error of its last request. */
export interface CallOptions {
  /** Aborts the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Time limit of the whole call with its retries, in milliseconds. Default: 30 000. */
  readonly timeoutMs?: number | undefined;
  /** Maximum number of requests for this call. Default: 10. */
  readonly maxTries?: number | undefined;
  /** Bypasses the client's rate limit: for the few requests that must not queue behind others, such as the renewal of a Lease. */
  readonly isUnthrottled?: boolean | undefined;
}

/** Which objects of a collection a list or a watch returns. Upstream: metav1.ListOptions. */
export interface Selection {
  /** Default: all namespaces. */
  readonly namespace?: string | undefined;
  /** Such as `app=web,tier!=cache`. Default: every object. */
  readonly labelSelector?: string | undefined;
  /** Such as `metadata.name=web-0`. Default: every object. */
  readonly fieldSelector?: string | undefined;
  /** A list is at least this new; a watch starts after it. Default: a list of the newest state. */
  readonly resourceVersion?: string | undefined;
  /** How a list uses `resourceVersion`. Default: `NotOlderThan`. */
  readonly resourceVersionMatch?: 'NotOlderThan' | 'Exact' | undefined;
}

/** Options of `KubeClient.list`. */
export interface ListOptions extends Selection, CallOptions {
  /** Maximum number of objects in the page. Default: all of them. */
  readonly limit?: number | undefined;
  /** `metadata.continue` of the page before. The call throws 410 Gone (`isGone`) when it has expired. */
  readonly continue?: string | undefined;
}

/** Options of `KubeClient.watch`. A watch has no time limit but these, and is not retried: an Informer does that. */
export interface WatchOptions extends Selection {
  /** Asks for BOOKMARK events, which hold a newer resource version and no object. Default: false. */
  readonly allowWatchBookmarks?: boolean | undefined;
  /** Starts with an ADDED event for each object there is; the API server requires `resourceVersionMatch: 'NotOlderThan'` with it. Default: false. */
  readonly sendInitialEvents?: boolean | undefined;
  /** Seconds after which the server ends the watch. */
  readonly timeoutSeconds?: number | undefined;
  /** The watch fails after this many milliseconds without any data. Default: no limit. */
  readonly idleTimeoutMs?: number | undefined;
  /** Ends the watch, which then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of every write. */
export interface WriteOptions extends CallOptions {
  /** The name under which the API server records who owns the written fields. Default: the first part of the user agent. */
  readonly fieldManager?: string | undefined;
}

/** Options of `KubeClient.create`. */
export interface CreateOptions extends WriteOptions {
  /** True if the caller handles AlreadyExists: a create whose response was lost is then retried. */
  readonly isIdempotent?: boolean | undefined;
  /** The API server validates and answers, but stores nothing. */
  readonly isDryRun?: boolean;
  /** The API server refuses fields that it does not know with 400, instead of dropping them. Default: false. */
  readonly isStrict?: boolean | undefined;
}

/** Options of `KubeClient.apply`: server-side apply. */
export interface ApplyOptions extends CallOptions {
  /** The owner of the applied fields. A field that it owned and that is no longer applied is removed. */
  readonly fieldManager: string;
  /** Takes over fields that another manager owns. Default: false, and the call throws a conflict (`isConflict`). */
  readonly force?: boolean | undefined;
  /** Writes to this subresource instead of the object. */
  readonly subresource?: 'status' | undefined;
}

/** Options of `KubeClient.patch`. */
export interface PatchOptions extends WriteOptions {
  /** `merge`: JSON merge patch (RFC 7396). `strategic`: strategic merge patch, of built-in resources only. `json`: JSON patch (RFC 6902). */
  readonly patchType: 'merge' | 'strategic' | 'json';
  /** Writes to this subresource instead of the object, such as `status` or `scale`. */
  readonly subresource?: string | undefined;
}

/** Options of `KubeClient.delete`. */
export interface DeleteOptions extends CallOptions {
  /** What happens to the objects that this one owns: deleted before it, deleted after it, or kept. Default: that of the resource, mostly `Background`. */
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
  /** The call throws a conflict (`isConflict`) if the object is another one by now, or has changed. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
}

/** Options of a KubeClient. */
export interface KubeClientOptions {
  /** The cluster and the user, from client-node. Its current context is the one that is used. */
  readonly kubeConfig: KubeConfig;
  /** Receives each retry at `debug`. */
  readonly logger: Logger;
  /** Default: bitcoin-controller. */
  readonly userAgent?: string | undefined;
  /** Sustained requests a second; 0 turns the client's rate limit off. Watches do not count. Default: 200. */
  readonly qps?: number | undefined;
  /** Requests that may be sent at once. Default: twice `qps`. */
  readonly burst?: number | undefined;
  /** Receives the outcome of every request. Default: not measured. */
  readonly metrics?: RequestMetrics | undefined;
  /** Milliseconds that one request may wait for the head of its response. Default: 20 000, which is longer than the API server queues a request. */
  readonly silenceTimeoutMs?: number | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;
