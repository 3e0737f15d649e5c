// What a failed write means: try again, or never. Before it: event-writer.ts. Port of client-go v0.37.2 tools/record/event.go (recordEvent).
import { ApiError, parsedStatus, type ApiStatus } from '../../kube/api-error.ts';

/** The request could not even be built: it would not be the next time. A sink may throw it. */
export class RequestConstructionError extends Error {
  override readonly name = 'RequestConstructionError';
}

/** What the server said: a code, and why. */
interface ServerStatus {
  readonly code: number;
  readonly reason: string | undefined;
  readonly isNamespaceTerminating: boolean;
  readonly retryAfterMs: number | undefined;
}

export type SinkFailure =
  | { readonly kind: 'construction' }
  | ({ readonly kind: 'status' } & ServerStatus)
  /** No usable answer: the network, or an answer that is no event. */
  | { readonly kind: 'unreachable' };

/** Errors of clients whose `code` is a legacy number and no HTTP status. */
const namesOfAborts: readonly string[] = ['AbortError', 'TimeoutError'];
const deepestCause = 8;

/** @param looksThrough whether a status inside of another error counts; for client-go it does not */
export function classifyFailure(error: unknown, looksThrough: boolean): SinkFailure {
  let current = error;
  for (let depth = 0; depth < deepestCause && current instanceof Error; depth += 1) {
    const status = statusOf(current);
    if (status !== undefined) return { kind: 'status', ...status };
    if (!looksThrough) break;
    current = current.cause;
  }
  // A TypeError without a cause is JavaScript's for a call that cannot be made; fetch wraps a broken connection in one with a cause.
  const isConstruction = error instanceof RequestConstructionError || (error instanceof TypeError && error.cause === undefined);
  return { kind: isConstruction ? 'construction' : 'unreachable' };
}

function statusOf(error: Error): ServerStatus | undefined {
  const { code, body, headers } = error as { code?: unknown; body?: unknown; headers?: unknown };
  if (error instanceof ApiError) {
    const { reason, retryAfterSeconds, causes } = error;
    return serverStatus(
      { code: error.code, details: { causes }, ...(reason === undefined ? {} : { reason }) },
      retryAfterSeconds,
    );
  }
  const status = statusIn(body);
  if (status === undefined && (typeof code !== 'number' || code < 100 || code > 599 || namesOfAborts.includes(error.name)))
    return undefined;
  return serverStatus({ ...status, code: typeof code === 'number' ? code : (status?.code ?? 0) }, retryAfterIn(headers));
}

function serverStatus(status: ApiStatus & { code: number }, retryAfterSeconds: number | undefined): ServerStatus {
  const { code, reason, details } = status;
  const seconds = retryAfterSeconds ?? details?.retryAfterSeconds;
  const isNamespaceTerminating = details?.causes?.some(cause => cause.reason === 'NamespaceTerminating') === true;
  return { code, reason, isNamespaceTerminating, retryAfterMs: seconds === undefined ? undefined : seconds * 1000 };
}

/** The body of client-node's ApiException: parsed, or as it came. */
function statusIn(body: unknown): ApiStatus | undefined {
  if (typeof body === 'string') return parsedStatus(body);
  return typeof body === 'object' && body !== null && (body as ApiStatus).kind === 'Status' ? body : undefined;
}

function retryAfterIn(headers: unknown): number | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const value = (headers as Record<string, unknown>)['retry-after'];
  const seconds = Number(value);
  return value === undefined || Number.isNaN(seconds) ? undefined : seconds;
}
