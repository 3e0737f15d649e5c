// The options of KubeClient and of its calls.
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from '../logging/logger.ts';
import type { RequestMetrics } from './retry.ts';

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

export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: 'NotOlderThan' | 'Exact' | undefined;
}

export interface ListOptions extends Selection, CallOptions {
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
}

export interface WatchOptions extends Selection {
  readonly allowWatchBookmarks?: boolean | undefined;
  readonly sendInitialEvents?: boolean | undefined;
  /** Seconds after which the server ends the watch. */
  readonly timeoutSeconds?: number | undefined;
  /** The watch fails after this many milliseconds without any data. Default: no limit. */
  readonly idleTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string | undefined;
}

export interface CreateOptions extends WriteOptions {
  /** True if the caller handles AlreadyExists: a create whose response was lost is then retried. */
  readonly isIdempotent?: boolean | undefined;
  /** The API server validates and answers, but stores nothing. */
  readonly isDryRun?: boolean;
}

export interface ApplyOptions extends CallOptions {
  readonly fieldManager: string;
  readonly force?: boolean | undefined;
  readonly subresource?: 'status' | undefined;
}

export interface PatchOptions extends WriteOptions {
  readonly patchType: 'merge' | 'strategic' | 'json';
  readonly subresource?: string | undefined;
}

export interface DeleteOptions extends CallOptions {
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' | undefined;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
}

export interface KubeClientOptions {
  /** The cluster and the user; see loadKubeConfig. */
  readonly kubeConfig: KubeConfig;
  readonly logger: Logger;
  /** Default: bitcoin-controller. */
  readonly userAgent?: string | undefined;
  /** Sustained requests a second; 0 turns the client's rate limit off. Watches do not count. Default: 200. */
  readonly qps?: number | undefined;
  /** Requests that may be sent at once. Default: twice `qps`. */
  readonly burst?: number | undefined;
  readonly metrics?: RequestMetrics | undefined;
  /** Milliseconds that one request may wait for the head of its response. Default: 20 000, which is longer than the API server queues a request. */
  readonly silenceTimeoutMs?: number | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;
