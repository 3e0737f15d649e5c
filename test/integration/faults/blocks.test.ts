// Networks that make blocks, with a real API server: what is written about them, and that only the leader makes any.
import { expect } from 'chai';
import { networks } from '../../../src/controller/resource-types.ts';
import { ApiProxy } from '../../support/fakes/api-proxy.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const name = 'alice';

describe('a network that makes blocks', function () {
  this.timeout(240_000);
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
    namespace = `blocks-${(count += 1)}`;
    await world.createNamespace(namespace);
  });
  afterEach(async () => {
    for (const controller of controllers.splice(0)) await controller.kill();
    for (const proxy of proxies.splice(0)) await proxy.stop();
  });

  async function start(identity: string): Promise<{ controller: ControllerProcess; proxy: ApiProxy }> {
    const proxy = await ApiProxy.start(world.controlPlane);
    proxies.push(proxy);
    const controller = await ControllerProcess.start({
      kubeconfig: proxy.kubeconfigPath,
      args: ['--namespace', namespace, '--leader-elect', 'true', '--leader-elect-namespace', namespace],
      environment: { POD_NAME: identity },
    });
    controllers.push(controller);
    await controller.ready();
    return { controller, proxy };
  }

  const leads = (controller: ControllerProcess) => controller.logged(({ message }) => message === 'Became leader');
  const addresses = async () => (await world.status(namespace, name)).nodes?.map(({ ip }) => ip) ?? [];
  /** The heights of the blocks that any node made, ascending. */
  const made = async () => (await addresses()).flatMap(ip => world.bitcoind.node(ip).made).sort((a, b) => a - b);
  const untilMade = (blocks: number) => eventually(async () => (await made()).length >= blocks);
  const isRow = (heights: readonly number[]) => heights.every((height, index) => height === index + 1);

  it('has its heights in the status, which is written at most every ten seconds for them', async () => {
    const { controller, proxy } = await start('first');
    await leads(controller);
    await world.declare(namespace, name, {
      nodes: 3,
      topology: { type: 'Ring' },
      blockProduction: { initialBlocks: 101, intervalSeconds: 1 },
    });
    await world.untilCondition(namespace, name, 'BlocksProduced', 'True Producing');
    await world.untilCondition(namespace, name, 'Connected', 'True EdgesConnected');
    const isStatus = (write: string) => write.includes(`/${name}/status`);
    const before = proxy.writes.filter(isStatus).length;
    const first = (await made()).length;
    await untilMade(first + 25);
    expect(proxy.writes.filter(isStatus).length - before).to.be.at.most(4);
    await eventually(async () => ((await world.status(namespace, name)).chain?.height ?? 0) >= first + 10);
    const { nodes = [], blockProduction } = await world.status(namespace, name);
    for (const { height, version } of nodes) expect([height! > 101, version]).to.deep.equal([true, 'Simulated:1.0']);
    expect(blockProduction?.produced).to.be.above(101);
    expect(isRow(await made()), 'each height is made once').to.equal(true);
    expect(await world.condition(namespace, name, 'ChainsAgree')).to.equal('True OneTip');
    expect(await controller.stop()).to.equal(0);
    const events = await world.eventsOf(namespace, name);
    for (const reason of ['InitialBlocksMined', 'BlocksStarted'])
      expect(events.get(reason), JSON.stringify([...events])).to.have.length(1);
    expect(events.get('ForkDetected')).to.equal(undefined);
  });

  it('gets no block from a replica that was frozen past its Lease, and goes on with the next', async () => {
    const first = await start('first');
    await leads(first.controller);
    const second = await start('second');
    await world.declare(namespace, name, { nodes: 3, topology: { type: 'Ring' }, blockProduction: { intervalSeconds: 1 } });
    await world.untilCondition(namespace, name, 'BlocksProduced', 'True Producing');
    await untilMade(3);
    first.controller.freeze();
    await leads(second.controller);
    const taken = (await made()).length;
    await untilMade(taken + 3);
    await second.controller.kill();
    const left = await made();
    // The Lease is still that of the second one: nobody may make a block.
    first.controller.thaw();
    await first.controller.ended();
    expect(first.controller.exitCode).to.equal(1);
    expect(await made()).to.deep.equal(left);
    expect(isRow(left), 'each height is made once').to.equal(true);
    const third = await start('third');
    await leads(third.controller);
    await untilMade(left.length + 2);
    await world.client.patch(
      networks,
      { namespace, name },
      { spec: { blockProduction: { paused: true } } },
      { patchType: 'merge' },
    );
    await world.untilCondition(namespace, name, 'BlocksProduced', 'True Paused');
    const paused = await made();
    expect(isRow(paused)).to.equal(true);
    expect(await third.controller.stop()).to.equal(0);
    const events = await world.eventsOf(namespace, name);
    expect(events.get('BlocksStarted'), JSON.stringify([...events])).to.have.length(1);
  });
});
