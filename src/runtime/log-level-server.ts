// LogLevelServer: /loglevel for an operator: GET returns the level, PUT sets it.
//   It listens on loopback only. In a cluster `kubectl port-forward` reaches it, and the API server has authorized that.
import type { IncomingMessage } from 'node:http';
import { isIP, type AddressInfo } from 'node:net';
import { isLoopback, unbracketed } from '../kube/host.ts';
import type { Logger } from '../logging/logger.ts';
import { isRead, only, pathOf, type TextAnswer, TextServer } from './text-server.ts';

export interface LogLevelServerOptions {
  readonly logger: Logger;
  readonly get: () => string;
  /** Throws for an unknown level; the message is the answer. */
  readonly set: (level: string) => void;
}

const longestBody = 64;

export class LogLevelServer {
  readonly #options: LogLevelServerOptions;
  readonly #server: TextServer;

  constructor(options: LogLevelServerOptions) {
    this.#options = options;
    this.#server = new TextServer(request => this.#answer(request), options.logger);
  }

  /**
   * Starts to listen. Port 0 selects a free port. @returns the address
   * @throws RangeError for a host that is not a loopback address
   */
  async listen(port: number, host = '127.0.0.1'): Promise<AddressInfo> {
    if (!isLoopback(host)) throw new RangeError(`${host} is not a loopback address`);
    return this.#server.listen(port, host);
  }

  /** Closes the server and all its connections at once. */
  close(): Promise<void> {
    return this.#server.close();
  }

  async #answer(request: IncomingMessage): Promise<TextAnswer> {
    const { logger, get, set } = this.#options;
    if (!isLocal(request.headers.host)) return { status: 403, body: 'the Host header is neither localhost nor an address\n' };
    if (pathOf(request) !== '/loglevel') return { status: 404, body: 'there is /loglevel\n' };
    if (isRead(request)) return { status: 200, body: `${get()}\n` };
    if (request.method !== 'PUT') return only('GET, HEAD, PUT');
    const level = await shortBody(request);
    try {
      set(level);
    } catch (error) {
      return { status: 400, body: `${error instanceof Error ? error.message : String(error)}\n` };
    }
    logger.info('Log level set', { level });
    return { status: 200, body: `${get()}\n` };
  }
}

/** A page in a browser reaches loopback under a name of its own (DNS rebinding), and then sends that name. */
function isLocal(host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(`http://${host}`)) return false;
  const name = unbracketed(new URL(`http://${host}`).hostname);
  return isIP(name) !== 0 || isLoopback(name);
}

async function shortBody(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) {
    body += chunk as string;
    if (body.length > longestBody) break;
  }
  return body.slice(0, longestBody).trim();
}
