import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../src/bitcoin/api/bitcoin-network.ts';
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
  /** The network before the change. Undefined: it does not exist. */
  readonly before?: BitcoinNetworkSpec;
  readonly act: (world: World, namespace: string) => Promise<unknown>;
  /** Called between the kill and the restart of the controller. */
  readonly meanwhile?: (world: World, namespace: string) => Promise<unknown>;
  readonly expectEvents: (world: World, namespace: string) => Promise<void>;
  /** Arguments of the controller. */
  readonly args?: readonly string[];
}

/** With an object of each kind. */
const declared: BitcoinNetworkSpec = {
  nodes: 2,
  topology: { type: 'Line' },
  groups: [{ name: 'old', nodes: 1, ordinals: { start: 100 } }],
  services: { rpc: { type: 'ClusterIP' } },
  networkPolicy: {},
  podDisruptionBudget: {},
};

/** Each event of the declared network that came up once, and `more` events by reason. */
async function expectDeclaredEvents(world: World, namespace: string, more: Readonly<Record<string, number>> = {}): Promise<void> {
  const events = await world.eventsOf(namespace, name);
  const label = JSON.stringify([...events]);
  expect(events.get('ResourceCreated')?.sort(), label).to.deep.equal([
    `Created ConfigMap ${name}-conf`,
    `Created NetworkPolicy ${name}-netpol`,
    `Created PodDisruptionBudget ${name}-pdb`,
  ]);
  expect(events.get('ServiceCreated')?.sort(), label).to.deep.equal([
    `Created Service ${name}-rpc`,
    `Created Service ${name}-svc`,
  ]);
  expect(events.get('StatefulSetCreated')?.sort(), label).to.deep.equal([
    `Created StatefulSet ${name}-sts with 1 node`,
    `Created StatefulSet ${name}-sts-old with 1 node`,
  ]);
  expect(nodesIn(events.get('NodeReady')), label).to.deep.equal([`${name}-sts-0`, `${name}-sts-old-100`]);
  const counts = { DefaultCredentials: 1, PeersConnected: 1, ...more };
  for (const [reason, times] of Object.entries(counts)) expect(events.get(reason), `${reason} of ${label}`).to.have.length(times);
  // Recorded after the deletion: a process that is killed in between records none.
  const deletions = ['StatefulSetDeleted', 'ResourceDeleted'];
  for (const reason of deletions) expect(events.get(reason)?.length ?? 0, label).to.be.lessThan(2);
  const known = ['ResourceCreated', 'ServiceCreated', 'StatefulSetCreated', 'NodeReady', ...Object.keys(counts)];
  expect([...events.keys()].filter(reason => !deletions.includes(reason)).sort(), label).to.deep.equal(known.sort());
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
    before: { nodes: 1 },
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
  'created with groups and an object of each kind': {
    act: (world, namespace) => world.declare(namespace, name, declared),
    expectEvents: expectDeclaredEvents,
  },
  'edited so that it has no group any more': {
    before: declared,
    act: (world, namespace) => {
      const patch = { spec: { nodes: 1, groups: null } };
      return world.client.patch(networks, { namespace, name }, patch, { patchType: 'merge' });
    },
    expectEvents: (world, namespace) => expectDeclaredEvents(world, namespace, { NodeStopped: 1, PeersConnected: 2 }),
  },
  repaired: {
    before: { nodes: 1 },
    act: (world, namespace) => world.controlPlane.kubectl('delete', 'service', `${name}-svc`, '--namespace', namespace),
    expectEvents: async (world, namespace) => {
      const events = await world.eventsOf(namespace, name);
      const label = JSON.stringify([...events]);
      expect(events.get('ServiceCreated'), label).to.have.length(2);
      expect([...events.values()].flat(), label).to.have.length(6);
    },
  },
};

/** Much longer than events take. What is wrong then is not on its way any more. */
const publishedMs = 20_000;

describe('a controller that is killed and restarted', function () {
  this.timeout(900_000);
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
      if (step.before !== undefined) await prepared(namespace, step.before);
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
      // Events of a status that was just written are published after it, or by the next process.
      const deadlineMs = performance.now() + publishedMs;
      await eventually(async () => performance.now() > deadlineMs || (await holds(step.expectEvents(world, namespace))));
      expect(await controller.stop()).to.equal(0);
      await step.expectEvents(world, namespace);
      return { writes, wasKilled: killed !== undefined };
    } finally {
      await controller.kill();
      await proxy.stop();
    }
  }

  /** Creates a network and waits until it is complete and all of its events exist. */
  async function prepared(namespace: string, before: BitcoinNetworkSpec): Promise<void> {
    await world.declare(namespace, name, before);
    await world.untilRight(namespace, name);
    const expectEvents = () =>
      before === declared ? expectDeclaredEvents(world, namespace) : world.expectAllEvents(namespace, name, before.nodes);
    await eventually(() => holds(expectEvents()));
  }

  for (const [what, step] of Object.entries(steps))
    it(`loses and duplicates no event of a network that is ${what}, whichever write it is killed at, and completes the change`, async () => {
      const prefix = what.replaceAll(/[^a-z0-9]+/g, '-');
      const { writes } = await play(`${prefix}-undisturbed`, step);
      const kills = writes.flatMap((_, write): Kill[] => [
        { when: 'before', write },
        { when: 'after', write },
      ]);
      const count = kills.length;
      let killed = 0;
      const worker = async (): Promise<void> => {
        for (let kill = kills.shift(); kill !== undefined; kill = kills.shift()) {
          const run = await play(`${prefix}-${kill.when}-${kill.write}`, step, kill);
          if (run.wasKilled) killed += 1;
          // Nodes that become ready together need fewer writes than in the undisturbed run, so a run may end before its write.
          else if (kill.when === 'before') expect(run.writes).to.have.length.at.most(kill.write);
        }
      };
      await Promise.all(Array.from({ length: concurrency }, worker));
      expect(killed, `of these writes: ${writes.join(', ')}`)
        .to.be.at.least(count / 2)
        .and.at.least(2);
    });
});
