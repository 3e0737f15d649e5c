// Http2Pool: HTTP/2 sessions with the API server, on which many watches share few connections. client-go does the same by default.
//   Requests stay on HTTP/1.1, where a slow response cannot delay another and the write guard runs on the connection itself.
import http2 from 'node:http2';
import { isIP } from 'node:net';
import tls from 'node:tls';
import { unbracketed } from './host.ts';
import { SilenceError } from './proxy-tunnel.ts';
import { abortable } from '../time/deadline.ts';
import type { ApiResponse, HttpRequest } from './http-exchange.ts';

export interface Http2PoolOptions {
  /** https. */
  readonly server: URL;
  /** Certificates and keys, already parsed into a `secureContext`. */
  readonly tls: tls.ConnectionOptions;
  /** Milliseconds that a connection or the head of a response may take. */
  readonly silenceTimeoutMs: number;
  /** Called when a session was closed because it was silent. */
  readonly onSilence: () => void;
}

interface Session {
  readonly http2: http2.ClientHttp2Session;
  /** Streams that are open or reserved. */
  streams: number;
}

/** For servers that announce no limit. The API server announces 100. */
const mostStreams = 1_000;
/** A session without streams is closed after this time. */
const idleMs = 60_000;
const keepAliveMs = 30_000;
/** Bytes that the API server may send ahead on one stream, and on a session: an initial list should not wait for round trips. */
const streamWindow = 256 * 1024;
const sessionWindow = 4 * 1024 * 1024;
const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = http2.constants;

export class Http2Pool {
  readonly #options: Http2PoolOptions;
  readonly #sessions = new Set<Session>();
  #connecting: Promise<void> | undefined;
  #isUnsupported = false;
  #closedBy: Error | undefined;

  constructor(options: Http2PoolOptions) {
    this.#options = options;
  }

  /**
   * Sends a request without a body. Resolves with the response's head, or with undefined if the server does not offer HTTP/2.
   * A request that gets no response in time, or whose signal aborts with a TimeoutError, closes its session: it is probably half-open.
   * @throws the signal's reason, or an Error with the `code` of the broken connection
   */
  async open(request: HttpRequest): Promise<ApiResponse | undefined> {
    const session = await this.#reserve(request.signal);
    return session === undefined ? undefined : this.#send(session, request);
  }

  /** Lets open streams finish and closes each session afterwards. */
  retire(): void {
    for (const session of this.#sessions) session.http2.close();
  }

  /** Closes every session at once; open streams fail with `reason`. */
  close(reason: Error): void {
    this.#closedBy = reason;
    for (const session of this.#sessions) session.http2.destroy(reason);
  }

  async #reserve(signal: AbortSignal): Promise<Session | undefined> {
    while (!this.#isUnsupported) {
      signal.throwIfAborted();
      if (this.#closedBy !== undefined) throw this.#closedBy;
      const free = [...this.#sessions].find(hasRoom);
      if (free !== undefined) {
        free.streams += 1;
        return free;
      }
      // One connection at a time: the streams that wait for it may all fit.
      this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
      await abortable(this.#connecting, signal);
    }
    return undefined;
  }

  async #connect(): Promise<void> {
    const socket = await this.#connectTls();
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      this.#isUnsupported = true;
      return;
    }
    const settings = { enablePush: false, initialWindowSize: streamWindow };
    const session: Session = {
      http2: http2.connect(this.#options.server, { createConnection: () => socket, settings }),
      streams: 0,
    };
    await this.#untilSettled(session.http2);
    session.http2.setLocalWindowSize(sessionWindow);
    session.http2.on('close', () => this.#sessions.delete(session));
    session.http2.on('goaway', () => this.#sessions.delete(session));
    session.http2.setTimeout(idleMs, () => session.streams === 0 && session.http2.close());
    if (this.#closedBy !== undefined) session.http2.destroy(this.#closedBy);
    else this.#sessions.add(session);
  }

  #connectTls(): Promise<tls.TLSSocket> {
    const { server, silenceTimeoutMs } = this.#options;
    const host = unbracketed(server.hostname);
    return new Promise((resolve, reject) => {
      const socket = tls.connect({
        // As node:https: the server's name for SNI and the certificate, unless it is an address.
        servername: isIP(host) === 0 ? host : '',
        ...this.#options.tls,
        host,
        port: Number(server.port || 443),
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      socket.setTimeout(silenceTimeoutMs, () => socket.destroy(new SilenceError(silenceTimeoutMs)));
      socket.once('error', reject);
      socket.once('secureConnect', () => {
        socket.setTimeout(0);
        socket.off('error', reject);
        socket.setKeepAlive(true, keepAliveMs);
        resolve(socket);
      });
    });
  }

  /** Resolves when the server has announced how many streams it allows. */
  #untilSettled(session: http2.ClientHttp2Session): Promise<void> {
    const { silenceTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => session.destroy(new SilenceError(silenceTimeoutMs)), silenceTimeoutMs);
      session.on('error', reject);
      session.once('remoteSettings', () => resolve());
      session.once('close', () => reject(brokenConnection()));
      session.once('close', () => clearTimeout(timer));
      session.once('remoteSettings', () => clearTimeout(timer));
    });
  }

  #send(session: Session, { method, path, headers, signal }: HttpRequest): Promise<ApiResponse> {
    const { silenceTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const prefix = this.#options.server.pathname.replace(/\/$/, '');
      const stream = session.http2.request({ ...headers, ':method': method, ':path': prefix + path }, { endStream: true });
      const end = (reason: Error): void => {
        reject(reason);
        stream.close(NGHTTP2_CANCEL);
        stream.destroy(reason);
        // With an error, since node:http2 would otherwise end the other streams in order.
        if (isSilence(reason)) {
          session.http2.destroy(brokenConnection());
          this.#options.onSilence();
        }
      };
      const onAbort = (): void => end(signal.reason as Error);
      const timer = setTimeout(() => end(new SilenceError(silenceTimeoutMs)), silenceTimeoutMs);
      signal.addEventListener('abort', onAbort, { once: true });
      stream.on('error', reject);
      stream.on('response', response => {
        clearTimeout(timer);
        const body = { [Symbol.asyncIterator]: () => completeBody(stream) };
        resolve({ ...body, statusCode: response[':status'], headers: response, destroy: () => stream.close(NGHTTP2_CANCEL) });
      });
      stream.on('close', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        session.streams -= 1;
        reject(brokenConnection());
      });
    });
  }
}

/** node:http2 ends a stream in order when its connection breaks; the code with which it was closed shows the difference. */
async function* completeBody(stream: http2.ClientHttp2Stream): AsyncGenerator<Buffer, void> {
  for await (const chunk of stream) yield chunk as Buffer;
  if (!stream.closed) await new Promise(resolve => stream.once('close', resolve));
  if (stream.rstCode !== NGHTTP2_NO_ERROR) throw brokenConnection();
}

function hasRoom({ http2: session, streams }: Session): boolean {
  const { maxConcurrentStreams = mostStreams } = session.remoteSettings;
  return !session.closed && !session.destroyed && streams < Math.min(mostStreams, maxConcurrentStreams);
}

const isSilence = ({ name }: Error): boolean => name === 'SilenceError' || name === 'TimeoutError';

const brokenConnection = (): Error => Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' });
