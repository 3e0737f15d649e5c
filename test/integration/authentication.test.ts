// Authentication at a real API server by every method of a kubeconfig except OpenID Connect, also when the credentials change.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { customResourceDefinitions } from '../../src/bitcoin/api/custom-resource-definition.ts';
import type { KubeClient, ResourceType } from '../../src/kube/client.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { ControllerProcess } from '../support/processes/controller-process.ts';
import { thrownBy } from '../support/fakes/fake-api-server.ts';
import { type Access, accountName, clientOf, tokenOf, whoAmI, writeAccess } from '../support/cluster/kube-access.ts';
import { eventually } from '../support/until.ts';

const apiVersion = 'client.authentication.k8s.io/v1';

const namespaces: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
const script = `#!/bin/sh
cd "$(dirname "$0")"
echo "$KUBERNETES_EXEC_INFO$1$GREETING" >>runs
cat first
cp next first
`;

describe('authentication at a real API server', () => {
  let api: TestControlPlane;
  let clients: KubeClient[] = [];
  let tokens: { one: string; two: string };

  before(async () => {
    api = await startControlPlane();
    tokens = { one: await tokenOf(api, 'one'), two: await tokenOf(api, 'two') };
  });
  afterEach(async () => {
    await Promise.all(clients.map(client => client.close()));
    clients = [];
  });
  after(() => api.stop());

  async function clientWith(access: Access): Promise<KubeClient> {
    const client = clientOf(await writeAccess(api, access));
    clients.push(client);
    return client;
  }

  it('works with a client certificate, in the kubeconfig or in files', async () => {
    const admin = clientOf(api.kubeconfigPath);
    clients.push(admin);
    expect(await whoAmI(admin)).to.equal('admin');
    const files = { 'client-certificate': 'certificates/admin.crt', 'client-key': 'certificates/admin.key' };
    expect(await whoAmI(await clientWith({ user: files }))).to.equal('admin');
  });

  it('works with a bearer token, and with impersonation where that is allowed', async () => {
    expect(await whoAmI(await clientWith({ user: { token: tokens.one } }))).to.equal(accountName('one'));
    const files = { 'client-certificate': 'certificates/admin.crt', 'client-key': 'certificates/admin.key' };
    expect(await whoAmI(await clientWith({ user: { ...files, as: 'bob' } }))).to.equal('bob');
  });

  it('follows a token file, with or without a newline at its end, and tolerates its absence', async () => {
    const file = path.join(api.dir, 'token');
    await writeFile(file, `${tokens.one}\n`);
    const client = await clientWith({ user: { tokenFile: 'token' } });
    expect(await whoAmI(client)).to.equal(accountName('one'));
    await writeFile(file, '');
    expect(await whoAmI(client)).to.equal(accountName('one'));
    await writeFile(file, tokens.two);
    await eventually(async () => (await whoAmI(client)) === accountName('two'));
  });

  describe('by an exec plugin', () => {
    interface Plugin {
      readonly user: object;
      /** The output of the first run, and of each later one. */
      readonly prints: (first: object | string, then?: object | string) => Promise<void>;
      /** The number of runs. */
      readonly runs: () => Promise<number>;
    }

    async function plugin(): Promise<Plugin> {
      const file = (name: string): string => path.join(api.dir, name);
      const textOf = (status: object | string): string =>
        typeof status === 'string' ? status : JSON.stringify({ apiVersion, kind: 'ExecCredential', status });
      await writeFile(file('runs'), '');
      await writeFile(file('plugin.sh'), script, { mode: 0o755 });
      const env = [{ name: 'GREETING', value: 'hello' }];
      return {
        user: { exec: { apiVersion, command: './plugin.sh', args: ['argument'], env, interactiveMode: 'IfAvailable' } },
        prints: async (first, then = first) => {
          await writeFile(file('next'), textOf(then));
          await writeFile(file('first'), textOf(first));
        },
        runs: async () => (await readFile(file('runs'), 'utf8')).split('\n').length - 1,
      };
    }

    it('passes it the request, and runs it once for as long as its credential is valid', async () => {
      const { user, prints, runs } = await plugin();
      await prints({ token: tokens.one, expirationTimestamp: new Date(Date.now() + 3_600_000).toISOString() });
      const client = await clientWith({ user });
      for (let count = 0; count < 3; count += 1) expect(await whoAmI(client)).to.equal(accountName('one'));
      expect(await runs()).to.equal(1);
      const received = await readFile(path.join(api.dir, 'runs'), 'utf8');
      expect(received).to.equal(
        `${JSON.stringify({ apiVersion, kind: 'ExecCredential', spec: { interactive: false } })}argumenthello\n`,
      );
    });

    it('runs it again once its credential has expired', async () => {
      const { user, prints } = await plugin();
      await prints({ token: tokens.one, expirationTimestamp: new Date(Date.now() + 500).toISOString() });
      const client = await clientWith({ user });
      expect(await whoAmI(client)).to.equal(accountName('one'));
      await prints({ token: tokens.two });
      await eventually(async () => (await whoAmI(client)) === accountName('two'));
    });

    it('runs it again, once, when the API server refuses its credential: for many requests together, and for a watch', async () => {
      const { user, prints, runs } = await plugin();
      await prints({ token: 'revoked' }, { token: tokens.one });
      const client = await clientWith({ user });
      const everyone = await Promise.all([whoAmI(client), whoAmI(client), whoAmI(client)]);
      expect(everyone).to.deep.equal(Array(3).fill(accountName('one')));
      expect(await runs()).to.equal(2);

      await prints({ token: 'revoked' }, { token: tokens.one });
      const watching = (await clientWith({ user })).watch(namespaces, { timeoutSeconds: 1 });
      // An authenticated client is refused with 403, which shows that the API server accepted its identity.
      expect((await thrownBy(watching.next())).message).to.include('403 Forbidden');
      expect(await runs()).to.equal(4);
    });

    it('fails while it returns wrong credentials, and recovers afterwards', async () => {
      const { user, prints } = await plugin();
      await prints({ token: 'revoked' });
      const client = await clientWith({ user });
      expect((await thrownBy(whoAmI(client))).message).to.include('401 Unauthorized');
      await prints({ token: tokens.one });
      await eventually(async () => (await whoAmI(client).catch(() => '')) === accountName('one'));
    });

    it('accepts a client certificate from it', async () => {
      const { user, prints } = await plugin();
      const pem = (name: string): Promise<string> => readFile(path.join(api.dir, 'certificates', name), 'utf8');
      await prints({ clientCertificateData: await pem('admin.crt'), clientKeyData: await pem('admin.key') });
      expect(await whoAmI(await clientWith({ user }))).to.equal('admin');
    });

    const faults: readonly (readonly [string, object | string, string])[] = [
      ['no JSON', 'hush', 'printed no ExecCredential with a status'],
      ['no status', '{"kind":"ExecCredential","token":"hush"}', 'printed no ExecCredential with a status'],
      ['another version', '{"apiVersion":"v1","kind":"ExecCredential","status":{"token":"hush"}}', 'with another apiVersion'],
      ['no credentials', { password: 'hush' }, 'neither a token nor a certificate'],
      ['an expiry that is not a time', { token: 'hush', expirationTimestamp: 'soon' }, 'expirationTimestamp that is not a time'],
    ];
    for (const [fault, printed, message] of faults)
      it(`names the fault if it prints ${fault}, without quoting the output`, async () => {
        const { user, prints } = await plugin();
        await prints(printed);
        const error = await thrownBy(whoAmI(await clientWith({ user })));
        expect(error.message)
          .to.include(`exec plugin ${path.join(api.dir, 'plugin.sh')} `)
          .and.to.include(message);
        expect(error.message).not.to.include('hush');
      });

    it('shows its standard error if it fails, and the install hint if it is missing', async () => {
      const failing = { apiVersion, command: 'sh', args: ['-c', 'echo "please log in" >&2; exit 3'] };
      expect((await thrownBy(whoAmI(await clientWith({ user: { exec: failing } })))).message).to.include(
        'exec plugin sh: ended with exit code 3: please log in',
      );
      const absent = { apiVersion, command: 'no-such-plugin', installHint: 'Install it.' };
      expect((await thrownBy(whoAmI(await clientWith({ user: { exec: absent } })))).message).to.include(
        'exec plugin no-such-plugin: program not found. Install it.',
      );
      const asking = { apiVersion, command: 'sh', interactiveMode: 'Always' };
      expect((await thrownBy(whoAmI(await clientWith({ user: { exec: asking } })))).message).to.include('needs a terminal');
    });
  });

  it('is retried and logged by the controller until it succeeds, without showing a secret', async () => {
    const wrong = 'a-wrong-token-to-look-for';
    const file = path.join(api.dir, 'token');
    await writeFile(file, wrong);
    const kubeconfig = await writeAccess(api, { user: { tokenFile: 'token' } });
    const controller = await ControllerProcess.start({ kubeconfig, args: ['--log-level=debug', '--namespace=default'] });
    await controller.logged(({ error }) => String(error).includes('401 Unauthorized'));
    await api.kubectl('create', 'clusterrolebinding', 'two', '--clusterrole=cluster-admin', '--serviceaccount=default:two');
    await writeFile(file, tokens.two);
    await api.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'create', '-f', '-');
    await controller.ready();
    expect(await controller.stop()).to.equal(0);
    const logs = JSON.stringify(controller.logs);
    expect(logs).not.to.include(wrong).and.not.to.include(tokens.two);
  });
});
