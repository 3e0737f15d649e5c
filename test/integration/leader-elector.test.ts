import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { eventually } from '../support/until.ts';

const program = path.join(import.meta.dirname, '../support/processes/elector-process.ts');

interface Replica {
  readonly process: ChildProcess;
  readonly said: string[];
}

describe('LeaderElector with a real API server', () => {
  let controlPlane: TestControlPlane;
  let replicas: Replica[];
  before(async () => {
    controlPlane = await startControlPlane();
  });
  after(() => controlPlane.stop());
  beforeEach(() => {
    replicas = [];
  });
  afterEach(() => {
    for (const { process } of replicas) process.kill('SIGKILL');
  });

  function start(namespace: string, identity: string): Replica {
    const child = spawn(process.execPath, [program, controlPlane.kubeconfigPath, namespace, identity], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const said: string[] = [];
    createInterface({ input: child.stdout }).on('line', line => said.push(line));
    const replica = { process: child, said };
    replicas.push(replica);
    return replica;
  }

  const holder = (namespace: string) =>
    controlPlane.kubectl('get', 'lease', 'lease', `--namespace=${namespace}`, '--output=jsonpath={.spec.holderIdentity}');
  const writer = (namespace: string) =>
    controlPlane.kubectl('get', 'configmap', 'work', `--namespace=${namespace}`, '--output=jsonpath={.data.writer}');

  it('prevents all writes of a leader that was frozen past its lease', async () => {
    await controlPlane.kubectl('create', 'namespace', 'frozen');
    const first = start('frozen', 'first');
    await eventually(() => first.said.includes('leads'));
    await eventually(async () => (await writer('frozen').catch(() => '')) === 'first');
    const second = start('frozen', 'second');
    await eventually(() => second.said.includes('waits'));
    first.process.kill('SIGSTOP');
    await eventually(async () => second.said.includes('leads') && (await writer('frozen')) === 'second');
    first.process.kill('SIGCONT');
    await eventually(() => first.said.includes('LeaseLostError'));
    expect(await writer('frozen')).to.equal('second');
    expect(await holder('frozen')).to.equal('second');
    expect(second.said).to.deep.equal(['waits', 'leads']);
  });

  it('releases the lease on shutdown to the waiting replica', async () => {
    await controlPlane.kubectl('create', 'namespace', 'released');
    const first = start('released', 'first');
    await eventually(() => first.said.includes('leads'));
    first.process.stdin?.end();
    await eventually(() => first.process.exitCode === 0);
    expect(first.said).to.deep.equal(['waits', 'leads', 'stopped']);
    expect(await holder('released')).to.equal('');
    const second = start('released', 'second');
    await eventually(() => second.said.includes('leads'));
    expect(await holder('released')).to.equal('second');
  });

  it('stops leading when the API server is down for longer than the renew deadline; the next replica takes over afterwards', async () => {
    await controlPlane.kubectl('create', 'namespace', 'outage');
    const only = start('outage', 'only');
    await eventually(() => only.said.includes('leads'));
    await controlPlane.stopApiServer('abruptly');
    await eventually(() => only.said.includes('LeaseLostError'));
    await eventually(() => only.process.exitCode === 0);
    await controlPlane.startApiServer();
    const next = start('outage', 'next');
    await eventually(() => next.said.includes('leads'));
    expect(await holder('outage')).to.equal('next');
  });
});
