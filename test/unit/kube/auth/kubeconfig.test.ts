import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { insecureAccess, KubeConfigError, loadKubeConfig } from '../../../../src/kube/auth/kubeconfig.ts';

const context = { name: 'here', context: { cluster: 'cluster', user: 'user' } };
const server = 'https://api.example.test:6443';
const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: 'login' };

describe('loadKubeConfig', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kube-config-test-'));
  });
  after(() => rm(folder, { recursive: true }));

  async function fileOf(fields: { cluster?: object; user?: object; [field: string]: unknown }, name = 'config'): Promise<string> {
    const { cluster = {}, user = {}, ...others } = fields;
    const file = path.join(folder, name);
    const clusters = [{ name: 'cluster', cluster: { server, ...cluster } }];
    const users = [{ name: 'user', user }];
    await writeFile(file, stringify({ clusters, users, contexts: [context], 'current-context': 'here', ...others }));
    return file;
  }
  const load = async (fields: Parameters<typeof fileOf>[0], environment = {}) =>
    loadKubeConfig({ kubeconfig: await fileOf(fields), environment });

  async function refusal(fields: Parameters<typeof fileOf>[0], wanted?: string): Promise<string> {
    const kubeconfig = await fileOf(fields);
    try {
      loadKubeConfig({ kubeconfig, context: wanted, environment: {} });
    } catch (error) {
      expect(error).to.be.instanceOf(KubeConfigError);
      return (error as Error).message;
    }
    throw new Error('it was not refused');
  }

  it('reads a token file, relative to the kubeconfig', async () => {
    const config = await load({ user: { tokenFile: 'token', token: 'an-older-one' } });
    expect(config.getCurrentUser()).to.deep.include({
      authProvider: { name: 'tokenFile', config: { tokenFile: path.join(folder, 'token') } },
    });
    expect(config.getCurrentUser()).not.to.have.property('token');
  });

  it('resolves a plugin with a slash relative to the kubeconfig, and one without from PATH', async () => {
    const commandOf = async (command: string): Promise<unknown> =>
      ((await load({ user: { exec: { ...exec, command } } })).getCurrentUser()?.exec as { command: string }).command;
    expect(await commandOf('./bin/login')).to.equal(path.join(folder, 'bin', 'login'));
    expect(await commandOf('login')).to.equal('login');
  });

  for (const field of ['as-groups', 'as-uid', 'as-user-extra'])
    it(`refuses ${field}, without which it would use another identity`, async () => {
      expect(await refusal({ user: { as: 'bob', [field]: ['x'] } })).to.include(`user user: ${field} is not supported`);
    });

  it('accepts unsupported fields that are empty or of a user that is not selected', async () => {
    const user = { token: 'x', 'as-groups': [], 'as-uid': '', 'as-user-extra': {} };
    expect((await load({ user })).getCurrentUser()).to.include({ token: 'x' });
    const users = [
      { name: 'other', user: { as: 'bob', 'as-groups': ['x'] } },
      { name: 'user', user },
    ];
    expect((await load({ users })).getCurrentUser()).to.include({ token: 'x' });
  });

  it('accepts incomplete entries that are not selected, and reports the fault of a selected one', async () => {
    const whole = { name: 'cluster', cluster: { server } };
    const others = {
      clusters: [null, { name: 'empty' }, { cluster: { server } }, whole],
      users: [null, { user: {} }, { name: 'null', user: null }, { name: 'user', user: { tokenFile: 'token' } }],
      contexts: [{ name: 'empty' }, { name: 'bare', context: {} }, context],
    };
    const config = await load(others);
    expect(config.getCurrentCluster()?.server).to.equal(server);
    expect(config.getCurrentUser()?.authProvider).to.include({ name: 'tokenFile' });
    expect(await refusal({ clusters: [{ name: 'cluster', cluster: {} }] })).to.equal(
      'context here: the kubeconfig has no cluster "cluster" (clusters[0].cluster.server is missing)',
    );
    expect(await refusal({ contexts: [{ name: 'here', context: {} }] })).to.equal(
      'the kubeconfig\'s current-context "here": there is no context (contexts[0].context.cluster is missing)',
    );
  });

  const refused: readonly (readonly [object, object, string])[] = [
    [{ server: 'api:6443' }, {}, 'cluster cluster: server "api:6443" is not a URL such as https://host:6443'],
    [{ server: '10.0.0.1:6443' }, {}, 'cluster cluster: server "10.0.0.1:6443" is not a URL such as https://host:6443'],
    [
      { 'certificate-authority': 'ca.crt', 'certificate-authority-data': 'eA==' },
      {},
      'cluster cluster: certificate-authority and certificate-authority-data exclude each other',
    ],
    [
      { 'proxy-url': 'me:hush@proxy' },
      {},
      'cluster cluster: proxy-url is not a URL such as http://host:3128 or socks5://host:1080',
    ],
    [{}, { 'client-certificate-data': 'eA==' }, 'user user: a client-certificate needs a client-key'],
    [
      {},
      { 'client-certificate-data': 'eA==', 'client-key': 'key', 'client-key-data': 'eA==' },
      'user user: client-key and client-key-data exclude each other',
    ],
    [{}, { token: 'hush', username: 'u', password: 'hush' }, 'user user: token and username exclude each other'],
    [{}, { exec: { ...exec, command: '' } }, 'user user: exec has no command'],
    [{}, { exec: { command: 'x' } }, 'user user: exec has no apiVersion such as client.authentication.k8s.io/v1'],
    [{}, { exec, 'auth-provider': { name: 'oidc' } }, 'user user: exec and auth-provider exclude each other'],
  ];
  for (const [cluster, user, message] of refused)
    it(`refuses what kubectl refuses too, or reads differently: ${message}`, async () => {
      expect(await refusal({ cluster, user })).to.equal(message);
    });

  it('accepts a token file beside an exec plugin, and treats an empty proxy-url as absent', async () => {
    const config = await load({ cluster: { 'proxy-url': '' }, user: { exec, tokenFile: 'token' } });
    expect(config.getCurrentCluster()).not.to.have.property('proxyUrl');
    expect(config.getCurrentUser()?.authProvider).to.include({ name: 'tokenFile' });
  });

  it('names the missing context, cluster or user', async () => {
    expect(await refusal({}, 'there')).to.equal('--context there: there is only here');
    expect(await refusal({ 'current-context': 'gone' })).to.equal('the kubeconfig\'s current-context "gone": there is only here');
    expect(await refusal({ clusters: [] })).to.equal('context here: the kubeconfig has no cluster "cluster"');
    expect(await refusal({ users: [] })).to.equal('context here: the kubeconfig has no user "user"');
  });

  it('names a file that is missing or is not YAML, without quoting it', async () => {
    const file = path.join(folder, 'broken');
    await writeFile(file, 'users: [{token: hush');
    const attempt = (kubeconfig: string) => () => loadKubeConfig({ kubeconfig, environment: {} });
    expect(attempt(file)).to.throw(KubeConfigError, `kubeconfig ${file}: is not YAML`).and.not.to.match(/hush/);
    expect(attempt(path.join(folder, 'absent'))).to.throw(KubeConfigError, 'no such file');
    expect(() => loadKubeConfig({ environment: { HOME: folder } })).to.throw(KubeConfigError, 'no cluster');
  });

  it('merges the files of KUBECONFIG as kubectl does: the first entry of a name wins, an absent file is ignored', async () => {
    const first = await fileOf({}, 'first');
    const second = await fileOf(
      { cluster: { server: 'https://other' }, contexts: [context, { ...context, name: 'second' }], 'current-context': 'second' },
      'second',
    );
    const environment = { KUBECONFIG: [path.join(folder, 'absent'), first, second].join(path.delimiter) };
    const config = loadKubeConfig({ environment });
    expect(config.getCurrentContext()).to.equal('here');
    expect(config.getCurrentCluster()?.server).to.equal(server);
    expect(config.contexts.map(({ name }) => name)).to.deep.equal(['here', 'second']);
  });

  it('ignores an empty file of KUBECONFIG', async () => {
    const file = await fileOf({});
    for (const text of ['', '# nothing yet\n', 'null\n']) {
      const empty = path.join(folder, 'empty');
      await writeFile(empty, text);
      const config = loadKubeConfig({ environment: { KUBECONFIG: [empty, file].join(path.delimiter) } });
      expect(config.getCurrentCluster()?.server).to.equal(server);
      expect(() => loadKubeConfig({ kubeconfig: empty, environment: {} })).to.throw(KubeConfigError, 'there is no context');
    }
    const list = path.join(folder, 'list');
    await writeFile(list, '- hush');
    expect(() => loadKubeConfig({ kubeconfig: list, environment: {} })).to.throw(
      KubeConfigError,
      'has no clusters, users and contexts',
    );
  });

  it('does not use the service account when its variables are set but empty', () => {
    const environment = { HOME: folder, KUBERNETES_SERVICE_HOST: '', KUBERNETES_SERVICE_PORT: '' };
    expect(() => loadKubeConfig({ environment })).to.throw(KubeConfigError, 'no cluster');
  });

  it('accepts plain HTTP, such as that of kubectl proxy', async () => {
    const config = await load({
      cluster: { server: 'http://127.0.0.1:8001' },
      contexts: [{ name: 'here', context: { cluster: 'cluster' } }],
    });
    expect(config.getCurrentCluster()).to.deep.include({ skipTLSVerify: true });
  });

  for (const [cluster, user, expected] of [
    [{ server: 'https://h:1' }, { token: 't' }, undefined],
    [{ server: 'https://h:1', 'insecure-skip-tls-verify': true }, {}, /^insecure-skip-tls-verify: /],
    [{ server: 'http://h:1' }, { token: 't' }, /^the server is http/],
    [{ server: 'http://h:1' }, { username: 'u', password: 'p' }, /^the server is http/],
    [{ server: 'http://h:1' }, { exec: { command: 'c', apiVersion: 'v1' } }, /^the server is http/],
    [{ server: 'http://h:1' }, {}, undefined],
    [{ server: 'http://127.0.0.1:8001' }, { token: 't' }, undefined],
    [{ server: 'http://[::1]:8001' }, { token: 't' }, undefined],
  ] as const)
    it(`${expected === undefined ? 'does not warn' : 'warns'} about ${JSON.stringify(cluster)} with ${Object.keys(user).join() || 'no credentials'}`, async () => {
      const warning = insecureAccess(await load({ cluster, user }));
      if (expected === undefined) expect(warning).to.equal(undefined);
      else expect(warning).to.match(expected);
    });

  describe('a proxy of the environment', () => {
    const https_proxy = 'http://proxy.example.test:3128';
    const proxyFor = async (url: string, environment: Record<string, string>, cluster = {}): Promise<unknown> =>
      (await load({ cluster: { server: url, ...cluster } }, environment)).getCurrentCluster()?.proxyUrl;

    it('is used for https, in upper or lower case, with or without a scheme', async () => {
      expect(await proxyFor(server, { https_proxy })).to.equal(https_proxy);
      expect(await proxyFor(server, { HTTPS_PROXY: 'proxy.example.test:3128' })).to.equal(https_proxy);
      expect(await proxyFor(server, { HTTPS_PROXY: '', https_proxy })).to.equal(https_proxy);
      expect(await proxyFor(server, { http_proxy: https_proxy })).to.equal(undefined);
    });

    it("is overridden by the kubeconfig's", async () => {
      expect(await proxyFor(server, { https_proxy }, { 'proxy-url': 'http://other:1' })).to.equal('http://other:1');
    });

    it('is refused when it is not a URL, without showing its password', async () => {
      for (const proxy of ['http://me:hush@', 'ftp://me:hush@proxy']) {
        const attempt = await proxyFor(server, { https_proxy: proxy }).catch((error: unknown) => error as Error);
        expect(attempt).to.have.property('message', 'HTTPS_PROXY is not a URL such as http://host:3128 or socks5://host:1080');
      }
    });

    for (const url of ['https://127.0.0.1:6443', 'https://localhost', 'https://[::1]:6443'])
      it(`is not used for ${url}`, async () => {
        expect(await proxyFor(url, { https_proxy })).to.equal(undefined);
      });

    const exempt: readonly (readonly [string, string, boolean])[] = [
      ['api.example.test', '*', true],
      ['api.example.test', 'other.test, example.test', true],
      ['api.example.test', '.example.test', true],
      ['example.test', '.example.test', false],
      ['api.example.test', '*.example.test', true],
      ['notexample.test', 'example.test', false],
      ['api.example.test', 'api.example.test:6443', true],
      ['api.example.test', 'api.example.test:443', false],
      ['10.96.0.1', '10.96.0.1', true],
      ['10.96.0.1', '10.0.0.0/8', true],
      ['11.96.0.1', '10.0.0.0/8', false],
      ['[fd00::1]', 'fd00::/8', true],
      ['[fd00::1]', '10.0.0.0/8,', false],
      ['10.96.0.1', '10.0.0.0/33', false],
      ['10.96.0.1', '10.0.0.0/', false],
      ['10.96.0.1', '10.0.0.0/x,10.96.0.1', true],
    ];
    for (const [host, no_proxy, isExempt] of exempt)
      it(`is ${isExempt ? 'not ' : ''}used for ${host} when NO_PROXY is ${no_proxy}`, async () => {
        const proxy = await proxyFor(`https://${host}:6443`, { https_proxy, NO_PROXY: no_proxy });
        expect(proxy).to.equal(isExempt ? undefined : https_proxy);
      });
  });
});
