// OidcToken: the ID token of an OpenID Connect user, refreshed before it expires.
//   Port of client-go v0.37.2 plugin/pkg/client/auth/oidc/oidc.go. Differs from client-node: it sends the client secret and refreshes
//   once in a token's lifetime. Differs from client-go: a refresh token that the issuer rotates is kept in memory, not in the file.
import { readFileSync } from 'node:fs';
import https from 'node:https';
import type { RequestInit, Response } from 'node-fetch';
import { printable } from '../../logging/printable.ts';
import { Deadline } from '../../time/deadline.ts';

/** The `config` of a kubeconfig's auth-provider `oidc`. */
export interface OidcConfig {
  readonly 'idp-issuer-url'?: string;
  readonly 'client-id'?: string;
  readonly 'client-secret'?: string;
  readonly 'id-token'?: string;
  readonly 'refresh-token'?: string;
  readonly 'idp-certificate-authority'?: string;
  readonly 'idp-certificate-authority-data'?: string;
}

interface Discovery {
  readonly token_endpoint?: string;
  readonly token_endpoint_auth_methods_supported?: readonly string[];
}

/** A token counts as expired this long before its expiry, since it must still be valid when it arrives. */
const marginMs = 10_000;
const timeoutMs = 10_000;
/** A longer response is an error. The discovery document of a large issuer has some 3 KiB. */
const maxResponseBytes = 256 * 1024;

export class OidcToken {
  readonly #config: OidcConfig;
  readonly #closing: AbortSignal | undefined;
  #idToken: string | undefined;
  #refreshToken: string | undefined;

  /** @param closing aborts a request to the issuer */
  constructor(config: OidcConfig, closing?: AbortSignal) {
    this.#config = config;
    this.#closing = closing;
    this.#idToken = config['id-token'];
    this.#refreshToken = config['refresh-token'];
  }

  /** @throws Error that names what the issuer or the kubeconfig lacks */
  async token(): Promise<string> {
    if (this.#idToken === undefined || expiresAtMs(this.#idToken) - marginMs < Date.now())
      this.#idToken = await this.#refreshed();
    return this.#idToken;
  }

  /** The next call of token() refreshes, if there is a refresh token. */
  forget(): void {
    if (this.#refreshToken !== undefined) this.#idToken = undefined;
  }

  async #refreshed(): Promise<string> {
    const { 'idp-issuer-url': issuer, 'client-id': clientId } = this.#config;
    if (this.#refreshToken === undefined)
      throw new Error('the OIDC id-token has expired, and the kubeconfig has no refresh-token');
    if (issuer === undefined || clientId === undefined)
      throw new Error('the OIDC id-token has expired, and the kubeconfig lacks idp-issuer-url or client-id');
    if (!issuer.startsWith('https://')) throw new Error(`OIDC issuer ${issuer}: must be https`);
    const agent = new https.Agent(this.#authority());
    try {
      const discovery = await this.#discover(issuer, agent);
      const answer = await this.#grant(issuer, discovery, clientId, agent);
      if (answer.id_token === undefined) throw new Error(`OIDC issuer ${issuer}: its answer has no id_token`);
      this.#refreshToken = answer.refresh_token ?? this.#refreshToken;
      return answer.id_token;
    } finally {
      agent.destroy();
    }
  }

  #authority(): { ca?: Buffer } {
    const { 'idp-certificate-authority': file, 'idp-certificate-authority-data': data } = this.#config;
    if (file !== undefined) return { ca: readFileSync(file) };
    return data === undefined ? {} : { ca: Buffer.from(data, 'base64') };
  }

  async #discover(issuer: string, agent: https.Agent): Promise<Discovery> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    return (await this.#request(url, { agent })) as Discovery;
  }

  async #grant(
    issuer: string,
    discovery: Discovery,
    clientId: string,
    agent: https.Agent,
  ): Promise<{ id_token?: string; refresh_token?: string }> {
    const { token_endpoint: url, token_endpoint_auth_methods_supported: methods = ['client_secret_basic'] } = discovery;
    if (!url?.startsWith('https://'))
      throw new Error(`OIDC issuer ${issuer}: its configuration has no token_endpoint with https`);
    const body = new URLSearchParams({ grant_type: 'refresh_token', refresh_token: this.#refreshToken ?? '' });
    const headers: Record<string, string> = {};
    const secret = this.#config['client-secret'] ?? '';
    if (secret !== '' && methods.includes('client_secret_basic')) {
      const basic = `${encodeURIComponent(clientId)}:${encodeURIComponent(secret)}`;
      headers['Authorization'] = `Basic ${Buffer.from(basic).toString('base64')}`;
    } else {
      body.set('client_id', clientId);
      if (secret !== '') body.set('client_secret', secret);
    }
    return (await this.#request(url, { method: 'POST', headers, body, agent })) as { id_token?: string; refresh_token?: string };
  }

  async #request(url: string, init: RequestInit): Promise<unknown> {
    // node-fetch throws an unhandled error if its signal has already aborted.
    this.#closing?.throwIfAborted();
    const fetch = await loadFetch();
    const deadline = new Deadline(timeoutMs, this.#closing);
    try {
      // A redirect would send the refresh token and the client's secret to another host.
      const limits = { redirect: 'error', size: maxResponseBytes } as const;
      return await jsonOf(url, await fetch(url, { ...init, ...limits, signal: deadline.signal }));
    } finally {
      deadline.clear();
    }
  }
}

/** The package's users need node-fetch for nothing else, so it is optional. Bundlers take the handler of the failure as a sign of that. */
async function loadFetch() {
  const loaded = await import('node-fetch').catch((cause: unknown) => {
    throw new Error('authentication by OpenID Connect needs the package node-fetch, version 3', { cause });
  });
  return loaded.default;
}

/** The JSON of a response. An error quotes only the fields that RFC 6749 defines for errors. */
async function jsonOf(url: string, response: Response): Promise<unknown> {
  const text = await response.text();
  let answer: { error?: unknown; error_description?: unknown } | undefined;
  try {
    answer = JSON.parse(text) as { error?: unknown; error_description?: unknown };
  } catch {
    answer = undefined;
  }
  if (response.ok && answer !== undefined) return answer;
  const said = printable([answer?.error, answer?.error_description].filter(part => typeof part === 'string').join(', '));
  throw new Error(`${url}: ${response.status}${said === '' ? '' : ` ${said}`}${response.ok ? ' without JSON' : ''}`);
}

/** 0 without an expiry: such a token is refreshed at each use rather than used indefinitely. */
function expiresAtMs(idToken: string): number {
  try {
    const payload = Buffer.from(idToken.split('.')[1] ?? '', 'base64url').toString('utf8');
    const { exp } = JSON.parse(payload) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}
