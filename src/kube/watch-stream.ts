// readWatchEvents: parses the response body of a watch. Upstream: apimachinery pkg/watch streamwatcher.go.
import { StringDecoder } from 'node:string_decoder';
import type { ApiResponse } from './http-exchange.ts';
import type { Deadline } from '../time/deadline.ts';

/** As on the wire. The object of an `ERROR` is a `Status`; that of a `BOOKMARK` has little more than a resourceVersion. Upstream: metav1.WatchEvent. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: T;
}

/** A longer line is not a Kubernetes object: etcd's limit is 1.5 MiB. */
const longestLine = 16 * 1024 * 1024;

/**
 * Yields one event for each line. Every chunk extends `deadline` by `idleTimeoutMs`, if that is set.
 * @throws Error if the connection breaks, a line is not a JSON event, or the deadline's signal aborts
 */
export async function* readWatchEvents<T>(
  response: ApiResponse,
  { attempted, deadline, idleTimeoutMs }: { attempted: string; deadline: Deadline; idleTimeoutMs: number | undefined },
): AsyncGenerator<WatchEvent<T>, void> {
  const decoder = new StringDecoder('utf8');
  let unfinished = '';
  const contentType = response.headers['content-type'] ?? 'no content type';
  try {
    // A page of a proxy must not pass for a watch that ended at once.
    if (!contentType.startsWith('application/json')) throw new Error(`the answer (${contentType}) is not JSON`);
    for await (const chunk of response) {
      if (idleTimeoutMs !== undefined) deadline.extend(idleTimeoutMs);
      const lines = decoder.write(chunk as Buffer).split('\n');
      lines[0] = unfinished + (lines[0] ?? '');
      unfinished = lines.pop() ?? '';
      if (unfinished.length > longestLine) throw new Error(`a line of more than ${longestLine} characters`);
      for (const line of lines) if (line !== '') yield parsed<T>(line);
    }
    if (unfinished !== '') yield parsed<T>(unfinished);
  } catch (error) {
    const reason: unknown = deadline.signal.aborted ? deadline.signal.reason : error;
    if (deadline.signal.aborted && !(reason instanceof DOMException && reason.name === 'TimeoutError')) throw reason;
    throw new Error(`${attempted}: ${reason instanceof Error ? reason.message : String(reason)}`, { cause: reason });
  } finally {
    response.destroy();
  }
}

function parsed<T>(line: string): WatchEvent<T> {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch {
    // The engine's message would quote the line, which may hold a secret.
    throw new Error('a line that is not JSON');
  }
  const { type, object } = (event ?? {}) as { type?: unknown; object?: unknown };
  if (typeof type !== 'string' || typeof object !== 'object' || object === null)
    throw new Error('a line that is not a watch event');
  return event as WatchEvent<T>;
}
