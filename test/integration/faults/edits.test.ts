// Networks that are edited faster than the controller brings them up, and a network that needs more connections than bitcoind accepts by
// default: the controller as a process of its own, on a real API server.
import { expect } from 'chai';
import fc from 'fast-check';
import type { BitcoinNetworkSpec } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { networks, pods } from '../../../src/controller/resource-types.ts';
import { AuditLog } from '../../support/cluster/audit-log.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const name = 'alice';

const groupOf = (groupName: string, start: number) =>
  fc.record({
    name: fc.constant(groupName),
    nodes: fc.nat(3),
    ordinals: fc.constant({ start }),
    bitcoinConf: fc.constantFrom([], ['txindex=1'], ['txindex=1', 'maxmempool=6']),
  });

const seed = fc.nat(9);
const topology = fc.oneof(
  fc.constantFrom({ type: 'FullMesh' } as const, { type: 'Ring' } as const, { type: 'Line' } as const, { type: 'None' } as const),
  fc.record({ type: fc.constant('Random' as const), random: fc.record({ degree: fc.integer({ min: 2, max: 4 }) }), seed }),
  fc.record({ type: fc.constant('Random' as const), random: fc.record({ outbound: fc.integer({ min: 1, max: 3 }) }), seed }),
  fc.record({ type: fc.constant('Tree' as const), tree: fc.record({ arity: fc.integer({ min: 2, max: 3 }) }) }),
  fc.record({ type: fc.constant('Groups' as const), groups: fc.record({ bridges: fc.integer({ min: 1, max: 2 }) }), seed }),
);

/** Every spec that the schema accepts of these fields; undefined removes a field. */
const anySpec = fc
  .record({
    own: fc.nat(4),
    old: fc.option(groupOf('old', 100), { nil: undefined }),
    young: fc.option(groupOf('young', 200), { nil: undefined }),
    topology: fc.option(topology, { nil: undefined, freq: 8 }),
    networkPolicy: fc.constantFrom({}, null),
    podDisruptionBudget: fc.constantFrom({}, null),
    services: fc.constantFrom(null, { rpc: { type: 'ClusterIP' as const } }, { p2pPerNode: { type: 'NodePort' as const } }),
  })
  .map(({ own, old, young, topology: shape, ...objects }) => {
    const groups = [old, young].filter(one => one !== undefined);
    const nodes = groups.reduce((sum, one) => sum + one.nodes, own);
    return { nodes, groups: groups.length === 0 ? null : groups, topology: shape ?? null, ...objects };
  });

describe('a network', function () {
  this.timeout(0);
  let world: World;
  let controller: ControllerProcess;
  let count = 0;
  let namespace: string;

  before(async () => {
    world = await World.start();
    controller = await ControllerProcess.start({
      kubeconfig: world.controlPlane.kubeconfigPath,
      args: ['--recheck-seconds', '2', '--health-address=off'],
    });
  });
  after(async () => {
    await controller.stop();
    await world.stop();
  });
  beforeEach(async () => {
    namespace = `edits-${(count += 1)}`;
    await world.createNamespace(namespace);
  });

  it('is as its spec says in the end, whatever was edited on the way', async () => {
    const edits = fc.array(anySpec, { minLength: 12, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(edits, async specs => {
        const alice = `alice-${(count += 1)}`;
        await world.declare(namespace, alice, { nodes: 1, topology: { type: 'Ring' } });
        for (const spec of specs)
          await world.client.patch(
            networks,
            { namespace, name: alice },
            [{ op: 'replace', path: '/spec', value: withoutNulls(spec) }],
            {
              patchType: 'json',
            },
          );
        await world.untilRight(namespace, alice);
        await world.client.delete(networks, { namespace, name: alice });
      }),
      { numRuns: 3, endOnFailure: true },
    );
  });

  it('has its status written while the pods that had the ordinals of a new group before have yet to end', async () => {
    await world.declare(namespace, name, { nodes: 3 });
    await world.untilRight(namespace, name);
    const hold = (finalizers: readonly string[] | null) =>
      world.client.patch(pods, { namespace, name: `${name}-sts-2` }, { metadata: { finalizers } }, { patchType: 'merge' });
    await hold(['example.org/hold']);
    const groups = [{ name: 'x', nodes: 1, ordinals: { start: 2 } }];
    const { metadata } = await world.client.patch(networks, { namespace, name }, { spec: { groups } }, { patchType: 'merge' });
    await eventually(async () => {
      const { observedGeneration, readyNodes, replicas, nodes = [] } = await world.status(namespace, name);
      const isWritten = observedGeneration === metadata.generation && readyNodes === 3 && replicas === 4;
      return isWritten && nodes.map(({ nodeName }) => nodeName).join() === [0, 1, 'x-2'].map(end => `${name}-sts-${end}`).join();
    });
    await hold(null);
    await world.untilRight(namespace, name);
    expect((await world.eventsOf(namespace, name)).has('ReconcileFailed')).to.equal(false);
  });

  it('of 120 nodes in a star is connected although bitcoind accepts 114 connections by default, and is at rest then', async () => {
    await world.declare(namespace, name, { nodes: 120, topology: { type: 'Star' } });
    await world.untilRight(namespace, name);
    const { nodes = [] } = await world.status(namespace, name);
    const bitcoinds = nodes.map(({ ip }) => world.bitcoind.node(ip));
    const called = (method: string): number[] => bitcoinds.map(({ calls }) => calls.get(method) ?? 0);
    // Its last events are written.
    await eventually(async () => (await world.eventsOf(namespace, name)).has('PeersConnected'));
    const log = new AuditLog(world.controlPlane.auditLogPath, 'bitcoin-controller/');
    const [hub = 0] = called('getpeerinfo');
    await eventually(() => (called('getpeerinfo')[0] ?? 0) >= hub + 2);
    await log.read();
    const [before, changes] = [called('getpeerinfo'), ['addnode', 'disconnectnode'].map(called)];
    await eventually(() => (called('getpeerinfo')[0] ?? 0) >= (before[0] ?? 0) + 3);
    // Each node is asked at its time, which is longer by up to a tenth.
    for (const [ordinal, asked] of called('getpeerinfo').entries())
      expect(asked - (before[ordinal] ?? 0), `node ${ordinal}`).to.be.within(2, 4);
    expect(['addnode', 'disconnectnode'].map(called)).to.deep.equal(changes);
    expect((await log.read()).writes).to.equal(0);
  });
});

const withoutNulls = (spec: object): BitcoinNetworkSpec =>
  Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== null)) as BitcoinNetworkSpec;
