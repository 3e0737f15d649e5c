// A change of the pods is rolled out so that no block is lost, whoever makes it and whatever becomes of the controller: a real API server and
// StatefulSet controller, and nodes that lose their blocks with their pod and get those of their peers.
import { expect } from 'chai';
import { networks, pods, statefulSets } from '../../../src/controller/resource-types.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const name = 'alice';
const height = 300;

describe('a rollout', function () {
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
    namespace = `rollout-${(count += 1)}`;
    await world.createNamespace(namespace);
  });
  afterEach(async () => {
    world.kubelet.runs = () => true;
    world.bitcoind.newBlocksPerAnswer = Infinity;
    await controller?.kill();
  });

  async function start(): Promise<ControllerProcess> {
    const args = ['--namespace', namespace, '--recheck-seconds', '5'];
    controller = await ControllerProcess.start({ kubeconfig: world.controlPlane.kubeconfigPath, args });
    await controller.ready();
    return controller;
  }

  /** A network whose nodes have blocks. */
  async function startNetwork(nodes: number, blocks = height, secret?: string): Promise<void> {
    await world.createNetwork(namespace, name, nodes, secret);
    await world.untilRight(namespace, name);
    for (const ip of await addresses()) world.bitcoind.node(ip).height = blocks;
    await world.untilCondition(namespace, name, 'UpToDate', 'True AllNodesUpdated');
  }

  const addresses = async (): Promise<string[]> => (await world.status(namespace, name)).nodes?.map(({ ip }) => ip) ?? [];
  const heights = async (): Promise<number[]> => (await addresses()).map(ip => world.bitcoind.node(ip).height);
  const uids = async (): Promise<string[]> =>
    (await world.client.list(pods, { namespace })).items.map(({ metadata }) => metadata?.uid ?? '').sort();
  const partition = async (): Promise<number | undefined> =>
    (await world.client.get(statefulSets, { namespace, name: `${name}-sts` })).spec?.updateStrategy?.rollingUpdate?.partition;
  const restart = (): Promise<string> =>
    world.controlPlane.kubectl('rollout', 'restart', `statefulset/${name}-sts`, '--namespace', namespace);
  const edit = (spec: object) => world.client.patch(networks, { namespace, name }, { spec }, { patchType: 'merge' });

  /** Resolves when each pod is another one than before, and the rollout is over. */
  async function untilRolled(before: readonly string[]): Promise<void> {
    await eventually(async () => (await uids()).every(uid => !before.includes(uid)));
    await world.untilCondition(namespace, name, 'UpToDate', 'True AllNodesUpdated');
    await world.untilRight(namespace, name);
    await eventually(async () => (await partition()) === (await uids()).length);
  }

  /** An event is written after the status that it is about. */
  const untilEvents = (reason: string, times: number): Promise<void> =>
    eventually(async () => (await world.eventsOf(namespace, name)).get(reason)?.length === times);

  const untilMessage = (text: string): Promise<void> =>
    eventually(async () => (await world.conditions(namespace, name)).UpToDate?.includes(text) === true);

  /** Lets a node get all blocks of its peers. */
  async function sync(index: number): Promise<void> {
    const ip = (await addresses())[index] ?? '';
    world.bitcoind.node(ip).blocksPerAnswer = Infinity;
  }

  for (const nodes of [2, 3])
    it(`by kubectl rollout restart leaves each of ${nodes} nodes at its height`, async () => {
      await start();
      await startNetwork(nodes);
      const before = await uids();
      await restart();
      await untilRolled(before);
      expect(await heights()).to.deep.equal(Array.from({ length: nodes }, () => height));
      await untilEvents('RolloutCompleted', 1);
      await untilEvents('RolloutStarted', 1);
    });

  it('waits for a node that syncs slowly before it restarts the next one', async () => {
    await start();
    await startNetwork(2);
    const before = await uids();
    world.bitcoind.newBlocksPerAnswer = 100;
    await restart();
    await untilRolled(before);
    expect(await heights()).to.deep.equal([height, height]);
  });

  it('keeps the only node with all blocks when all are restarted once more while the last one syncs', async () => {
    await start();
    await startNetwork(2);
    const before = await uids();
    world.bitcoind.newBlocksPerAnswer = 0;
    await restart();
    await untilMessage(`waiting for ${name}-sts-1: it has 0 of ${height} blocks`);
    await sync(1);
    await untilMessage(`waiting for ${name}-sts-0: it has 0 of ${height} blocks`);
    const between = await uids();
    await restart();
    world.bitcoind.newBlocksPerAnswer = Infinity;
    await sync(0);
    await untilRolled([...before, ...between]);
    expect(await heights()).to.deep.equal([height, height]);
    expect((await world.eventsOf(namespace, name)).has('ChainLost')).to.equal(false);
  });

  it('connects the spokes of a star while its hub is restarted, and makes it the same star again', async () => {
    await start();
    await world.declare(namespace, name, { nodes: 4, topology: { type: 'Star' } });
    await world.untilRight(namespace, name);
    for (const ip of await addresses()) world.bitcoind.node(ip).height = height;
    await world.untilCondition(namespace, name, 'UpToDate', 'True AllNodesUpdated');
    const before = await uids();
    await restart();
    await untilRolled(before);
    expect(await heights()).to.deep.equal([height, height, height, height]);
    await untilEvents('DetourOpened', 1);
    expect((await world.eventsOf(namespace, name)).get('DetourOpened')).to.deep.equal([
      'Opened 3 connections around alice-sts-0 while it is restarted',
    ]);
  });

  it('stops at the first node that does not come back, and rolls out the fix', async () => {
    await start();
    await startNetwork(3);
    const before = await uids();
    world.kubelet.runs = (_, pod) => pod !== `${name}-sts-2`;
    await edit({ rollout: { progressDeadlineSeconds: 5 }, resources: { requests: { cpu: '11m' } } });
    await world.untilCondition(namespace, name, 'UpToDate', 'False NodeNotBack');
    expect((await uids()).filter(uid => before.includes(uid))).to.have.length(2);
    await untilEvents('RolloutStalled', 1);
    world.kubelet.runs = () => true;
    await edit({ resources: { requests: { cpu: '12m' } } });
    await untilRolled(before);
    expect(await heights()).to.deep.equal([height, height, height]);
  });

  it('of the only node with blocks is refused beforehand, and goes on when the loss is allowed', async () => {
    await start();
    await startNetwork(1);
    const before = await uids();
    await restart();
    await world.untilCondition(namespace, name, 'UpToDate', 'False WouldLoseChain');
    const { UpToDate = '' } = await world.conditions(namespace, name);
    expect(UpToDate).to.include('spec.rollout.allowChainLoss').and.include(`${height} blocks`);
    expect(await uids()).to.deep.equal(before);
    expect(await heights()).to.deep.equal([height]);
    await edit({ rollout: { allowChainLoss: true } });
    await untilRolled(before);
    expect(await heights()).to.deep.equal([0]);
  });

  it('of one node without blocks goes on freely', async () => {
    await start();
    await startNetwork(1, 0);
    const before = await uids();
    await restart();
    await untilRolled(before);
  });

  /** Deletes a pod whose successor the kubelet does not run. */
  async function lose(pod: string, cause?: string): Promise<void> {
    const { metadata } = await world.client.get(pods, { namespace, name: pod });
    await world.client.delete(pods, { namespace, name: pod });
    await eventually(async () => ![undefined, metadata?.uid].includes(await uidOf(pod)));
    if (cause === undefined) return;
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: cause }];
    const options = { patchType: 'merge', subresource: 'status' } as const;
    await world.client.patch(pods, { namespace, name: pod }, { status: { conditions } }, options);
  }

  const uidOf = async (pod: string): Promise<string | undefined> =>
    (await world.client.list(pods, { namespace })).items.find(({ metadata }) => metadata?.name === pod)?.metadata?.uid;

  it('keeps the last copy of the chain when the other nodes are lost before its turn', async () => {
    await start();
    await startNetwork(3);
    const before = await uids();
    world.kubelet.runs = (_, pod) => pod === `${name}-sts-2`;
    await lose(`${name}-sts-0`);
    await edit({ resources: { requests: { cpu: '11m' } } });
    await untilMessage(`${name}-sts-2 waits: ${name}-sts-0 is not ready yet`);
    await lose(`${name}-sts-1`);
    world.kubelet.runs = () => true;
    world.kubelet.look();
    await untilRolled(before);
    expect(await heights()).to.deep.equal([height, height, height]);
    expect((await world.eventsOf(namespace, name)).has('ChainLost')).to.equal(false);
  });

  it('brings a fix to a pod with the lowest index that cannot be scheduled', async () => {
    await start();
    await startNetwork(3);
    const before = await uids();
    world.kubelet.runs = (_, pod) => pod !== `${name}-sts-0`;
    await lose(`${name}-sts-0`, '0/1 nodes are available: 1 Insufficient cpu');
    const stuck = await uidOf(`${name}-sts-0`);
    await edit({ resources: { requests: { cpu: '11m' } } });
    await eventually(async () => ![undefined, stuck].includes(await uidOf(`${name}-sts-0`)));
    world.kubelet.runs = () => true;
    world.kubelet.look();
    await untilRolled(before);
    expect(await heights()).to.deep.equal([height, height, height]);
  });

  it('names a pod that cannot be created in its old version, and creates it in the new one when the loss is allowed', async () => {
    await start();
    await world.controlPlane.kubectl('create', 'priorityclass', 'gold', '--value=1000');
    await world.declare(namespace, name, { nodes: 3, podTemplate: { spec: { priorityClassName: 'gold' } } });
    await world.untilRight(namespace, name);
    for (const ip of await addresses()) world.bitcoind.node(ip).height = height;
    await world.untilCondition(namespace, name, 'UpToDate', 'True AllNodesUpdated');
    const before = await uids();
    await world.controlPlane.kubectl('delete', 'priorityclass', 'gold');
    await eventually(() => isRefused('gold'));
    await world.client.delete(pods, { namespace, name: `${name}-sts-0` });
    await edit({ podTemplate: { spec: { priorityClassName: null } } });
    await untilMessage(`0 of 3 nodes are updated; ${name}-sts-0 waits: it cannot be created as it was`);
    await world.untilCondition(namespace, name, 'UpToDate', 'False WouldLoseChain');
    expect((await world.conditions(namespace, name)).UpToDate).to.include('no PriorityClass with name gold was found');
    expect(before).to.include.members(await uids());
    await edit({ rollout: { allowChainLoss: true } });
    // Kubernetes may replace the nodes above it before the gate closes.
    await untilRolled(before);
    expect(new Set(await heights())).to.have.property('size', 1);
  });

  /** Whether the API server refuses pods of the class. */
  async function isRefused(priorityClassName: string): Promise<boolean> {
    const pod = {
      metadata: { namespace, name: 'any' },
      spec: { priorityClassName, containers: [{ name: 'any', image: 'any' }] },
    };
    return world.client.create(pods, pod, { isDryRun: true }).then(
      () => false,
      () => true,
    );
  }

  it('is not needed when a suspended network is resumed and changed in one write', async () => {
    await start();
    await startNetwork(3);
    await edit({ suspend: true });
    await world.untilCondition(namespace, name, 'Suspended', 'True Suspended');
    await edit({ suspend: null, resources: { requests: { cpu: '11m' } } });
    await eventually(async () => (await uids()).length === 3);
    const started = await uids();
    await world.untilRight(namespace, name);
    await world.untilCondition(namespace, name, 'UpToDate', 'True AllNodesUpdated');
    await eventually(async () => (await partition()) === 3);
    expect(await uids()).to.deep.equal(started);
  });

  it('only pauses while the controller is away, and loses nothing by its kill', async () => {
    const first = await start();
    await startNetwork(3);
    const before = await uids();
    await restart();
    await eventually(async () => (await uids()).some(uid => !before.includes(uid)));
    await first.kill();
    await start();
    await untilRolled(before);
    expect(await heights()).to.deep.equal([height, height, height]);
  });

  describe('of new credentials', () => {
    const former = { user: 'user', password: 'password' };
    const newer = { user: 'user', password: 'another-word' };
    const encoded = (text: string): string => Buffer.from(text).toString('base64');
    const applySecret = async ({ user, password }: typeof former, previous: Record<string, string> = {}): Promise<void> => {
      const data = { BC_RPC_USER: encoded(user), BC_RPC_PASSWORD: encoded(password), ...previous };
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'credentials', namespace }, data };
      await world.controlPlane.kubectlWithInput(JSON.stringify(secret), 'apply', '-f', '-');
    };

    beforeEach(async () => {
      await applySecret(former);
      await start();
      await startNetwork(2, height, 'credentials');
      world.bitcoind.setCredentials(newer);
    });
    afterEach(() => world.bitcoind.setCredentials(former));

    it('asks nodes with those that they have until they are restarted', async () => {
      const before = await uids();
      await applySecret(newer);
      await untilRolled(before);
      expect(await heights()).to.deep.equal([height, height]);
      expect((await world.eventsOf(namespace, name)).has('CredentialsRejected')).to.equal(false);
    });

    it('takes the previous ones from the Secret when it did not see the change', async () => {
      const before = await uids();
      await controller?.kill();
      await applySecret(newer, {
        BC_RPC_USER_PREVIOUS: encoded(former.user),
        BC_RPC_PASSWORD_PREVIOUS: encoded(former.password),
      });
      await start();
      await untilRolled(before);
      expect(await heights()).to.deep.equal([height, height]);
      const events = await world.eventsOf(namespace, name);
      expect([events.has('CredentialsRejected'), events.has('SecretHasOtherKeys')]).to.deep.equal([false, false]);
    });

    it('asks each node with those that it has when they change once more before all nodes are restarted', async () => {
      const newest = { user: 'user', password: 'third-word' };
      const before = await uids();
      await applySecret(newer);
      await eventually(async () => (await uids()).some(uid => !before.includes(uid)));
      world.bitcoind.setCredentials(newest);
      await applySecret(newest);
      const between = await uids();
      await untilRolled([...before, ...between]);
      expect(await heights()).to.deep.equal([height, height]);
    });
  });

  it('of a Secret for nodes without one asks them with the defaults, also after a restart of the controller', async () => {
    const [former, own] = [
      { user: 'user', password: 'password' },
      { user: 'alice', password: 'hidden-word' },
    ];
    const first = await start();
    await startNetwork(2);
    await first.kill();
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'own', namespace } };
    const stringData = { BC_RPC_USER: own.user, BC_RPC_PASSWORD: own.password };
    await world.controlPlane.kubectlWithInput(JSON.stringify({ ...secret, stringData }), 'apply', '-f', '-');
    try {
      world.bitcoind.setCredentials(own);
      const before = await uids();
      await edit({ secret: 'own' });
      await start();
      await untilRolled(before);
      expect(await heights()).to.deep.equal([height, height]);
    } finally {
      world.bitcoind.setCredentials(former);
    }
  });

  it('is held by the gate while no controller runs', async () => {
    const first = await start();
    await startNetwork(2);
    await first.kill();
    const before = await uids();
    await restart();
    const { metadata } = await world.client.get(statefulSets, { namespace, name: `${name}-sts` });
    await eventually(async () => {
      const { status } = await world.client.get(statefulSets, { namespace, name: `${name}-sts` });
      return status?.observedGeneration === metadata?.generation && status?.updateRevision !== status?.currentRevision;
    });
    expect(await uids()).to.deep.equal(before);
    await start();
    await untilRolled(before);
    expect(await heights()).to.deep.equal([height, height]);
  });
});
