import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { stringify } from 'yaml';
import { UsageError } from '../../src/config.ts';
import { loadKubeConfig } from '../../src/kube-config.ts';

const context = { name: 'here', context: { cluster: 'cluster', user: 'user' } };
const server = 'https://api.example.test:6443';

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
      expect(error).to.be.instanceOf(UsageError);
      return (error as Error).message;
    }
    throw new Error('it was not refused');
  }

  it('takes a token file as what it is, with its path beside the kubeconfig', async () => {
    const config = await load({ user: { tokenFile: 'token', token: 'an-older-one' } });
    expect(config.getCurrentUser()).to.deep.include({
      authProvider: { name: 'tokenFile', config: { tokenFile: path.join(folder, 'token') } },
    });
    expect(config.getCurrentUser()).not.to.have.property('token');
  });

  it('finds a plugin with a path beside the kubeconfig, and one without where the system does', async () => {
    const commandOf = async (command: string): Promise<unknown> =>
      ((await load({ user: { exec: { command } } })).getCurrentUser()?.exec as { command: string }).command;
    expect(await commandOf('./bin/login')).to.equal(path.join(folder, 'bin', 'login'));
    expect(await commandOf('login')).to.equal('login');
  });

  for (const field of ['as-groups', 'as-uid', 'as-user-extra'])
    it(`refuses ${field}, without which it would be somebody else`, async () => {
      expect(await refusal({ user: { as: 'bob', [field]: ['x'] } })).to.include(`user user: ${field} is not supported`);
    });

  it('names the context, the cluster or the user that is missing', async () => {
    expect(await refusal({}, 'there')).to.equal('--context there: there is only here');
    expect(await refusal({ 'current-context': 'gone' })).to.equal('the kubeconfig\'s current-context "gone": there is only here');
    expect(await refusal({ clusters: [] })).to.equal('context here: the kubeconfig has no cluster "cluster"');
    expect(await refusal({ users: [] })).to.equal('context here: the kubeconfig has no user "user"');
  });

  it('names a file that is missing or is no YAML, and quotes nothing of it', async () => {
    const file = path.join(folder, 'broken');
    await writeFile(file, 'users: [{token: hush');
    const attempt = (kubeconfig: string) => () => loadKubeConfig({ kubeconfig, environment: {} });
    expect(attempt(file)).to.throw(UsageError, `kubeconfig ${file}: is no YAML`).and.not.to.match(/hush/);
    expect(attempt(path.join(folder, 'absent'))).to.throw(UsageError, 'no such file');
    expect(() => loadKubeConfig({ environment: { HOME: folder } })).to.throw(UsageError, 'no cluster');
  });

  it('merges the files of KUBECONFIG as kubectl does: the first of a name counts, an absent file does not', async () => {
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

  it('takes plain HTTP as it is, as that of kubectl proxy', async () => {
    const config = await load({
      cluster: { server: 'http://127.0.0.1:8001' },
      contexts: [{ name: 'here', context: { cluster: 'cluster' } }],
    });
    expect(config.getCurrentCluster()).to.deep.include({ skipTLSVerify: true });
  });

  describe('a proxy of the environment', () => {
    const https_proxy = 'http://proxy.example.test:3128';
    const proxyFor = async (url: string, environment: Record<string, string>, cluster = {}): Promise<unknown> =>
      (await load({ cluster: { server: url, ...cluster } }, environment)).getCurrentCluster()?.proxyUrl;

    it('is used for https, in either spelling, with or without a scheme', async () => {
      expect(await proxyFor(server, { https_proxy })).to.equal(https_proxy);
      expect(await proxyFor(server, { HTTPS_PROXY: 'proxy.example.test:3128' })).to.equal(https_proxy);
      expect(await proxyFor(server, { http_proxy: https_proxy })).to.equal(undefined);
    });

    it('gives way to the one of the kubeconfig', async () => {
      expect(await proxyFor(server, { https_proxy }, { 'proxy-url': 'http://other:1' })).to.equal('http://other:1');
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
    ];
    for (const [host, no_proxy, isExempt] of exempt)
      it(`is ${isExempt ? 'not ' : ''}used for ${host} when NO_PROXY is ${no_proxy}`, async () => {
        const proxy = await proxyFor(`https://${host}:6443`, { https_proxy, NO_PROXY: no_proxy });
        expect(proxy).to.equal(isExempt ? undefined : https_proxy);
      });
  });
});
