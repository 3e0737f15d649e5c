// One request to the API server and its response, over whichever version of HTTP.
import type http from 'node:http';

export interface HttpRequest {
  readonly method: string;
  /** Includes the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
  /** Called once the connection is established, immediately before sending. What it throws becomes the `cause` of a NotSentError. */
  readonly guard?: (() => void) | undefined;
  /** May share its connection with other watches. Has neither a body nor a guard. */
  readonly isWatch?: boolean | undefined;
}

/** The head of a response; its body is iterated. An http.IncomingMessage is one. */
export interface ApiResponse extends AsyncIterable<unknown> {
  readonly statusCode?: number | undefined;
  readonly statusMessage?: string | undefined;
  readonly headers: http.IncomingHttpHeaders;
  destroy(): unknown;
}
