// Networks whose time is over (spec.ttlSecondsAfterCreation), on a real API server with a real garbage collector: they are deleted in time and
// leave nothing but their volumes, also when no controller ran at that time, or their reconciles failed.
import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { childKindNames, childKinds } from '../../../src/controller/child-kinds.ts';
import { networks, pods, services } from '../../../src/controller/resource-types.ts';
import { isNotFound } from '../../../src/kube/api-error.ts';
import type { ResourceType } from '../../../src/kube/resource.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const namespace = 'expiry';
const definition = 'crd/bitcoinnetworks.bitcoincontroller.christianb93.github.com';
const claims: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'persistentvolumeclaims',
  kind: 'PersistentVolumeClaim',
  namespaced: true,
};
const seconds = 4;

describe('a network whose time is over', function () {
  this.timeout(120_000);
  let world: World;
  let controller: ControllerProcess;

  before(async () => {
    world = await World.start();
    // A test has no minute for it.
    const minimum = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/ttlSecondsAfterCreation/minimum';
    const patch = JSON.stringify([{ op: 'replace', path: minimum, value: 1 }]);
    await world.controlPlane.kubectl('patch', definition, '--type=json', '-p', patch);
    await world.createNamespace(namespace);
    controller = await start('--delete-networks=true');
    await eventually(() =>
      declare('first', {}).then(
        () => true,
        () => false,
      ),
    );
  });
  after(async () => {
    await controller.kill();
    await world.stop();
  });

  async function start(...args: readonly string[]): Promise<ControllerProcess> {
    const all = ['--namespace', namespace, '--recheck-seconds', '20', ...args];
    const started = await ControllerProcess.start({ kubeconfig: world.controlPlane.kubeconfigPath, args: all });
    await started.ready();
    return started;
  }

  const declare = (name: string, spec: Partial<BitcoinNetworkSpec>): Promise<void> =>
    world.declare(namespace, name, { nodes: 1, ttlSecondsAfterCreation: seconds, ...spec });
  const dueMs = async (name: string): Promise<number> => {
    const { metadata } = await world.client.get(networks, { namespace, name });
    return new Date(metadata.creationTimestamp ?? Number.NaN).getTime() + seconds * 1_000;
  };
  const isGone = (name: string): Promise<boolean> =>
    world.client.get(networks, { namespace, name }).then(
      () => false,
      (error: unknown) => isNotFound(error),
    );
  /** How late it was. */
  async function deletedAfterMs(name: string, due: number): Promise<number> {
    await eventually(() => isGone(name));
    return Date.now() - due;
  }
  async function leftOf(name: string): Promise<string[]> {
    const types: ResourceType[] = [...childKindNames.map(kind => childKinds[kind].type as ResourceType), pods, claims];
    const lists = types.map(async type => {
      const { items } = await world.client.list(type, { namespace, labelSelector: `app=${name}` });
      return items.map(({ metadata }) => `${type.plural}/${metadata?.name}`);
    });
    return (await Promise.all(lists)).flat();
  }

  it('is deleted in time, and an event says so', async () => {
    await declare('stored', { storage: { size: '1Gi' }, networkPolicy: {} });
    const due = await dueMs('stored');
    await world.untilCondition(namespace, 'stored', 'Expired', 'False TimeLeft');
    const { Expired: message } = await world.conditions(namespace, 'stored');
    const time = new Date(due).toISOString().replace('.000Z', 'Z');
    expect(message).to.include(`the network is deleted at ${time}, 4 s after its creation (spec.ttlSecondsAfterCreation)`);
    expect(await deletedAfterMs('stored', due)).to.be.within(0, 2_000);
    await eventually(async () => (await world.eventsOf(namespace, 'stored')).get('Expired')?.length === 1);
  });

  it('is deleted in time although its reconciles fail and are retried with backoff', async () => {
    const foreign = { metadata: { namespace, name: 'taken-svc' }, spec: { ports: [{ port: 80 }] } };
    await world.client.create(services, foreign);
    await declare('taken', {});
    const due = await dueMs('taken');
    await world.untilCondition(namespace, 'taken', 'Ready', 'False NameTaken');
    expect(await deletedAfterMs('taken', due)).to.be.within(0, 2_000);
  });

  it('is deleted at once by a controller that starts later, with one event', async () => {
    await declare('late', {});
    const due = await dueMs('late');
    await controller.kill();
    await eventually(() => Promise.resolve(Date.now() > due));
    controller = await start('--delete-networks=true');
    expect(await deletedAfterMs('late', Date.now())).to.be.below(2_000);
    await eventually(async () => (await world.eventsOf(namespace, 'late')).get('Expired')?.length === 1);
  });

  it('stays as long as the network is paused, or is given more time', async () => {
    await declare('paused', {});
    await world.controlPlane.kubectl(
      '-n',
      namespace,
      'annotate',
      'bitcoinnetwork/paused',
      'bitcoincontroller.christianb93.github.com/paused=true',
    );
    await declare('longer', {});
    await world.client.patch(
      networks,
      { namespace, name: 'longer' },
      { spec: { ttlSecondsAfterCreation: 3_600 } },
      { patchType: 'merge' },
    );
    await declare('witness', {});
    await eventually(() => isGone('witness'));
    expect([await isGone('paused'), await isGone('longer')]).to.deep.equal([false, false]);
    await world.controlPlane.kubectl(
      '-n',
      namespace,
      'annotate',
      'bitcoinnetwork/paused',
      'bitcoincontroller.christianb93.github.com/paused-',
    );
    await eventually(() => isGone('paused'));
  });

  it('stays without the right, and names the chart value', async () => {
    await controller.stop();
    controller = await start();
    await declare('kept', {});
    await world.untilCondition(namespace, 'kept', 'SpecAccepted', 'False RightMissing');
    const { SpecAccepted: message } = await world.conditions(namespace, 'kept');
    expect(message).to.include(
      'ttlSecondsAfterCreation: the controller may not delete networks (chart value rbac.deleteNetworks)',
    );
    await world.untilCondition(namespace, 'kept', 'Expired', 'False RightMissing');
    const due = await dueMs('kept');
    await eventually(() => Promise.resolve(Date.now() > due + 1_000));
    expect(await isGone('kept')).to.equal(false);
    await eventually(async () => (await world.eventsOf(namespace, 'kept')).get('SpecRejected')?.length === 1);
  });

  it('has left nothing but the volumes that it keeps', async () => {
    await eventually(async () => (await leftOf('stored')).join() === 'persistentvolumeclaims/data-stored-sts-0');
  });
});
