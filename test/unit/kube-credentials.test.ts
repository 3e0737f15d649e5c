import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import FakeTimers from '@sinonjs/fake-timers';
import { expect } from 'chai';
import type { KubeClient } from '../../src/kube-client.ts';
import { KubeCredentials } from '../../src/kube-credentials.ts';
import { FakeApiServer, kubeConfigFor, pods, thrownBy } from '../support/fake-api-server.ts';
import { until } from '../support/until.ts';

const apiVersion = 'client.authentication.k8s.io/v1';
const at = { namespace: 'default', name: 'x' };
/** Notes that it runs, and goes on when the test lets it. */
const slowScript = `cd "$(dirname "$0")"
echo run >>runs
until [ -e answer ]; do sleep 0.01; done
cat answer
`;
/** Does not end when it is told to. */
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
  const letItAnswer = (): Promise<void> => writeFile(file('answer'), printed());
  const runs = async (): Promise<number> => (await readFile(file('runs'), 'utf8')).split('\n').length - 1;

  it('come from one run of it, however slow, for all who ask meanwhile', async () => {
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

  it('come from the run that is under way when older ones are refused meanwhile', async () => {
    const credentials = new KubeCredentials(await kubeConfigWith(slowScript), new AbortController().signal);
    const first = credentials.current();
    await until(() => existsSync(file('runs')));
    credentials.forget();
    const second = credentials.current();
    await letItAnswer();
    await Promise.all([first, second]);
    expect(await runs()).to.equal(1);
  });

  it('are asked for again after it failed', async () => {
    const credentials = new KubeCredentials(await kubeConfigWith('exit 1'), new AbortController().signal);
    expect((await thrownBy(credentials.current())).message).to.equal('exec plugin sh: ended with exit code 1');
    await writeFile(file('plugin.sh'), `echo '${printed()}'`);
    expect((await credentials.current()).headers).to.deep.equal({ Authorization: 'Bearer token' });
  });

  it('are waited for no longer when the client is closed: a plugin that hangs is killed', async () => {
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
