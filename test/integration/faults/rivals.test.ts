import { expect } from 'chai';
import { statefulSets } from '../../../src/controller/resource-types.ts';
import { AuditLog } from '../../support/cluster/audit-log.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const nodes = 3;

describe('two controllers by mistake, without leader election', function () {
  this.timeout(0);
  let world: World;
  before(async () => {
    world = await World.start();
  });
  after(() => world.stop());

  /** Runs two controllers in the namespace during `during`. Each may have arguments of its own. */
  async function withTwo(namespace: string, args: readonly (readonly string[])[], during: () => Promise<void>): Promise<void> {
    await world.createNamespace(namespace);
    const kubeconfig = world.controlPlane.kubeconfigPath;
    const start = (more: readonly string[]) =>
      ControllerProcess.start({ kubeconfig, args: ['--namespace', namespace, '--recheck-seconds', '1', ...more] });
    const controllers = await Promise.all(args.map(start));
    try {
      await Promise.all(controllers.map(controller => controller.ready()));
      await during();
      expect(await Promise.all(controllers.map(controller => controller.stop()))).to.deep.equal([0, 0]);
    } finally {
      await Promise.all(controllers.map(controller => controller.kill()));
    }
  }

  /** Resolves when both controllers have asked each node for its peers so many more times. */
  async function rechecks(times: number): Promise<void> {
    const asked = () =>
      [...world.bitcoind.nodes.values()].reduce((sum, { calls }) => sum + (calls.get('getaddednodeinfo') ?? 0), 0);
    const enough = asked() + times * 2 * nodes;
    await eventually(() => asked() >= enough);
  }

  it('bring a network up together, emit each of its events once, and then write nothing', async () => {
    const log = new AuditLog(world.controlPlane.auditLogPath, 'bitcoin-controller/');
    await withTwo('same', [[], []], async () => {
      await world.createNetwork('same', 'alice', nodes);
      await world.untilRight('same', 'alice');
      await rechecks(3);
      await log.read();
      await rechecks(3);
      expect((await log.read()).writes).to.equal(0);
    });
    await world.expectAllEvents('same', 'alice', nodes);
  });

  it('that want different images back off after a few changes each, and emit an event about it', async () => {
    const images = ['one', 'two'].map(image => ['--bitcoind-image', image]);
    await withTwo('other', images, async () => {
      await world.createNetwork('other', 'bob', nodes);
      await eventually(async () => (await world.eventsOf('other', 'bob')).has('RepairContested'));
    });
    const { metadata } = await world.client.get(statefulSets, { namespace: 'other', name: 'bob-sts' });
    // One write creates it, five of each controller change it, and one of each follows after the backoff.
    expect(metadata?.generation).to.be.at.most(20);
  });
});
