// The controller of docs/writing-a-controller.md, compiled in a project that has the packed package, in two replicas against a real API
// server: it records what it should, and goes on after each fault.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { expect } from 'chai';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { ConsumerProject, packedPackage, remove, scratchFolder } from '../support/package/packed-package.ts';
import { eventually } from '../support/until.ts';

const example = path.resolve(import.meta.dirname, '..', '..', 'examples', 'unlabelled-config-maps.ts');
const packages = ['@kubernetes/client-node@2.0.1', 'typescript@6.0.3', '@types/ws@8.18.1'];
const label = 'app.kubernetes.io/name';
const namespace = 'shop';

/** One process of the controller. */
class Replica {
  readonly #child: ChildProcess;
  output = '';

  constructor(program: string, args: readonly string[]) {
    this.#child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get leads(): boolean {
    return this.isRunning && this.output.includes('Started leading');
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends the signal and resolves with the exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.isRunning) return this.#child.exitCode;
    const exit = once(this.#child, 'exit') as Promise<[number | null]>;
    this.send(signal);
    return (await exit)[0];
  }
}

describe('the documented controller, installed from the packed package', function () {
  this.timeout(240_000);
  let folder: string;
  let project: ConsumerProject;
  let controlPlane: TestControlPlane;
  let replicas: Replica[] = [];
  let started = 0;
  before(async function () {
    this.timeout(0);
    folder = scratchFolder();
    controlPlane = await startControlPlane();
    await controlPlane.kubectl('create', 'namespace', namespace);
    const { tarball } = await packedPackage();
    project = await ConsumerProject.create(path.join(folder, 'controller'), [tarball, ...packages]);
    project.copy(example);
    await project.compile(path.basename(example), 'dist', { module: 'nodenext', types: ['node'] });
  });
  after(async () => {
    await Promise.all(replicas.map(replica => replica.end('SIGKILL')));
    await controlPlane.stop();
    remove(folder);
  });
  beforeEach(async () => {
    replicas = replicas.filter(({ isRunning }) => isRunning);
    while (replicas.length < 2) start();
    await eventually(() => replicas.some(({ leads }) => leads));
  });

  function start(): void {
    const program = path.join(project.folder, 'dist', 'unlabelled-config-maps.js');
    const options = { kubeconfig: controlPlane.kubeconfigPath, namespace, identity: `replica-${(started += 1)}` };
    replicas.push(
      new Replica(
        program,
        Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
      ),
    );
  }

  const leader = (): Replica => {
    const [found] = replicas.filter(({ leads }) => leads);
    if (found === undefined) throw new Error('no replica leads');
    return found;
  };
  const inNamespace = (...args: readonly string[]): Promise<string> => controlPlane.kubectl('-n', namespace, ...args);
  const create = (name: string): Promise<string> => inNamespace('create', 'configmap', name);

  /** The counts of the events about a ConfigMap: a replica that becomes leader starts with an event of its own. */
  async function countsOf(name: string): Promise<readonly number[]> {
    const selector = `--field-selector=reason=LabelMissing,involvedObject.name=${name}`;
    const { items } = JSON.parse(await inNamespace('get', 'events', selector, '-o', 'json')) as { items: { count: number }[] };
    return items.map(({ count }) => count);
  }

  /** A ConfigMap without the label gets its event, and changes of it that leave it without are counted. */
  async function expectRecorded(name: string): Promise<void> {
    await eventually(async () => (await countsOf(name)).length > 0);
    for (let change = 1; Math.max(...(await countsOf(name))) < 2; change += 1) {
      const before = (await countsOf(name)).reduce((sum, count) => sum + count);
      await inNamespace('annotate', '--overwrite', 'configmap', name, `change=${change}`);
      await eventually(async () => (await countsOf(name)).reduce((sum, count) => sum + count) > before);
    }
  }

  it('records on a ConfigMap without the label one event, which kubectl describe shows with its count; none on one that has it', async () => {
    const labelled = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'labelled', namespace, labels: { [label]: 'shop' } },
    };
    await controlPlane.kubectlWithInput(JSON.stringify(labelled), 'apply', '-f', '-');
    await create('unlabelled');
    await expectRecorded('unlabelled');
    expect(await countsOf('unlabelled')).to.deep.equal([2]);
    expect(await inNamespace('describe', 'configmap', 'unlabelled')).to.match(
      /Warning +LabelMissing +\S+ \(x2 over \S+\) +unlabelled-config-maps +The label app\.kubernetes\.io\/name is missing/,
    );
    expect(await countsOf('labelled')).to.deep.equal([]);
    expect(replicas.filter(({ leads }) => leads)).to.have.length(1);
  });

  it('goes on with the other replica when the leader is killed', async () => {
    const killed = leader();
    const [other] = replicas.filter(replica => replica !== killed);
    await killed.end('SIGKILL');
    await create('leader-killed');
    await expectRecorded('leader-killed');
    expect(other?.leads).to.equal(true);
  });

  it('goes on when the API server was killed and comes back', async () => {
    await controlPlane.restartApiServer('abruptly');
    await create('server-restarted');
    await expectRecorded('server-restarted');
  });

  it('goes on when etcd was compacted beyond what the watch has seen, and misses nothing of the time between', async () => {
    for (const replica of replicas) replica.send('SIGSTOP');
    await create('compacted');
    await controlPlane.compact();
    await controlPlane.restartApiServer('abruptly');
    for (const replica of replicas) replica.send('SIGCONT');
    await expectRecorded('compacted');
    expect(replicas.some(({ output }) => output.includes('Watch expired, relisting'))).to.equal(true);
    await create('after-compaction');
    await expectRecorded('after-compaction');
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    it(`has written what it recorded when ${signal} ends it, and hands the Lease to the other replica`, async () => {
      const names = Array.from({ length: 10 }, (_, index) => `${signal.toLowerCase()}-${index}`);
      await Promise.all(names.map(create));
      await eventually(async () => (await countsOf(`${signal.toLowerCase()}-9`)).length > 0);
      const ended = leader();
      const [other] = replicas.filter(replica => replica !== ended);
      expect(await ended.end(signal)).to.equal(0);
      expect(ended.output).to.match(/Stopped \{ delivered: \d+, notDelivered: 0 \}\n$/);
      await eventually(() => other?.leads === true);
    });
});
