import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { networks, pods } from '../../../src/controller/resource-types.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import type { Fault } from '../../support/fakes/simulated-bitcoind.ts';
import { TcpProxy } from '../../support/fakes/tcp-proxy.ts';
import { eventually } from '../../support/until.ts';
import { holds, nodesIn, World } from './world.ts';

describe('a network whose nodes fail', function () {
  this.timeout(180_000);
  let world: World;
  let tcp: TcpProxy;
  let controller: ControllerProcess;
  let namespace: string;
  let count = 0;

  before(async () => {
    world = await World.start();
  });
  after(() => world.stop());
  beforeEach(async () => {
    namespace = `nodes-${(count += 1)}`;
    world.kubelet.runs = () => true;
    await world.createNamespace(namespace);
    const { controlPlane } = world;
    tcp = await TcpProxy.start(controlPlane.serverUrl);
    const kubeconfig = path.join(controlPlane.dir, `${namespace}.kubeconfig`);
    await writeFile(kubeconfig, controlPlane.adminKubeconfig.replaceAll(controlPlane.serverUrl, tcp.url));
    controller = await ControllerProcess.start({ kubeconfig, args: ['--namespace', namespace, '--recheck-seconds', '1'] });
    await controller.ready();
  });
  afterEach(async () => {
    await controller.kill();
    await tcp.stop();
  });

  /** Creates a network and waits until it is complete and all of its events exist. */
  async function create(name: string, nodes: number): Promise<void> {
    await world.createNetwork(namespace, name, nodes);
    await world.untilRight(namespace, name);
    await eventually(() => holds(world.expectAllEvents(namespace, name, nodes)));
  }

  async function addressOf(name: string, ordinal: number): Promise<string> {
    const { status } = await world.client.get(networks, { namespace, name });
    return status?.nodes?.[ordinal]?.ip ?? '';
  }

  const asked = (ip: string): number => world.bitcoind.node(ip).calls.get('getaddednodeinfo') ?? 0;

  const failing: Readonly<Partial<Record<Fault, string>>> = {
    hang: 'PeerConnectFailed',
    reset: 'PeerConnectFailed',
    unavailable: 'PeerConnectFailed',
    garbage: 'PeerConnectFailed',
    unauthorized: 'CredentialsRejected',
  };

  it('reports a node that hangs, breaks off, is busy, answers nonsense or refuses, and connects it once it recovers', async () => {
    const faults = Object.keys(failing) as Fault[];
    await Promise.all([...faults, 'healthy'].map(name => create(name, 2)));
    for (const fault of faults) world.bitcoind.node(await addressOf(fault, 1)).fault = fault;
    for (const fault of faults) await world.untilCondition(namespace, fault, 'Connected', `False ${failing[fault] ?? ''}`);
    for (const fault of faults) await eventually(async () => (await world.eventsOf(namespace, fault)).has(failing[fault] ?? ''));
    expect(await world.condition(namespace, 'healthy', 'Connected')).to.equal('True PeersConnected');
    for (const fault of faults) world.bitcoind.node(await addressOf(fault, 1)).fault = undefined;
    for (const fault of faults) await world.untilRight(namespace, fault);
    expect(await controller.stop()).to.equal(0);
    await world.expectAllEvents(namespace, 'healthy', 2);
    for (const fault of faults) {
      const events = await world.eventsOf(namespace, fault);
      expect(events.get('PeersConnected'), fault).to.have.length(2);
      events.delete(failing[fault] ?? '');
      expect(
        [...events.values()].flat().filter(message => !message.startsWith('Ready')),
        fault,
      ).to.have.length(5);
      expect(nodesIn(events.get('NodeReady')), fault).to.deep.equal([0, 1].map(ordinal => `${fault}-sts-${ordinal}`));
    }
  });

  it('treats a node that needs five seconds for an answer as healthy', async () => {
    await create('alice', 2);
    const node = world.bitcoind.node(await addressOf('alice', 1));
    Object.assign(node, { fault: 'slow', slowMs: 5_000 });
    const before = asked(await addressOf('alice', 1));
    await eventually(async () => asked(await addressOf('alice', 1)) >= before + 2);
    expect(await world.isRight(namespace, 'alice')).to.equal(true);
    node.fault = undefined;
    expect(await controller.stop()).to.equal(0);
    await world.expectAllEvents(namespace, 'alice', 2);
  });

  it('reconnects a node whose bitcoind was killed and has lost its peers', async () => {
    await create('alice', 3);
    const ip = await addressOf('alice', 1);
    world.bitcoind.node(ip).fault = 'reset';
    await world.kubelet.setReady(namespace, 'alice-sts-1', false);
    await world.untilCondition(namespace, 'alice', 'Ready', 'False NodesNotReady');
    world.bitcoind.restart(ip);
    await world.kubelet.setReady(namespace, 'alice-sts-1', true);
    await world.untilRight(namespace, 'alice');
    expect(await controller.stop()).to.equal(0);
    const events = await world.eventsOf(namespace, 'alice');
    expect(nodesIn(events.get('NodeLost'))).to.deep.equal(['alice-sts-1']);
    expect(nodesIn(events.get('NodeReady'))).to.deep.equal(['alice-sts-0', 'alice-sts-1', 'alice-sts-1', 'alice-sts-2']);
    expect(events.get('PeersConnected')).to.have.length(2);
  });

  /** A pod of alice is deleted, and its successor gets no address for a while. A new pod of bob gets the former address. */
  async function takeOver(): Promise<string> {
    const taken = await addressOf('alice', 1);
    world.kubelet.runs = (_, name) => name !== 'alice-sts-1';
    await world.client.delete(pods, { namespace, name: 'alice-sts-1' });
    world.bitcoind.restart(taken);
    world.kubelet.nextAddresses.push(taken);
    await world.client.delete(pods, { namespace, name: 'bob-sts-1' });
    const hasIt = async () => (await world.client.get(pods, { namespace, name: 'bob-sts-1' })).status?.podIP === taken;
    await eventually(() => hasIt().catch(() => false));
    return taken;
  }

  /** The pod of alice gets a different address. */
  async function expectApart(taken: string): Promise<void> {
    world.kubelet.runs = () => true;
    world.kubelet.look();
    await eventually(async () => ((await addressOf('alice', 1)) || taken) !== taken);
    for (const name of ['alice', 'bob']) await world.untilRight(namespace, name);
    expect(await addressOf('bob', 1)).to.equal(taken);
  }

  const peersAt = (ip: string): string[] => [...world.bitcoind.node(ip).added];

  it('removes an address that a pod of another network has taken over, and never adds its own peers to that pod', async () => {
    for (const name of ['alice', 'bob']) await create(name, 2);
    const [first, neighbour] = [await addressOf('alice', 0), await addressOf('bob', 0)];
    const taken = await takeOver();
    // Until then its status is unchanged.
    await eventually(async () => (await addressOf('bob', 1)) === taken);
    await world.untilRight(namespace, 'bob');
    await eventually(() => peersAt(first).length === 0);
    expect(peersAt(taken)).to.deep.equal([neighbour]);
    await expectApart(taken);
  });

  it('removes the peers that it added to a pod of another network while it could not see the address change hands', async () => {
    for (const name of ['alice', 'bob']) await create(name, 2);
    const first = await addressOf('alice', 0);
    tcp.close();
    const taken = await takeOver();
    await eventually(() => peersAt(taken).includes(first));
    tcp.open();
    await expectApart(taken);
    expect(peersAt(taken)).to.deep.equal([await addressOf('bob', 0)]);
  });

  const secret = (): string =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'credentials', namespace },
      stringData: { BC_RPC_USER: 'user', BC_RPC_PASSWORD: 'password' },
    });

  it('keeps its nodes running while its Secret is deleted, reports that, and recovers when the Secret is restored', async () => {
    const { controlPlane } = world;
    const podUids = () =>
      controlPlane.kubectl('get', 'pods', '--namespace', namespace, '--output=jsonpath={.items[*].metadata.uid}');
    await controlPlane.kubectlWithInput(secret(), 'create', '-f', '-');
    await world.createNetwork(namespace, 'alice', 2, 'credentials');
    await world.untilRight(namespace, 'alice');
    const before = await podUids();
    await controlPlane.kubectl('delete', 'secret', 'credentials', '--namespace', namespace);
    await world.untilCondition(namespace, 'alice', 'Connected', 'False CredentialsMissing');
    expect(await world.condition(namespace, 'alice', 'Ready')).to.equal('True AllNodesReady');
    await controlPlane.kubectlWithInput(secret(), 'create', '-f', '-');
    await world.untilRight(namespace, 'alice');
    expect(await podUids()).to.equal(before);
    expect(await controller.stop()).to.equal(0);
    const events = await world.eventsOf(namespace, 'alice');
    for (const [reason, times] of Object.entries({
      CredentialsFound: 2,
      PeersConnected: 2,
      ServiceCreated: 1,
      StatefulSetCreated: 1,
    }))
      expect(events.get(reason), JSON.stringify([...events])).to.have.length(times);
    expect(new Set(events.get('CredentialsMissing'))).to.have.all.keys(
      `Secret ${namespace}/credentials (spec.secret) does not exist`,
    );
    expect([...events.keys()]).to.have.length(6);
  });

  it('keeps its nodes running when its spec names a Secret that does not exist', async () => {
    const { controlPlane } = world;
    const generation = () =>
      controlPlane.kubectl(
        'get',
        'statefulset',
        'alice-sts',
        '--namespace',
        namespace,
        '--output=jsonpath={.metadata.generation}',
      );
    const nameSecret = (name: string) =>
      controlPlane.kubectl(
        ...['patch', 'bitcoinnetwork', 'alice', '--namespace', namespace, '--type=merge'],
        `--patch={"spec":{"secret":"${name}"}}`,
      );
    await controlPlane.kubectlWithInput(secret(), 'create', '-f', '-');
    await world.createNetwork(namespace, 'alice', 2, 'credentials');
    await world.untilRight(namespace, 'alice');
    const before = await generation();
    await nameSecret('missing');
    await world.untilCondition(namespace, 'alice', 'Connected', 'False CredentialsMissing');
    expect(await world.condition(namespace, 'alice', 'Ready')).to.equal('True AllNodesReady');
    await nameSecret('credentials');
    await world.untilRight(namespace, 'alice');
    expect(await generation()).to.equal(before);
  });
});
