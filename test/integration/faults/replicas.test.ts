import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { ApiProxy } from '../../support/fakes/api-proxy.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { holds, World } from './world.ts';

const clock = path.resolve(import.meta.dirname, '../../support/fakes/shifted-clock.ts');
const dayMs = 86_400_000;
/** A time within the backoff before the second attempt, after the answer to the first one has arrived. */
const freezeAfterMs = 500;

describe('replicas of the controller', function () {
  this.timeout(180_000);
  let world: World;
  let namespace: string;
  let count = 0;
  const proxies: ApiProxy[] = [];
  const controllers: ControllerProcess[] = [];

  before(async () => {
    world = await World.start();
  });
  after(() => world.stop());
  beforeEach(async () => {
    namespace = `replicas-${(count += 1)}`;
    await world.createNamespace(namespace);
  });
  afterEach(async () => {
    for (const controller of controllers.splice(0)) await controller.kill();
    for (const proxy of proxies.splice(0)) await proxy.stop();
  });

  /** A replica with a proxy of its own to the API server, which records its writes. */
  async function start(
    identity: string,
  ): Promise<{ controller: ControllerProcess; proxy: ApiProxy; setClock: (offsetMs: number) => Promise<void> }> {
    const proxy = await ApiProxy.start(world.controlPlane);
    proxies.push(proxy);
    const clockFile = path.join(world.controlPlane.dir, `${namespace}-${identity}.clock`);
    await writeFile(clockFile, '0');
    const controller = await ControllerProcess.start({
      kubeconfig: proxy.kubeconfigPath,
      args: ['--namespace', namespace, '--leader-elect', 'true', '--leader-elect-namespace', namespace],
      environment: { POD_NAME: identity, CLOCK_OFFSET_FILE: clockFile },
      nodeArgs: ['--import', clock],
    });
    controllers.push(controller);
    await controller.ready();
    const setClock = async (offsetMs: number): Promise<void> => {
      await writeFile(clockFile, String(offsetMs));
      process.kill(controller.pid, 'SIGUSR2');
    };
    return { controller, proxy, setClock };
  }

  const leads = (controller: ControllerProcess) => controller.logged(({ message }) => message === 'Became leader');
  const holder = () =>
    world.controlPlane.kubectl(
      'get',
      'lease',
      'bitcoin-controller',
      '--namespace',
      namespace,
      '--output=jsonpath={.spec.holderIdentity}',
    );

  it('write nothing more after being frozen past their lease in the middle of a write; another replica has taken over', async () => {
    const first = await start('first');
    await leads(first.controller);
    const second = await start('second');
    first.proxy.onRequest = ({ path: target, isWrite }) => {
      if (!isWrite || !target.includes('/statefulsets')) return 'pass';
      first.controller.freeze();
      return 'vanish';
    };
    await world.createNetwork(namespace, 'alice', 2);
    await leads(second.controller);
    await world.untilRight(namespace, 'alice');
    await world.scale(namespace, 'alice', 3);
    await world.untilRight(namespace, 'alice');
    const written = first.proxy.writes.length;
    first.controller.thaw();
    await first.controller.ended();
    expect(first.controller.exitCode).to.equal(1);
    // It emits an event that it stopped leading, and the events that it could not write before. It writes nothing else.
    expect(first.proxy.writes.slice(written).filter(write => !write.endsWith('/events'))).to.deep.equal([]);
    expect(await holder()).to.equal('second');
    expect(await second.controller.stop()).to.equal(0);
    await world.untilRight(namespace, 'alice');
    const events = await world.eventsOf(namespace, 'alice');
    for (const reason of ['ServiceCreated', 'StatefulSetCreated', 'DefaultCredentials', 'StatefulSetScaled'])
      expect(events.get(reason), JSON.stringify([...events])).to.have.length(1);
    expect(events.get('PeersConnected'), JSON.stringify([...events])).to.have.length(2);
  });

  it('do not retry a write after being frozen past their lease during the backoff', async () => {
    const first = await start('first');
    await leads(first.controller);
    const second = await start('second');
    let isRefused = false;
    first.proxy.onRequest = ({ path: target, isWrite }) => {
      if (!isWrite || isRefused || !target.includes('/statefulsets')) return 'pass';
      isRefused = true;
      setTimeout(() => first.controller.freeze(), freezeAfterMs);
      return { status: 429, reason: 'TooManyRequests', headers: { 'Retry-After': '2' } };
    };
    await world.createNetwork(namespace, 'alice', 2);
    await leads(second.controller);
    await world.untilRight(namespace, 'alice');
    const written = first.proxy.writes.length;
    first.controller.thaw();
    await first.controller.ended();
    expect(first.controller.exitCode).to.equal(1);
    expect(first.proxy.writes.slice(written).filter(write => !write.endsWith('/events'))).to.deep.equal([]);
    const events = await world.eventsOf(namespace, 'alice');
    expect(events.get('ReconcileFailed'), JSON.stringify([...events])).to.equal(undefined);
    expect(await second.controller.stop()).to.equal(0);
  });

  it('hand over without a lost or duplicated event when the leader receives SIGTERM in the middle of its work', async () => {
    const first = await start('first');
    await leads(first.controller);
    const second = await start('second');
    await world.createNetwork(namespace, 'alice', 2);
    await eventually(() => first.proxy.writes.some(write => write.includes('/statefulsets')));
    expect(await first.controller.stop()).to.equal(0);
    await leads(second.controller);
    await world.untilRight(namespace, 'alice');
    await eventually(() => holds(world.expectAllEvents(namespace, 'alice', 2)));
    expect(await second.controller.stop()).to.equal(0);
    await world.expectAllEvents(namespace, 'alice', 2);
  });

  it('keep working, keep their lease and emit each event once when the wall clock jumps forward and backward', async () => {
    const first = await start('first');
    await leads(first.controller);
    const second = await start('second');
    await world.createNetwork(namespace, 'alice', 1);
    await eventually(() => holds(world.expectAllEvents(namespace, 'alice', 1)));
    let nodes = 1;
    for (const offsetMs of [dayMs, -2 * dayMs, 0]) {
      for (const { setClock } of [first, second]) await setClock(offsetMs);
      const day = new Date(Date.now() + offsetMs).toISOString().slice(0, 10);
      nodes += 1;
      await world.scale(namespace, 'alice', nodes);
      await world.untilRight(namespace, 'alice');
      await first.controller.logged(({ timestamp, reason }) => String(timestamp).startsWith(day) && reason === 'PeersConnected');
      expect(await holder()).to.equal('first');
    }
    expect(second.proxy.writes).to.deep.equal([]);
    expect(await first.controller.stop()).to.equal(0);
    const events = await world.eventsOf(namespace, 'alice');
    expect(events.get('StatefulSetScaled')).to.have.members(
      [1, 2, 3].map(before => `Scaled StatefulSet alice-sts from ${before} to ${before + 1}`),
    );
    expect(events.get('PeersConnected'), JSON.stringify([...events])).to.have.length(4);
  });
});
