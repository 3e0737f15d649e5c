import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'chai';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { KubeCredentials } from '../../../../src/kube/auth/credentials.ts';
import { FakeApiServer, kubeConfigFor, pods, thrownBy } from '../../../support/fakes/fake-api-server.ts';
import { until } from '../../../support/until.ts';

const apiVersion = 'client.authentication.k8s.io/v1';
const at = { namespace: 'default', name: 'x' };
/** Records that it runs, and waits until the test lets it continue. */
const slowScript = `cd "$(dirname "$0")"
echo run >>runs
until [ -e answer ]; do sleep 0.01; done
cat answer
`;
/** Ignores SIGTERM. */
const hangingScript = `cd "$(dirname "$0")"
trap '' TERM
echo $$ >pid.new
mv pid.new pid
exec sleep 60
`;

describe('credentials from an exec plugin', () => {
  let folder: string;
  let server: FakeApiServer;
  const file = (name: string): string => path.join(folder, name);
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kube-credentials-test-'));
    server = await FakeApiServer.start();
  });
  afterEach(async () => {
    await server.stop();
    await rm(folder, { recursive: true });
  });

  async function kubeConfigWith(script: string): Promise<ReturnType<typeof kubeConfigFor>> {
    await writeFile(file('plugin.sh'), script);
    return kubeConfigFor(server.url, { exec: { apiVersion, command: 'sh', args: [file('plugin.sh')] } });
  }
  const printed = (fields: object = {}): string =>
    JSON.stringify({ apiVersion, kind: 'ExecCredential', status: { token: 'token', ...fields } });
  const letItAnswer = async (): Promise<void> => {
    await writeFile(file('answer.new'), printed());
    await rename(file('answer.new'), file('answer'));
  };
  const runs = async (): Promise<number> => (await readFile(file('runs'), 'utf8')).split('\n').length - 1;

  it('come from one run of the plugin for all concurrent requests, however slow it is', async () => {
    const clock = FakeTimers.install({ toFake: ['performance'] });
    try {
      const client: KubeClient = server.client({ kubeConfig: await kubeConfigWith(slowScript) });
      const first = client.get(pods, at);
      await until(() => existsSync(file('runs')));
      clock.tick(5_000);
      const second = client.get(pods, at);
      clock.tick(5_000);
      await letItAnswer();
      await Promise.all([first, second]);
      expect(await runs()).to.equal(1);
    } finally {
      clock.uninstall();
    }
  });

  it('come from the current run when older ones are refused meanwhile', async () => {
    const credentials = new KubeCredentials(await kubeConfigWith(slowScript), new AbortController().signal);
    const first = credentials.current();
    await until(() => existsSync(file('runs')));
    credentials.forget();
    const second = credentials.current();
    await letItAnswer();
    await Promise.all([first, second]);
    expect(await runs()).to.equal(1);
  });

  it('are requested again after a failure', async () => {
    const credentials = new KubeCredentials(await kubeConfigWith('exit 1'), new AbortController().signal);
    expect((await thrownBy(credentials.current())).message).to.equal('exec plugin sh: ended with exit code 1');
    await writeFile(file('plugin.sh'), `echo '${printed()}'`);
    expect((await credentials.current()).headers).to.deep.equal({ Authorization: 'Bearer token' });
  });

  it('are accepted when the plugin prints null for absent fields', async () => {
    const credentialsOf = async (fields: object) =>
      new KubeCredentials(
        await kubeConfigWith(`echo '${printed({ expirationTimestamp: null, ...fields })}'`),
        new AbortController().signal,
      ).current();
    expect((await credentialsOf({})).headers).to.deep.equal({ Authorization: 'Bearer token' });
    const certificate = { token: null, clientCertificateData: 'cert', clientKeyData: 'key' };
    expect(await credentialsOf(certificate)).to.deep.include({ headers: {} });
    const nothing = new KubeCredentials(
      await kubeConfigWith(`echo '${JSON.stringify({ apiVersion, kind: 'ExecCredential', status: null })}'`),
      new AbortController().signal,
    );
    expect((await thrownBy(nothing.current())).message).to.include('printed no ExecCredential with a status');
  });

  it('are not requested if the kubeconfig has a token, a password or a certificate', async () => {
    const kubeConfig = await kubeConfigWith('exit 1');
    const [user] = kubeConfig.users;
    const headersOf = async (fields: object) => {
      kubeConfig.users = [{ ...user!, ...fields }];
      return (await new KubeCredentials(kubeConfig, new AbortController().signal).current()).headers;
    };
    expect(await headersOf({ token: 'static' })).to.deep.equal({ Authorization: 'Bearer static' });
    expect(await headersOf({ username: 'u', password: 'p' })).to.deep.equal({ Authorization: `Basic ${btoa('u:p')}` });
    expect(await headersOf({ certData: 'eA==', keyData: 'eA==' })).to.deep.equal({});
    await writeFile(file('token'), 'of the file');
    const authProvider = { name: 'tokenFile', config: { tokenFile: file('token') } };
    expect(await headersOf({ authProvider })).to.deep.equal({ Authorization: 'Bearer of the file' });
    expect((await thrownBy(headersOf({ certData: 'eA==' }))).message).to.equal('exec plugin sh: ended with exit code 1');
  });

  it("are requested with the cluster's CA, also from a file, if the plugin asks for cluster info", async () => {
    await writeFile(file('ca.crt'), 'an authority');
    await writeFile(file('plugin.sh'), `cd "$(dirname "$0")"; echo "$KUBERNETES_EXEC_INFO" >info; echo '${printed()}'`);
    const exec = { apiVersion, command: 'sh', args: [file('plugin.sh')], provideClusterInfo: true };
    const kubeConfig = kubeConfigFor(server.url, { exec });
    kubeConfig.clusters = kubeConfig.clusters.map(cluster => ({ ...cluster, caFile: file('ca.crt') }));
    await new KubeCredentials(kubeConfig, new AbortController().signal).current();
    const info = JSON.parse(await readFile(file('info'), 'utf8')) as { spec: { cluster: object } };
    expect(info.spec.cluster).to.deep.equal({
      server: server.url,
      'insecure-skip-tls-verify': true,
      'certificate-authority-data': btoa('an authority'),
    });
  });

  it('are not awaited after the client is closed: a hanging plugin is killed', async () => {
    const client = server.client({ kubeConfig: await kubeConfigWith(hangingScript) });
    const call = thrownBy(client.get(pods, at));
    await until(() => existsSync(file('pid')));
    const pid = Number(await readFile(file('pid'), 'utf8'));
    await client.close();
    expect((await call).message).to.equal('get pods default/x: exec plugin sh: the Kubernetes client is closed');
    await until(() => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    });
  });
});
