// throughProxy: an agent whose connections lead through an HTTP proxy, by CONNECT. Before it: kube-transport.ts.
//   Differs from client-node's agents: a connection that nobody waits for any more is given up at once, and IPv6 addresses work.
import http from 'node:http';
import https from 'node:https';
import { isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';

/** Of a request over such an agent. */
export interface TunnelOptions {
  /** Its connection is given up while it is made when this aborts; once it is made this does nothing to it. */
  readonly tunnelSignal: AbortSignal;
}

/** The request may have arrived: its code says so to whoever decides about another try. */
export class SilenceError extends Error {
  override readonly name = 'SilenceError';
  readonly code = 'ETIMEDOUT';

  constructor(silenceTimeoutMs: number) {
    super(`no answer within ${silenceTimeoutMs} ms`);
  }
}

/** The same agent, changed. The tunnel is plain or TLS as the agent's own connections are; that to the proxy as the proxy's URL says. */
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

/** A URL's host name as connections are made to it: of an IPv6 address, only that. */
export const unbracketed = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');

function authorization({ username, password }: URL): http.OutgoingHttpHeaders {
  if (username === '' && password === '') return {};
  const basic = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return { 'Proxy-Authorization': `Basic ${basic}` };
}
