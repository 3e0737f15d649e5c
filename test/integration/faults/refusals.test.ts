import { expect } from 'chai';
import { apiStatusCode } from '../../../src/kube/api-error.ts';
import { apiVersion, type BitcoinNetwork, type BitcoinNetworkSpec, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { pausedAnnotation } from '../../../src/bitcoin/api/names.ts';
import { networks, pods, services, statefulSets } from '../../../src/controller/resource-types.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { allow, refuse } from '../../support/cluster/policy.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';
import { statefulSetOf } from '../../support/builders.ts';

const name = 'alice';
const image = 'bitcoind:1';

describe('a network with a refused or orphaned object', function () {
  this.timeout(180_000);
  let world: World;
  let controller: ControllerProcess;
  let namespace: string;
  let count = 0;

  before(async () => {
    world = await World.start();
  });
  after(() => world.stop());
  beforeEach(async () => {
    namespace = `refusals-${(count += 1)}`;
    await world.createNamespace(namespace);
    const kubeconfig = world.controlPlane.kubeconfigPath;
    controller = await ControllerProcess.start({
      kubeconfig,
      args: ['--namespace', namespace, '--recheck-seconds', '1', '--bitcoind-image', image],
    });
    await controller.ready();
  });
  afterEach(() => controller.kill());

  it('is scaled and connected while a policy refuses its Service, and reports the refusal', async () => {
    const probe = { metadata: { namespace, name: 'probe' }, spec: { ports: [{ port: 1 }] } };
    const policy = { name: 'no-services', group: '', version: 'v1', plural: 'services', message: 'no Services here' };
    await refuse(world.controlPlane, { ...policy, expression: `object.metadata.namespace != '${namespace}'` }, () =>
      world.client.create(services, probe, { isDryRun: true, maxTries: 1 }).then(
        () => false,
        (error: unknown) => apiStatusCode(error) === 422,
      ),
    );
    await world.createNetwork(namespace, name, 2);
    await eventually(async () => (await world.condition(namespace, name, 'Connected')) === 'True PeersConnected');
    await world.scale(namespace, name, 3);
    await eventually(async () => {
      const { status } = await world.client.get(networks, { namespace, name });
      const connected = status?.conditions?.find(({ type }) => type === 'Connected');
      return connected?.status === 'True' && status?.readyNodes === 3;
    });
    await eventually(async () => {
      const failures = (await world.eventsOf(namespace, name)).get('ReconcileFailed') ?? [];
      return failures.some(message => message.includes('no Services here'));
    });
    await allow(world.controlPlane, policy.name);
    await world.untilRight(namespace, name);
    expect(await controller.stop()).to.equal(0);
    const events = await world.eventsOf(namespace, name);
    for (const reason of ['ServiceCreated', 'StatefulSetCreated', 'StatefulSetScaled', 'DefaultCredentials'])
      expect(events.get(reason), reason).to.have.length(1);
  });

  it('reports values of a wrong type in its pods, is scaled nevertheless, and is right without them', async () => {
    const inPods = (fields: object) => ({ podTemplate: { spec: fields } }) as Pick<BitcoinNetworkSpec, 'podTemplate'>;
    const sidecar = (fields: object) => inPods({ containers: [{ name: 'lnd', image: 'lnd', ...fields }] });
    const isRefused = () => world.untilCondition(namespace, name, 'SpecAccepted', 'False PodTemplateRefused');
    const edit = (podTemplate: object | null) =>
      world.client.patch(networks, { namespace, name }, [{ op: 'add', path: '/spec/podTemplate', value: podTemplate }], {
        patchType: 'json',
      });
    await world.declare(namespace, name, { nodes: 2, ...inPods({ securityContext: { runAsUser: '1000' } }) });
    await isRefused();
    await edit({});
    await world.untilRight(namespace, name);
    const replicas = async () => (await world.client.get(statefulSets, { namespace, name: `${name}-sts` })).spec?.replicas;
    for (const [fields, count] of [
      [{ env: { FOO: 'bar' } }, 3],
      [{ resources: { limits: { memory: '64MB' } } }, 1],
    ] as const) {
      await edit(sidecar(fields).podTemplate ?? {});
      await isRefused();
      await world.scale(namespace, name, count);
      await eventually(async () => (await replicas()) === count);
      expect(await world.condition(namespace, name, 'SpecAccepted')).to.equal('False PodTemplateRefused');
      await edit({});
      await world.untilCondition(namespace, name, 'SpecAccepted', 'True Accepted');
    }
    await world.untilRight(namespace, name);
  });

  it('keeps its nodes and emits StatefulSetRecreated when an immutable field of its StatefulSet differs', async () => {
    const annotations = { [pausedAnnotation]: 'True' };
    const metadata = { namespace, name, annotations };
    const asked = { apiVersion, kind, metadata, spec: { nodes: 2 } } as unknown as BitcoinNetwork;
    const network = await world.client.create(networks, asked);
    const older = statefulSetOf(network, undefined, { image, imagePullPolicy: 'IfNotPresent' });
    await world.client.create(statefulSets, { ...older, spec: { ...older.spec!, podManagementPolicy: 'OrderedReady' } });
    const podUids = async () => {
      const { items } = await world.client.list(pods, { namespace });
      return items.map(pod => pod.metadata?.uid ?? '').sort();
    };
    await eventually(async () => (await podUids()).length === 2);
    const before = await podUids();
    await world.client.patch(
      networks,
      { namespace, name },
      { metadata: { annotations: { [pausedAnnotation]: null } } },
      { patchType: 'merge' },
    );
    await eventually(async () => (await world.eventsOf(namespace, name)).has('StatefulSetRecreated'));
    expect(await controller.stop()).to.equal(0);
    const events = await world.eventsOf(namespace, name);
    expect(events.get('StatefulSetRecreated')).to.have.length(1);
    expect(events.has('StatefulSetCreated')).to.equal(false);
    expect(await podUids()).to.deep.equal(before);
  });

  it('adopts its StatefulSet and Service again at once when another writer removes their owner', async () => {
    await world.createNetwork(namespace, name, 2);
    await world.untilRight(namespace, name);
    const { metadata } = await world.client.get(networks, { namespace, name });
    const noOwners = [{ op: 'remove', path: '/metadata/ownerReferences' }];
    await world.client.patch(statefulSets, { namespace, name: `${name}-sts` }, noOwners, { patchType: 'json' });
    await world.client.patch(services, { namespace, name: `${name}-svc` }, noOwners, { patchType: 'json' });
    await eventually(async () => {
      const set = await world.client.get(statefulSets, { namespace, name: `${name}-sts` });
      const service = await world.client.get(services, { namespace, name: `${name}-svc` });
      return [set, service].every(object => object.metadata?.ownerReferences?.[0]?.uid === metadata.uid);
    });
    expect((await world.eventsOf(namespace, name)).has('NameTaken')).to.equal(false);
  });

  it('adopts the nodes of a network of its name that was deleted with --cascade=orphan', async () => {
    await world.createNetwork(namespace, name, 2);
    await world.untilRight(namespace, name);
    const { status } = await world.client.get(networks, { namespace, name });
    await world.controlPlane.kubectl('-n', namespace, 'delete', 'bitcoinnetwork', name, '--cascade=orphan');
    await world.createNetwork(namespace, name, 2);
    await world.untilRight(namespace, name);
    expect((await world.client.get(networks, { namespace, name })).status?.nodes).to.deep.equal(status?.nodes);
  });
});
