// OpenID Connect at a real API server: the API server trusts an issuer that the test runs.
import { createSign, generateKeyPairSync } from 'node:crypto';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import type { KubeClient } from '../../src/kube/client.ts';
import { OidcToken } from '../../src/kube/auth/oidc-token.ts';
import { CertificateAuthority } from '../../tools/kubernetes/certificates.ts';
import { providePrograms } from '../../tools/programs.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { thrownBy } from '../support/fakes/fake-api-server.ts';
import { clientOf, whoAmI, writeAccess } from '../support/cluster/kube-access.ts';
import { eventually } from '../support/until.ts';

const clientId = 'bitcoin controller';
const clientSecret = 'a client:secret';
const base64url = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs tokens for the user alice, and gives a new refresh token with each. */
class Issuer {
  readonly #keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
  readonly #server: https.Server;
  readonly authority: string;
  /** Fields of the discovery document. */
  methods: readonly string[] | undefined;
  /** The Authorization header and the body of each request for a token. */
  readonly grants: { authorization: string | undefined; body: URLSearchParams }[] = [];
  refreshToken = 'refresh-0';
  /** Answers a request to the token endpoint instead, if set. */
  onGrant: ((response: ServerResponse) => void) | undefined;
  /** Called in place of an answer. */
  onSilence: (() => void) | undefined;

  private constructor(server: https.Server, authority: string) {
    this.#server = server;
    this.authority = authority;
    server.on('request', (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (text: string) => (body += text));
      request.on('end', () => {
        if (this.onSilence !== undefined) {
          this.onSilence();
          return;
        }
        if (this.onGrant !== undefined && request.url === '/token') {
          this.onGrant(response);
          return;
        }
        const { status = 200, ...answer } = this.#answer(request.url ?? '', request.headers.authorization, body);
        response.writeHead(status as number, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      });
    });
  }

  static async start(folder: string): Promise<Issuer> {
    const { openssl } = await providePrograms(['openssl']);
    const authority = await CertificateAuthority.create(openssl, path.join(folder, 'issuer'));
    const files = await authority.issue('issuer', { commonName: 'issuer', alternativeNames: ['IP:127.0.0.1'] });
    const server = https.createServer({ cert: await readFile(files.certificate), key: await readFile(files.key) });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    return new Issuer(server, authority.certificate);
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  idToken(lifeSeconds: number): string {
    const expires = Math.floor(Date.now() / 1000) + lifeSeconds;
    const claims = { iss: this.url, aud: clientId, sub: 'alice', iat: expires - 3600, exp: expires };
    const signed = `${base64url({ alg: 'RS256', kid: 'key' })}.${base64url(claims)}`;
    return `${signed}.${createSign('sha256').update(signed).sign(this.#keys.privateKey, 'base64url')}`;
  }

  #answer(url: string, authorization: string | undefined, text: string): Record<string, unknown> {
    if (url === '/keys')
      return { keys: [{ ...this.#keys.publicKey.export({ format: 'jwk' }), kid: 'key', alg: 'RS256', use: 'sig' }] };
    if (url === '/.well-known/openid-configuration')
      return {
        issuer: this.url,
        jwks_uri: `${this.url}/keys`,
        token_endpoint: `${this.url}/token`,
        token_endpoint_auth_methods_supported: this.methods,
      };
    const body = new URLSearchParams(text);
    this.grants.push({ authorization, body });
    if (body.get('refresh_token') !== this.refreshToken)
      return { status: 400, error: 'invalid_grant', error_description: 'not that one', hint: body.get('refresh_token') };
    this.refreshToken = `refresh-${this.grants.length}`;
    return { id_token: this.idToken(3600), refresh_token: this.refreshToken };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise(resolve => this.#server.close(resolve));
  }
}

describe('OpenID Connect', () => {
  let folder: string;
  let issuer: Issuer;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'oidc-test-'));
    issuer = await Issuer.start(folder);
  });
  after(async () => {
    await issuer.stop();
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    issuer.grants.length = 0;
    issuer.refreshToken = 'refresh-0';
    issuer.methods = undefined;
    issuer.onGrant = undefined;
  });

  const configWith = (fields: Record<string, string | undefined> = {}) => ({
    'idp-issuer-url': issuer.url,
    'idp-certificate-authority': issuer.authority,
    'client-id': clientId,
    'client-secret': clientSecret,
    'id-token': issuer.idToken(-60),
    'refresh-token': 'refresh-0',
    ...fields,
  });

  it('authenticates as alice at a real API server, with a token that is refreshed when it has expired', async function () {
    this.timeout(60_000);
    const flags = { 'issuer-url': issuer.url, 'ca-file': issuer.authority, 'client-id': clientId, 'username-prefix': 'oidc:' };
    const apiServerArguments = Object.entries(flags).map(([flag, value]) => `--oidc-${flag}=${value}`);
    const api: TestControlPlane = await startControlPlane({ apiServerArguments });
    const clients: KubeClient[] = [];
    try {
      const access = { user: { 'auth-provider': { name: 'oidc', config: configWith() } } };
      const client = clientOf(await writeAccess(api, access));
      clients.push(client);
      // It looks for its issuer in the background.
      await eventually(async () => (await whoAmI(client).catch(() => '')) === 'oidc:alice');
      expect(await whoAmI(client)).to.equal('oidc:alice');
    } finally {
      await Promise.all(clients.map(client => client.close()));
      await api.stop();
    }
  });

  it('does not wait for a silent issuer after the client is closed', async () => {
    const closing = new AbortController();
    const asked = new Promise<void>(resolve => (issuer.onSilence = resolve));
    const error = thrownBy(new OidcToken(configWith(), closing.signal).token());
    await asked;
    closing.abort();
    expect(await error).to.have.property('name', 'AbortError');
    issuer.onSilence = undefined;
  });

  it('refreshes once for as long as the token is valid, and again when it was refused, with the newest refresh token', async () => {
    const oidc = new OidcToken(configWith());
    const token = await oidc.token();
    expect(await oidc.token()).to.equal(token);
    expect(issuer.grants).to.have.length(1);
    oidc.forget();
    await oidc.token();
    expect(issuer.grants.map(({ body }) => body.get('refresh_token'))).to.deep.equal(['refresh-0', 'refresh-1']);
  });

  it('sends the issuer nothing while its token is valid', async () => {
    const good = issuer.idToken(3600);
    expect(await new OidcToken(configWith({ 'id-token': good, 'refresh-token': undefined })).token()).to.equal(good);
    expect(issuer.grants).to.deep.equal([]);
  });

  it('authenticates the client with the method that the issuer supports', async () => {
    await new OidcToken(configWith()).token();
    expect(issuer.grants[0]?.authorization).to.equal(
      `Basic ${Buffer.from('bitcoin%20controller:a%20client%3Asecret').toString('base64')}`,
    );
    issuer.methods = ['client_secret_post'];
    await new OidcToken(configWith({ 'refresh-token': issuer.refreshToken })).token();
    expect(issuer.grants[1]?.authorization).to.equal(undefined);
    expect(issuer.grants[1]?.body.get('client_secret')).to.equal(clientSecret);
    await new OidcToken(configWith({ 'refresh-token': issuer.refreshToken, 'client-secret': undefined })).token();
    expect(issuer.grants[2]?.body.has('client_secret')).to.equal(false);
  });

  for (const status of [301, 302, 303, 307, 308])
    it(`sends no secret to another host when the token endpoint answers ${status}`, async () => {
      const other = await Issuer.start(await mkdtemp(path.join(folder, 'other-')));
      try {
        issuer.onGrant = response => response.writeHead(status, { location: `${other.url}/token` }).end();
        const config = configWith({
          'idp-certificate-authority': undefined,
          'idp-certificate-authority-data': authorities(other),
        });
        const error = await thrownBy(new OidcToken(config).token());
        expect(error.message)
          .to.include('redirect')
          .and.not.to.match(/refresh-0|secret/);
        expect(other.grants).to.deep.equal([]);
      } finally {
        await other.stop();
      }
    });

  it('reads no more than 256 KiB of an answer', async () => {
    issuer.onGrant = response => response.end(`{"id_token":"${'x'.repeat(300 * 1024)}"}`);
    expect((await thrownBy(new OidcToken(configWith()).token())).message).to.match(/over limit: 262144/);
  });

  const authorities = (other: Issuer): string =>
    Buffer.from([issuer, other].map(({ authority }) => readFileSync(authority, 'utf8')).join('\n')).toString('base64');

  const faults: readonly (readonly [string, Record<string, string | undefined>, RegExp])[] = [
    ['there is no refresh token', { 'refresh-token': undefined }, /has expired, and the kubeconfig has no refresh-token/],
    ['the issuer is not named', { 'idp-issuer-url': undefined }, /lacks idp-issuer-url or client-id/],
    ['the issuer is not protected', { 'idp-issuer-url': 'http://127.0.0.1' }, /must be https/],
    ['the issuer is not trusted', { 'idp-certificate-authority': undefined }, /self-signed certificate|unable to verify/],
    ['the issuer refuses', { 'refresh-token': 'hush' }, /\/token: 400 invalid_grant, not that one$/],
  ];
  for (const [fault, fields, message] of faults)
    it(`names the fault if ${fault}, without showing a secret`, async () => {
      const error = await thrownBy(new OidcToken(configWith(fields)).token());
      expect(error.message).to.match(message);
      expect(error.message).not.to.match(/hush|secret/);
    });
});
