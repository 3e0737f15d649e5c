// ApiError: an error response of the API server, and predicates that recognize one whichever client threw it.
import { errorChain } from '../logging/error-chain.ts';
import { printable } from '../logging/printable.ts';

/** An entry of `Status.details.causes`. For a server-side apply conflict: the field and its owner. */
export interface ApiErrorCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** The `Status` object that the API server sends with an error. A proxy in between may send nulls in it. */
export interface ApiStatus {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly ApiErrorCause[]; readonly retryAfterSeconds?: number };
}

/** The API server answered with an error status. The message names the attempted call and the server's message; it never contains a request's body or headers. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The HTTP status. */
  readonly code: number;
  /** The server's machine-readable reason, such as `NotFound`. Undefined if something in between answered, such as a proxy. */
  readonly reason: string | undefined;
  /** The server's Retry-After, in seconds. */
  readonly retryAfterSeconds: number | undefined;
  readonly causes: readonly ApiErrorCause[];

  constructor(attempted: string, code: number, status: ApiStatus = {}, retryAfterSeconds?: number) {
    const reason = textOf(status.reason);
    const said = textOf(status.message);
    super(`${attempted}: ${code}${reason === undefined ? '' : ` ${reason}`}${said === undefined ? '' : `: ${said}`}`);
    this.code = code;
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds ?? status.details?.retryAfterSeconds ?? undefined;
    const causes: unknown = status.details?.causes;
    this.causes = Array.isArray(causes) ? causes.filter(isCause) : [];
  }
}

/** What a server, or a proxy in between, sends as text; it may be anything. */
const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? printable(value) : undefined);

const isCause = (cause: unknown): cause is ApiErrorCause => typeof cause === 'object' && cause !== null;

/** A response had more bytes than the client reads of one. Lists can be split: ask for fewer objects at a time. */
export class ResponseTooLargeError extends Error {
  override readonly name = 'ResponseTooLargeError';

  constructor(mostBytes: number) {
    super(`the response has more than ${mostBytes} bytes`);
  }
}

export function isResponseTooLarge(error: unknown): boolean {
  return [...errorChain(error)].some(each => each instanceof ResponseTooLargeError);
}

/** The HTTP status of an error or of one of its causes, whichever client threw it (this one's `ApiError`, client-node's `ApiException`). Otherwise `undefined`. */
export function apiStatusCode(error: unknown): number | undefined {
  return findStatus(error)?.code;
}

/** Status 404. */
export function isNotFound(error: unknown): boolean {
  return apiStatusCode(error) === 404;
}

/** The object was changed since it was read, or an apply met a field of another field manager. Not `AlreadyExists`, which has the same status 409. */
export function isConflict(error: unknown): boolean {
  const status = findStatus(error);
  return status?.code === 409 && status.reason !== 'AlreadyExists';
}

/** A create met an object of the same name. */
export function isAlreadyExists(error: unknown): boolean {
  const status = findStatus(error);
  return status?.code === 409 && status.reason === 'AlreadyExists';
}

/**
 * The object cannot be what was sent: a field has a value that is not allowed, or of another type, or is not known. A create is answered with
 * 400 if the object cannot be decoded (kubernetes apiserver pkg/endpoints/handlers), a server-side apply with 500 if it does not fit its
 * schema or cannot be converted (apimachinery pkg/util/managedfields), which no retry changes.
 */
export function isInvalid(error: unknown): boolean {
  const status = findStatus(error);
  if (status?.code === 422) return true;
  const message = error instanceof Error ? error.message : '';
  return (
    (status?.code === 400 && /cannot be handled as a|strict decoding error/.test(message)) ||
    (status?.code === 500 && /failed to create typed patch object|unable to convert unstructured object/.test(message))
  );
}

/** Status 403: a right is missing, or an admission controller refused. */
export function isForbidden(error: unknown): boolean {
  return apiStatusCode(error) === 403;
}

/** The API server will not have this object, whatever it costs to try again: it is invalid, or a policy, a quota or a webhook denies it, or a right is missing. */
export function isRefused(error: unknown): boolean {
  return isInvalid(error) || [400, 403, 413].includes(apiStatusCode(error) ?? 0);
}

/** Status 410: the resourceVersion or the continue token is too old, since etcd was compacted. */
export function isGone(error: unknown): boolean {
  return apiStatusCode(error) === 410;
}

function findStatus(error: unknown): ErrorStatus | undefined {
  for (const each of errorChain(error)) {
    const status = errorStatus(each);
    if (status !== undefined && status.code >= 400) return status;
  }
  return undefined;
}

/** What the API server answered, as an error has it. */
export interface ErrorStatus {
  /** The HTTP status; 0 if it is not known. */
  readonly code: number;
  readonly reason: string | undefined;
  readonly causes: readonly ApiErrorCause[];
  readonly retryAfterSeconds: number | undefined;
}

/** The server's answer in this error itself: an `ApiError`, or client-node's `ApiException`, whose body is an object or its text. */
export function errorStatus(error: Error): ErrorStatus | undefined {
  if (error instanceof ApiError) return error;
  const { code, body, headers, reason: ownReason } = error as Partial<Record<'code' | 'body' | 'headers' | 'reason', unknown>>;
  const status = typeof body === 'string' ? parsedStatus(body) : isStatus(body) ? body : undefined;
  // Node's own errors have a string here, a DOMException and errors of other protocols another number.
  const httpStatus = typeof code === 'number' && code >= 100 && code <= 599 ? code : undefined;
  if (status === undefined && httpStatus === undefined) return undefined;
  const reason = [ownReason, status?.reason].find(each => typeof each === 'string');
  const causes = status?.details?.causes ?? [];
  const retryAfterSeconds = retryAfterIn(headers) ?? status?.details?.retryAfterSeconds;
  return { code: httpStatus ?? status?.code ?? 0, reason, causes, retryAfterSeconds };
}

function isStatus(value: unknown): value is ApiStatus {
  return typeof value === 'object' && value !== null && (value as ApiStatus).kind === 'Status';
}

function retryAfterIn(headers: unknown): number | undefined {
  const { 'retry-after': value } = (headers ?? {}) as { 'retry-after'?: unknown };
  return value === undefined || Number.isNaN(Number(value)) ? undefined : Number(value);
}

/** The `Status` in a response's text, if there is one. */
export function parsedStatus(text: string): ApiStatus | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isStatus(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
