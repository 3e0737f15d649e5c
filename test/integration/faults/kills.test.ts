import { expect } from 'chai';
import { networks } from '../../../src/controller/resource-types.ts';
import { ApiProxy, type ProxiedRequest } from '../../support/fakes/api-proxy.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { holds, nodesIn, World } from './world.ts';

/** How many cases run at once: most of a case is the start of two processes, and the machine has two processors. */
const concurrency = 3;

interface Kill {
  readonly when: 'before' | 'after';
  /** The index of the write among those of the process. */
  readonly write: number;
}

const name = 'alice';

/** A change of a network during which the controller is killed, and the events that must exist afterwards. */
interface Step {
  /** The number of nodes before the change. Undefined: the network does not exist. */
  readonly nodesBefore?: number;
  readonly act: (world: World, namespace: string) => Promise<unknown>;
  /** Called between the kill and the restart of the controller. */
  readonly meanwhile?: (world: World, namespace: string) => Promise<unknown>;
  readonly expectEvents: (world: World, namespace: string) => Promise<void>;
  /** Arguments of the controller. */
  readonly args?: readonly string[];
}

const steps: Readonly<Record<string, Step>> = {
  created: {
    act: (world, namespace) => world.createNetwork(namespace, name, 2),
    expectEvents: (world, namespace) => world.expectAllEvents(namespace, name, 2),
  },
  'created, by the newer API of events': {
    act: (world, namespace) => world.createNetwork(namespace, name, 2),
    expectEvents: (world, namespace) => world.expectAllEvents(namespace, name, 2),
    args: ['--events-api', 'events'],
  },
  'created, and scaled before the next one starts': {
    act: (world, namespace) => world.createNetwork(namespace, name, 2),
    meanwhile: (world, namespace) => world.scale(namespace, name, 3),
    expectEvents: async (world, namespace) => {
      const events = await world.eventsOf(namespace, name);
      const label = JSON.stringify([...events]);
      const { spec } = await world.client.get(networks, { namespace, name });
      // The first process or its successor created it.
      const [created = ''] = events.get('StatefulSetCreated') ?? [];
      const isScaled = spec.nodes === 3 && created.includes(' 2 nodes');
      expect(events.get('StatefulSetScaled') ?? [], label).to.have.length(isScaled ? 1 : 0);
      for (const reason of ['ServiceCreated', 'StatefulSetCreated', 'DefaultCredentials'])
        expect(events.get(reason), label).to.have.length(1);
      expect(events.has('PeersConnected'), label).to.equal(true);
    },
  },
  scaled: {
    nodesBefore: 1,
    act: (world, namespace) => world.scale(namespace, name, 2),
    expectEvents: async (world, namespace) => {
      const events = await world.eventsOf(namespace, name);
      const label = JSON.stringify([...events]);
      expect(events.get('StatefulSetScaled'), label).to.deep.equal([`Scaled StatefulSet ${name}-sts from 1 to 2`]);
      expect(nodesIn(events.get('NodeReady')), label).to.deep.equal([`${name}-sts-0`, `${name}-sts-1`]);
      expect(events.get('PeersConnected'), label).to.have.length(2);
      for (const reason of ['ServiceCreated', 'StatefulSetCreated', 'DefaultCredentials'])
        expect(events.get(reason), label).to.have.length(1);
      expect(events.size, label).to.equal(6);
    },
  },
  repaired: {
    nodesBefore: 1,
    act: (world, namespace) => world.controlPlane.kubectl('delete', 'service', `${name}-svc`, '--namespace', namespace),
    expectEvents: async (world, namespace) => {
      const events = await world.eventsOf(namespace, name);
      const label = JSON.stringify([...events]);
      expect(events.get('ServiceCreated'), label).to.have.length(2);
      expect([...events.values()].flat(), label).to.have.length(6);
    },
  },
};

describe('a controller that is killed and restarted', function () {
  this.timeout(300_000);
  let world: World;
  before(async () => {
    world = await World.start();
  });
  after(() => world.stop());

  /**
   * Runs one step with a controller that is killed at one of its writes, and then with its successor.
   * @returns the writes of the first controller, and whether it was killed
   */
  async function play(namespace: string, step: Step, kill?: Kill): Promise<{ writes: readonly string[]; wasKilled: boolean }> {
    await world.createNamespace(namespace);
    const proxy = await ApiProxy.start(world.controlPlane);
    const start = async () => {
      const started = await ControllerProcess.start({
        kubeconfig: proxy.kubeconfigPath,
        args: ['--namespace', namespace, ...(step.args ?? [])],
      });
      await started.ready();
      return started;
    };
    let controller = await start();
    try {
      if (step.nodesBefore !== undefined) await prepared(namespace, step.nodesBefore);
      const firstWrite = proxy.writeCount;
      let killed: Promise<void> | undefined;
      const killAt = (when: Kill['when']) => (request: ProxiedRequest) => {
        if (kill?.when !== when || !request.isWrite || request.writesBefore !== firstWrite + kill.write) return 'pass';
        killed = controller.kill();
        return 'vanish';
      };
      proxy.onRequest = killAt('before');
      proxy.onWritten = killAt('after');
      await step.act(world, namespace);
      await eventually(async () => killed !== undefined || (await holds(step.expectEvents(world, namespace))));
      await killed;
      if (killed !== undefined) await step.meanwhile?.(world, namespace);
      proxy.onRequest = proxy.onWritten = () => 'pass';
      const writes = proxy.writes.slice(firstWrite);
      if (controller.hasEnded) controller = await start();
      await world.untilRight(namespace, name);
      expect(await controller.stop()).to.equal(0);
      await step.expectEvents(world, namespace);
      return { writes, wasKilled: killed !== undefined };
    } finally {
      await controller.kill();
      await proxy.stop();
    }
  }

  /** Creates a network and waits until it is complete and all of its events exist. */
  async function prepared(namespace: string, nodes: number): Promise<void> {
    await world.createNetwork(namespace, name, nodes);
    await world.untilRight(namespace, name);
    await eventually(() => holds(world.expectAllEvents(namespace, name, nodes)));
  }

  for (const [what, step] of Object.entries(steps))
    it(`loses and duplicates no event of a network that is ${what}, whichever write it is killed at, and completes the change`, async () => {
      const prefix = what.replaceAll(/[^a-z0-9]+/g, '-');
      const { writes } = await play(`${prefix}-undisturbed`, step);
      const kills = writes.flatMap((_, write): Kill[] => [
        { when: 'before', write },
        { when: 'after', write },
      ]);
      let killed = 0;
      const worker = async (): Promise<void> => {
        for (let kill = kills.shift(); kill !== undefined; kill = kills.shift())
          if ((await play(`${prefix}-${kill.when}-${kill.write}`, step, kill)).wasKilled) killed += 1;
      };
      const count = kills.length;
      await Promise.all(Array.from({ length: concurrency }, worker));
      // Nodes that become ready together need one write less, so another run may not reach the last write of this one.
      expect(killed)
        .to.be.within(count - 4, count)
        .and.above(0);
    });
});
