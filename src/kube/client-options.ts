// What a caller may ask of kube-client.ts beside the object itself.
import type { KubeConfig } from '@kubernetes/client-node';
import type { Logger } from '../logging/logger.ts';
import type { RequestMetrics } from './retry.ts';

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the whole call with its retries; 30 000 unless told. */
  readonly timeoutMs?: number | undefined;
  /** 10 unless told. */
  readonly maxTries?: number | undefined;
  /** Does not wait for the client's token bucket: for the few requests that must not stand behind others, such as a leader's renewal. */
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
  /** How long the server keeps the watch open. */
  readonly timeoutSeconds?: number | undefined;
  /** The watch fails when nothing at all came for so long; never unless told. */
  readonly idleTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteOptions extends CallOptions {
  readonly fieldManager?: string | undefined;
}

export interface CreateOptions extends WriteOptions {
  /** The caller takes "already exists" for an answer, so that a create whose answer was lost is tried again. */
  readonly isIdempotent?: boolean | undefined;
  /** The API server answers as it would, and creates nothing. */
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

export interface RequestOptions extends CallOptions {
  readonly method: string;
  readonly path: string;
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly contentType?: string | undefined;
  /** Doing it twice is as good as once; unless told, true for all methods but POST and for JSON patches. */
  readonly isIdempotent?: boolean | undefined;
}

export interface KubeClientOptions {
  readonly kubeConfig: KubeConfig;
  readonly logger: Logger;
  readonly userAgent?: string | undefined;
  /** Requests a second in the long run, and at once; 200 and 400 unless told, `qps` 0 = no limit of ours. */
  readonly qps?: number | undefined;
  readonly burst?: number | undefined;
  readonly metrics?: RequestMetrics | undefined;
  /** How long one try may be without the head of an answer; 20 000 unless told, which is longer than the API server lets a request wait in line. */
  readonly silenceTimeoutMs?: number | undefined;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;
