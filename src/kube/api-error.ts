// ApiError: the API server answered, but not with what was asked for; and predicates that know such an error whatever client threw it.

/** A cause from `Status.details.causes`: for a server-side apply conflict, the field and who owns it. */
export interface ApiErrorCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The `Status` object that the API server sends with an error. What stands in between may send nulls in it. */
export interface ApiStatus {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly ApiErrorCause[]; readonly retryAfterSeconds?: number };
}

const longestMessage = 1024;

/** The API server's answer was an error. The message says what was attempted and what the server said; it never holds a request's body or headers. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The HTTP status. */
  readonly code: number;
  /** The server's machine-readable reason, such as `NotFound`; absent if something in between answered (a proxy, say). */
  readonly reason: string | undefined;
  /** How long the server asked to wait. */
  readonly retryAfterSeconds: number | undefined;
  readonly causes: readonly ApiErrorCause[];

  constructor(attempted: string, code: number, status: ApiStatus = {}, retryAfterSeconds?: number) {
    const reason = status.reason || undefined;
    const said = status.message ? `: ${status.message.slice(0, longestMessage)}` : '';
    super(`${attempted}: ${code}${reason === undefined ? '' : ` ${reason}`}${said}`);
    this.code = code;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds ?? status.details?.retryAfterSeconds ?? undefined;
    this.causes = status.details?.causes ?? [];
  }
}

/** An error may be wrapped this many times and is still found. */
const deepestCause = 8;

/** The HTTP status in an error or in one of its causes, whichever client threw it (this one's `ApiError`, client-node's `ApiException`); else `undefined`. */
export function apiStatusCode(error: unknown): number | undefined {
  return findStatus(error)?.code;
}

export function isNotFound(error: unknown): boolean {
  return apiStatusCode(error) === 404;
}

/** The object was changed since it was read, or an apply met another field manager's field. Not `AlreadyExists`, which has the same code. */
export function isConflict(error: unknown): boolean {
  const status = findStatus(error);
  return status?.code === 409 && status.reason !== 'AlreadyExists';
}

export function isAlreadyExists(error: unknown): boolean {
  const status = findStatus(error);
  return status?.code === 409 && status.reason === 'AlreadyExists';
}

export function isForbidden(error: unknown): boolean {
  return apiStatusCode(error) === 403;
}

/** The resourceVersion or the continue token is too old: etcd has compacted it away. */
export function isGone(error: unknown): boolean {
  return apiStatusCode(error) === 410;
}

function findStatus(error: unknown): { code: number; reason: string | undefined } | undefined {
  let current = error;
  for (let depth = 0; depth <= deepestCause && current instanceof Error; depth += 1) {
    const { code } = current as { code?: unknown };
    // Node's own errors have a string here, a bitcoind error a negative number.
    if (typeof code === 'number' && code >= 400 && code <= 599) return { code, reason: reasonOf(current) };
    current = current.cause;
  }
  return undefined;
}

/** Ours holds the reason itself, client-node's in a body that is an object or its text. */
function reasonOf(error: Error): string | undefined {
  const { reason, body } = error as { reason?: unknown; body?: unknown };
  if (typeof reason === 'string') return reason;
  const status = typeof body === 'string' ? parsedStatus(body) : (body as ApiStatus | null | undefined);
  return typeof status?.reason === 'string' ? status.reason : undefined;
}

/** The `Status` in a response's text, if it is one. */
export function parsedStatus(text: string): ApiStatus | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && (parsed as ApiStatus).kind === 'Status' ? parsed : undefined;
  } catch {
    return undefined;
  }
}
