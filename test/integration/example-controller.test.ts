// The example controller against a real API server: what it records is what kubectl shows, also of what it recorded last.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect } from 'chai';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { eventually } from '../support/until.ts';

const runner = path.resolve(import.meta.dirname, '..', '..', 'tools', 'example.ts');
const label = 'app.kubernetes.io/name';

describe('the example controller', () => {
  let controlPlane: TestControlPlane;
  let child: ChildProcess;
  let output = '';
  before(async function () {
    this.timeout(0);
    controlPlane = await startControlPlane();
    await controlPlane.kubectl('create', 'namespace', 'shop');
  });
  after(async () => {
    await controlPlane.stop();
  });
  beforeEach(async () => {
    output = '';
    child = spawn(
      process.execPath,
      [runner, 'unlabelled-config-maps', '--kubeconfig', controlPlane.kubeconfigPath, '--namespace', 'shop'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
    await eventually(() => output.includes('Watching ConfigMaps') || child.exitCode !== null);
  });
  afterEach(() => {
    child.kill('SIGKILL');
  });

  const create = (name: string): Promise<string> => controlPlane.kubectl('-n', 'shop', 'create', 'configmap', name);
  const describeOf = (name: string): Promise<string> => controlPlane.kubectl('-n', 'shop', 'describe', 'configmap', name);
  const ended = async (signal: NodeJS.Signals): Promise<number | null> => {
    const exit = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    return (await exit)[0];
  };

  it('records on a ConfigMap without the label an event that kubectl describe shows, and counts on when that stays so', async () => {
    await controlPlane.kubectlWithInput(
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'labelled', labels: { [label]: 'shop' } } }),
      '-n',
      'shop',
      'apply',
      '-f',
      '-',
    );
    await create('unlabelled');
    await eventually(async () => (await describeOf('unlabelled')).includes('LabelMissing'));
    expect(await describeOf('unlabelled')).to.match(
      /Warning +LabelMissing +\S+ +unlabelled-config-maps +It has no label app\.kubernetes\.io\/name/,
    );
    await controlPlane.kubectl('-n', 'shop', 'annotate', 'configmap', 'unlabelled', 'touched=once');
    await eventually(async () => (await describeOf('unlabelled')).includes('(x2 over'));
    await controlPlane.kubectl('-n', 'shop', 'label', 'configmap', 'unlabelled', `${label}=shop`);
    expect(await ended('SIGINT')).to.equal(0);
    expect(await describeOf('labelled')).to.match(/Events: +<none>/);
  });

  it('goes on when the API server was away', async () => {
    await controlPlane.stopApiServer('abruptly');
    await eventually(() => output.includes('The watch failed'));
    await controlPlane.startApiServer();
    await create('after-the-break');
    await eventually(async () => (await describeOf('after-the-break')).includes('LabelMissing'));
    expect(await ended('SIGINT')).to.equal(0);
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`has written what it recorded when ${signal} ends it`, async () => {
      const names = Array.from({ length: 10 }, (_, index) => `${signal.toLowerCase()}-${index}`);
      await Promise.all(names.map(create));
      // It has said all of them to its log; what is not written yet is written by the shutdown.
      await eventually(() => names.every(name => output.includes(`Name:"${name}"`)));
      expect(await ended(signal)).to.equal(0);
      expect(output).to.match(/Ended; of what was still to be written, \d+ delivered, 0 not\n$/);
      const events = await controlPlane.kubectl('-n', 'shop', 'get', 'events', '-o', 'name');
      for (const name of names) expect(events.split('\n').filter(event => event.includes(`event/${name}.`))).to.have.length(1);
    });
  }
});
