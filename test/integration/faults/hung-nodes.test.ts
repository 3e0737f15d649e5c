import { expect } from 'chai';
import { networks, statefulSets } from '../../../src/controller/resource-types.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { World } from './world.ts';

/** How much longer a change may take while a node hangs. */
const addedMs = 100;
const rounds = 8;

describe('a bitcoind that hangs', function () {
  this.timeout(180_000);
  const namespace = 'hung';
  let world: World;
  let controller: ControllerProcess;

  before(async () => {
    world = await World.start();
    await world.createNamespace(namespace);
    // With one worker, anything that one network waits for would delay all others.
    controller = await ControllerProcess.start({
      kubeconfig: world.controlPlane.kubeconfigPath,
      args: ['--namespace', namespace, '--recheck-seconds', '1', '--concurrency', '1'],
    });
    await controller.ready();
    for (const name of ['alice', 'bob']) await world.createNetwork(namespace, name, 2);
    for (const name of ['alice', 'bob']) await world.untilRight(namespace, name);
  });
  after(async () => {
    await controller.kill();
    await world.stop();
  });

  /** Scales the network. Returns the milliseconds until its StatefulSet is scaled. */
  async function scale(name: string, nodes: number): Promise<number> {
    await world.scale(namespace, name, nodes);
    const startMs = performance.now();
    for (;;) {
      const { spec } = await world.client.get(statefulSets, { namespace, name: `${name}-sts` });
      if (spec?.replicas === nodes) return performance.now() - startMs;
    }
  }

  /** The shortest of several times, because other work of the machine only makes them longer. */
  async function shortestScaling(name: string): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) times.push(await scale(name, round % 2 === 0 ? 3 : 2));
    return Math.min(...times);
  }

  it('delays neither the scaling of its own network nor that of another one', async () => {
    const measure = async () => ({ alice: await shortestScaling('alice'), bob: await shortestScaling('bob') });
    const before = await measure();
    await world.untilRight(namespace, 'alice');
    const { status } = await world.client.get(networks, { namespace, name: 'alice' });
    const node = world.bitcoind.node(status?.nodes?.[1]?.ip ?? '');
    node.fault = 'hang';
    await world.untilCondition(namespace, 'alice', 'Connected', 'False PeerConnectFailed');
    const hung = await measure();
    node.fault = undefined;
    await world.untilRight(namespace, 'alice');
    // Before and after: the machine may have got other work meanwhile.
    const after = await measure();
    const label = JSON.stringify({ before, hung, after });
    for (const name of ['alice', 'bob'] as const)
      expect(hung[name], label).to.be.below(Math.max(before[name], after[name]) + addedMs);
  });
});
