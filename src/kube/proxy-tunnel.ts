// throughProxy: makes an agent connect through an HTTP proxy, with CONNECT.
//   Differs from client-node's agents: a connection is closed at once when no request waits for it, and IPv6 addresses work.
import http from 'node:http';
import https from 'node:https';
import { isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';
import { unbracketed } from './host.ts';

/** An option of each request over such an agent. */
export interface TunnelOptions {
  /** Closes the request's connection while it is being established; later it has no effect. */
  readonly tunnelSignal: AbortSignal;
}

/** No response came in time. The request may have been executed: the code says so to the retry rules. */
export class SilenceError extends Error {
  override readonly name = 'SilenceError';
  readonly code = 'ETIMEDOUT';

  constructor(silenceTimeoutMs: number) {
    super(`no answer within ${silenceTimeoutMs} ms`);
  }
}

/** Changes and returns the agent. Inside the tunnel it uses TLS if it is an https.Agent; to the proxy, if the proxy's URL is https. */
export function throughProxy(agent: http.Agent, proxy: URL): http.Agent {
  const connectDirectly = agent.createConnection.bind(agent);
  const isSecure = agent instanceof https.Agent;
  agent.createConnection = (options, callback) => {
    const { host, port, timeout, tunnelSignal } = options as https.RequestOptions & TunnelOptions;
    const target = `${isIPv6(host ?? '') ? `[${host ?? ''}]` : (host ?? '')}:${port ?? ''}`;
    const asking = (proxy.protocol === 'https:' ? https : http).request({
      hostname: unbracketed(proxy.hostname),
      port: proxy.port,
      method: 'CONNECT',
      path: target,
      headers: { Host: target, ...authorization(proxy) },
      agent: false,
      timeout: timeout ?? 0,
      signal: tunnelSignal,
    });
    const fail = (error: Error): void => callback?.(error, undefined as unknown as Duplex);
    asking.on('connect', (response, socket) => {
      if (response.statusCode === 200) {
        callback?.(null, isSecure ? (connectDirectly({ ...options, socket } as https.RequestOptions) as Duplex) : socket);
      } else {
        socket.destroy();
        fail(new Error(`it answered ${response.statusCode ?? 'nothing'} to CONNECT`));
      }
    });
    asking.on('timeout', () => asking.destroy(new SilenceError(timeout ?? 0)));
    asking.on('error', fail);
    asking.end();
    return undefined;
  };
  return agent;
}

function authorization({ username, password }: URL): http.OutgoingHttpHeaders {
  if (username === '' && password === '') return {};
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return { 'Proxy-Authorization': `Basic ${basic}` };
}
