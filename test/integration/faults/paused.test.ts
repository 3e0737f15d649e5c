// A paused network has the condition Paused, and the controller does not change it until it is resumed.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { pausedAnnotation } from '../../../src/bitcoin/api/names.ts';
import { networks, services, statefulSets } from '../../../src/controller/resource-types.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const namespace = 'default';
const name = 'my-network';
const example = path.resolve(import.meta.dirname, '../../../examples/paused.yaml');

describe('a network that is paused', function () {
  this.timeout(180_000);
  let world: World;
  let controller: ControllerProcess;

  before(async () => {
    world = await World.start();
    controller = await ControllerProcess.start({
      kubeconfig: world.controlPlane.kubeconfigPath,
      args: ['--recheck-seconds', '1'],
    });
    await controller.ready();
  });
  after(async () => {
    await controller.kill();
    await world.stop();
  });

  const condition = async (type: string): Promise<string> => (await world.conditions(namespace, name))[type] ?? '';
  const events = async (reason: string): Promise<readonly string[]> => (await world.eventsOf(namespace, name)).get(reason) ?? [];

  it('reports Paused and no longer Connected when examples/paused.yaml is applied to it while it runs', async () => {
    await world.createNetwork(namespace, name, 5);
    await world.untilRight(namespace, name);
    await world.controlPlane.kubectlWithInput(await readFile(example, 'utf8'), 'apply', '-f', '-');
    await eventually(async () => (await condition('Paused')).startsWith('True Paused'));
    expect(await condition('Connected')).to.match(/^Unknown Paused /);
    expect(await events('Paused')).to.have.length(1);
    const { spec } = await world.client.get(statefulSets, { namespace, name: 'my-network-sts' });
    expect(spec?.replicas).to.equal(5);
  });

  it('reports its nodes and changes nothing', async () => {
    await world.client.delete(services, { namespace, name: 'my-network-svc' });
    await world.kubelet.setReady(namespace, 'my-network-sts-4', false);
    await eventually(async () => (await world.client.get(networks, { namespace, name })).status?.readyNodes === 4);
    expect(await condition('Paused')).to.match(/^True Paused /);
    const { items } = await world.client.list(services, { namespace });
    expect(items.filter(({ metadata }) => metadata?.name === 'my-network-svc')).to.deep.equal([]);
    expect(await events('Paused')).to.have.length(1);
  });

  it('is reconciled with its current spec when it is resumed', async () => {
    const annotations = { [pausedAnnotation]: null };
    const change = { metadata: { annotations }, spec: { secret: '' } };
    await world.client.patch(networks, { namespace, name }, change, { patchType: 'merge' });
    await world.untilRight(namespace, name);
    expect(await condition('Paused')).to.match(/^False Resumed /);
    expect(await events('Resumed')).to.have.length(1);
    expect((await world.client.get(networks, { namespace, name })).status?.readyNodes).to.equal(3);
  });

  it('reports Paused when it is created paused', async () => {
    const object = {
      apiVersion: 'bitcoincontroller.christianb93.github.com/v1',
      kind: 'BitcoinNetwork',
      metadata: { name: 'created-paused', annotations: { [pausedAnnotation]: 'true' } },
      spec: { nodes: 1 },
    };
    await world.controlPlane.kubectlWithInput(JSON.stringify(object), 'create', '-f', '-');
    await eventually(async () =>
      ((await world.conditions(namespace, 'created-paused'))['Paused'] ?? '').startsWith('True Paused'),
    );
    expect((await world.eventsOf(namespace, 'created-paused')).has('StatefulSetCreated')).to.equal(false);
  });
});
