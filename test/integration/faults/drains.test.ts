// A drain evicts pods by the eviction API, which knows nothing of blocks. A chain is never lost without a word.
import { expect } from 'chai';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const name = 'alice';
const height = 300;

describe('a drain', function () {
  this.timeout(240_000);
  let world: World;
  let controller: ControllerProcess | undefined;
  let namespace: string;
  let count = 0;

  before(async () => {
    world = await World.start();
    world.kubelet.onGone = ip => world.bitcoind.restart(ip);
  });
  after(() => world.stop());
  beforeEach(async () => {
    namespace = `drain-${(count += 1)}`;
    await world.createNamespace(namespace);
    await start();
  });
  afterEach(() => controller?.kill());

  async function start(): Promise<void> {
    const args = ['--namespace', namespace, '--recheck-seconds', '5'];
    controller = await ControllerProcess.start({ kubeconfig: world.controlPlane.kubeconfigPath, args });
    await controller.ready();
  }

  async function startNetwork(nodes: number, maxUnavailable?: number): Promise<void> {
    const budget = maxUnavailable === undefined ? {} : { podDisruptionBudget: { maxUnavailable } };
    await world.declare(namespace, name, { nodes, ...budget });
    await world.untilRight(namespace, name);
    await setHeight(height);
  }

  async function setHeight(wanted: number): Promise<void> {
    for (const { ip } of (await world.status(namespace, name)).nodes ?? []) world.bitcoind.node(ip).height = wanted;
    await eventually(async () => (await world.status(namespace, name)).chain?.height === wanted);
  }

  function evict(pod: string): Promise<string> {
    const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: pod, namespace } };
    const path = `/api/v1/namespaces/${namespace}/pods/${pod}/eviction`;
    return world.controlPlane.kubectlWithInput(JSON.stringify(eviction), 'create', '--raw', path, '-f', '-');
  }

  it('that takes the only node of a network without volumes is reported with the height of the lost chain', async () => {
    await startNetwork(1);
    await evict(`${name}-sts-0`);
    await world.untilCondition(namespace, name, 'ChainLost', 'True BlocksLost');
    await eventually(async () => (await world.eventsOf(namespace, name)).get('ChainLost')?.length === 1);
    expect((await world.eventsOf(namespace, name)).get('ChainLost')?.[0]).to.match(
      /^Lost the chain of height 300 .* at height 0$/,
    );
    const { chain, nodes = [] } = await world.status(namespace, name);
    expect([chain?.height, chain?.lost?.height]).to.deep.equal([0, height]);
    world.bitcoind.node(nodes[0]?.ip ?? '').height = height + 1;
    await world.untilCondition(namespace, name, 'ChainLost', 'False HeightReached');
  });

  it('that takes all nodes while the controller does not run is reported when it runs again', async () => {
    await startNetwork(2);
    await controller?.kill();
    for (const ordinal of [0, 1]) await evict(`${name}-sts-${ordinal}`);
    await start();
    await world.untilCondition(namespace, name, 'ChainLost', 'True BlocksLost');
    await eventually(async () => (await world.eventsOf(namespace, name)).get('ChainLost')?.length === 1);
  });

  it('or a kill of the containers in their pods, which keep their addresses, is reported alike, also by the next controller', async () => {
    const restart = async (): Promise<void> => {
      for (const { ip } of (await world.status(namespace, name)).nodes ?? []) world.bitcoind.restart(ip);
    };
    await startNetwork(2);
    await controller?.kill();
    await restart();
    await start();
    await world.untilCondition(namespace, name, 'ChainLost', 'True BlocksLost');
    await eventually(async () => (await world.eventsOf(namespace, name)).get('ChainLost')?.length === 1);
    await setHeight(height + 1);
    await world.untilCondition(namespace, name, 'ChainLost', 'False HeightReached');
    await restart();
    await world.untilCondition(namespace, name, 'ChainLost', 'True BlocksLost');
    await eventually(async () => (await world.eventsOf(namespace, name)).get('ChainLost')?.length === 2);
  });

  it('is not confused with what made a chain shorter: nodes that know the blocks have lost none', async () => {
    await startNetwork(2);
    await controller?.kill();
    for (const { ip } of (await world.status(namespace, name)).nodes ?? []) world.bitcoind.node(ip).height = height - 5;
    await start();
    await eventually(async () => (await world.status(namespace, name)).chain?.height === height - 5);
    expect(await world.condition(namespace, name, 'ChainLost')).to.equal('');
  });

  it('takes no node of a network whose podDisruptionBudget permits none', async () => {
    await startNetwork(1, 0);
    await eventually(async () => {
      const answer = await evict(`${name}-sts-0`).catch(String);
      return answer.includes("Cannot evict pod as it would violate the pod's disruption budget");
    });
    expect(await world.condition(namespace, name, 'ChainLost')).to.equal('');
  });

  it('that leaves a node with the chain is no loss', async () => {
    await startNetwork(2);
    await evict(`${name}-sts-1`);
    await eventually(async () => (await world.eventsOf(namespace, name)).has('NodeLost'));
    await world.untilRight(namespace, name);
    await eventually(async () => (await world.status(namespace, name)).nodes?.every(node => node.height === height) === true);
    expect(await world.condition(namespace, name, 'ChainLost')).to.equal('');
  });
});
