// Pods that look like a node of a network and are none. Whoever may create pods in its namespace can make such a pod; a node receives the
// network's credentials in plain HTTP. The controller as its own process, with a simulated bitcoind behind every address.
import { expect } from 'chai';
import { labelsOf, managedBy, managedByLabel } from '../../../src/bitcoin/api/names.ts';
import { pods, statefulSets } from '../../../src/controller/resource-types.ts';
import type { ResourceType } from '../../../src/kube/client.ts';
import { isAlreadyExists, isNotFound } from '../../../src/kube/api-error.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const namespace = 'impostors';
const configMaps: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
const maxAttempts = 10;
const alice = { metadata: { name: 'alice' } };

describe('a pod that looks like a node', function () {
  this.timeout(0);
  let world: World;
  let controller: ControllerProcess;

  before(async () => {
    world = await World.start();
    await world.createNamespace(namespace);
    controller = await ControllerProcess.start({
      kubeconfig: world.controlPlane.kubeconfigPath,
      args: ['--recheck-seconds=1', '--health-address=off'],
    });
    await world.createNetwork(namespace, 'alice', 2);
    await world.untilRight(namespace, 'alice');
  });

  after(async () => {
    await controller.stop();
    await world.stop();
  });

  /** Creates the pod and runs it, ready, at `ip`: several times where the StatefulSet’s controller deletes it before it is. */
  async function run(ip: string, metadata: object, phase = 'Running'): Promise<void> {
    const { name } = metadata as { readonly name: string };
    // This test runs it, and not the kubelet that is played for the others.
    world.kubelet.runs = (_, other) => other !== name;
    const containers = [{ name: 'impostor', image: 'impostor' }];
    const isRun = async (): Promise<boolean> => {
      try {
        await world.client.create(pods, { metadata: { namespace, ...metadata }, spec: { containers } });
        await ready(name, ip, phase);
        return true;
      } catch (error) {
        if (isNotFound(error) || isAlreadyExists(error)) return false;
        throw error;
      }
    };
    for (let attempt = 1; attempt <= maxAttempts && !(await isRun()); attempt += 1);
  }

  async function ready(name: string, ip: string, phase: string): Promise<void> {
    const status = { phase, podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True' }] };
    await world.client.patch(pods, { namespace, name }, { status }, { patchType: 'merge', subresource: 'status' });
  }

  /** The nodes of the network have been asked twice since. */
  async function rechecked(): Promise<void> {
    const { nodes = [] } = await world.status(namespace, 'alice');
    const asked = () => nodes.map(({ ip }) => world.bitcoind.node(ip).calls.get('getpeerinfo') ?? 0);
    const before = asked();
    await eventually(() => asked().every((count, index) => count >= (before[index] ?? 0) + 2));
  }

  async function expectNoContact(ip: string): Promise<void> {
    await rechecked();
    expect([...world.bitcoind.nodes.keys()]).not.to.include(ip);
    const { nodes = [] } = await world.status(namespace, 'alice');
    for (const node of nodes) expect([...world.bitcoind.node(node.ip).added]).not.to.include(ip);
  }

  async function controllerReference(type: ResourceType, name: string): Promise<object> {
    const { metadata } = await world.client.get(type, { namespace, name });
    const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
    return { apiVersion, kind: type.kind, name, uid: metadata?.uid, controller: true };
  }

  it('gets no credentials and is not connected if nobody controls it', async () => {
    await run('127.78.0.1', { name: 'alice-sts-7', labels: { [managedByLabel]: managedBy } });
    await expectNoContact('127.78.0.1');
  });

  it('gets no credentials and is not connected if it has every label of a node, and an ordinal that nobody asks for', async () => {
    await run('127.78.0.2', { name: 'alice-sts-8', labels: labelsOf(alice) });
    await expectNoContact('127.78.0.2');
  });

  it('gets no credentials and is not connected if it names the network’s StatefulSet as its owner, beyond its replicas', async () => {
    const ownerReferences = [await controllerReference(statefulSets, 'alice-sts')];
    await run('127.78.0.3', { name: 'alice-sts-9', labels: labelsOf(alice), ownerReferences });
    await expectNoContact('127.78.0.3');
  });

  it('gets no credentials and is not connected if another object controls it, with a node’s name, labels and ordinal', async () => {
    await world.client.create(configMaps, { metadata: { namespace, name: 'owner' } });
    const ownerReferences = [await controllerReference(configMaps, 'owner')];
    await run('127.78.0.4', { name: 'alice-sts-2', labels: labelsOf(alice), ownerReferences });
    await world.scale(namespace, 'alice', 3);
    await expectNoContact('127.78.0.4');
    world.kubelet.runs = () => true;
    await world.client.delete(pods, { namespace, name: 'alice-sts-2' });
    await world.untilRight(namespace, 'alice');
  });

  for (const phase of ['Failed', 'Succeeded'])
    it(`gets no credentials at the address of a node that is over (${phase}), although its status still says Ready`, async () => {
      const ip = `127.78.1.${phase.length}`;
      const { nodes = [] } = await world.status(namespace, 'alice');
      const name = `alice-sts-${nodes.length}`;
      world.kubelet.runs = (_, other) => other !== name;
      await world.scale(namespace, 'alice', nodes.length + 1);
      await eventually(() =>
        world.client.get(pods, { namespace, name }).then(
          () => true,
          () => false,
        ),
      );
      await ready(name, ip, phase);
      await expectNoContact(ip);
      world.kubelet.runs = () => true;
      world.kubelet.look();
      await world.untilRight(namespace, 'alice');
    });

  it('gets no credentials at the address of a node that is being deleted', async () => {
    const { nodes = [] } = await world.status(namespace, 'alice');
    const name = `alice-sts-${nodes.length}`;
    world.kubelet.runs = (_, other) => other !== name;
    await world.scale(namespace, 'alice', nodes.length + 1);
    const finalizers = ['example.org/held'];
    await eventually(() =>
      world.client.patch(pods, { namespace, name }, { metadata: { finalizers } }, { patchType: 'merge' }).then(
        () => true,
        () => false,
      ),
    );
    await world.client.delete(pods, { namespace, name });
    await ready(name, '127.78.0.6', 'Running');
    await expectNoContact('127.78.0.6');
    world.kubelet.runs = () => true;
    await world.client.patch(pods, { namespace, name }, { metadata: { finalizers: null } }, { patchType: 'merge' });
    await world.untilRight(namespace, 'alice');
  });
});
