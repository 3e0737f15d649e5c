// An upgrade from the last release whose networks had only `nodes` and `secret`: its objects stay as they are, and no pod restarts.
// upgrade/former-objects.json has what that release applied, with the digest that it recorded of it, for networks with the uid UID and a
// Secret of the version VERSION. upgrade/former-definition.json is its CustomResourceDefinition.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import type { BitcoinNetwork } from '../../src/bitcoin/api/bitcoin-network.ts';
import { apiVersion, kind } from '../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinition } from '../../src/bitcoin/api/custom-resource-definition.ts';
import { appliedAnnotation, fieldManager } from '../../src/bitcoin/api/names.ts';
import { networks, pods, secrets, services, statefulSets } from '../../src/controller/resource-types.ts';
import type { KubeObject } from '../../src/kube/resource.ts';
import { digestOf, withDigest } from '../../src/runtime/digest.ts';
import { AuditLog } from '../support/cluster/audit-log.ts';
import { ControllerProcess } from '../support/processes/controller-process.ts';
import { eventually } from '../support/until.ts';
import { World } from './faults/world.ts';

interface FormerNetwork {
  readonly name: string;
  readonly spec: BitcoinNetwork['spec'];
  /** In the order in which that release created them. */
  readonly objects: readonly { readonly desired: KubeObject; readonly digest: string }[];
}

const namespace = 'networks';
const folder = path.join(import.meta.dirname, 'upgrade');
const read = async <T>(file: string): Promise<T> => JSON.parse(await readFile(path.join(folder, file), 'utf8')) as T;

describe('an upgrade of three running networks', function () {
  this.timeout(180_000);
  let world: World;
  let former: readonly FormerNetwork[];
  let controller: ControllerProcess | undefined;
  let log: AuditLog;
  /** Before the upgrade. */
  let formerState: string;

  const define = (definition: object): Promise<string> =>
    world.controlPlane.kubectlWithInput(JSON.stringify(definition), 'replace', '-f', '-');

  before(async () => {
    former = await read<readonly FormerNetwork[]>('former-objects.json');
    world = await World.start();
    log = new AuditLog(world.controlPlane.auditLogPath, 'bitcoin-controller/');
    await define(await read<object>('former-definition.json'));
    await world.createNamespace(namespace);
    const stringData = { BC_RPC_USER: 'user', BC_RPC_PASSWORD: 'password' };
    const secret = { metadata: { namespace, name: 'bitcoin-default-secret' }, stringData };
    const { metadata } = await world.client.create<KubeObject>(secrets, secret);
    const version = `${metadata?.uid}.${(metadata as { resourceVersion?: string }).resourceVersion}`;
    for (const { name, spec, objects } of former) {
      const network = { apiVersion, kind, metadata: { namespace, name }, spec } as BitcoinNetwork;
      const { uid } = (await world.client.create(networks, network)).metadata;
      for (const { desired } of objects) {
        const text = JSON.stringify(desired).replaceAll('"UID"', JSON.stringify(uid)).replaceAll('VERSION', version);
        const applied = withDigest(JSON.parse(text) as KubeObject, appliedAnnotation);
        await world.client.create<KubeObject>(applied.kind === 'Service' ? services : statefulSets, applied, { fieldManager });
      }
    }
    await eventually(async () => (await readyPods()) === former.reduce((sum, { spec }) => sum + spec.nodes, 0));
    formerState = await state();
  });
  after(async () => {
    await controller?.kill();
    await world.stop();
  });

  const readyPods = async (): Promise<number> => {
    const { items } = await world.client.list(pods, { namespace });
    return items.filter(({ status }) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True'))
      .length;
  };

  /** Which pods there are, and the generations of the StatefulSets and the versions of the Services. */
  async function state(): Promise<string> {
    const { items } = await world.client.list(pods, { namespace });
    const sets = await world.client.list(statefulSets, { namespace });
    const found = await world.client.list(services, { namespace });
    return JSON.stringify([
      items.map(({ metadata }) => `${metadata?.name} ${metadata?.uid}`).sort(),
      sets.items.map(({ metadata }) => `${metadata?.name} ${metadata?.generation}`).sort(),
      found.items.map(({ metadata }) => `${metadata?.name} ${metadata?.resourceVersion}`).sort(),
    ]);
  }

  /** Runs the controller until each network has been reconciled several times, and returns what it wrote besides events. */
  async function writesOfRun(): Promise<string[]> {
    await log.read();
    controller = await ControllerProcess.start({
      kubeconfig: world.controlPlane.kubeconfigPath,
      args: ['--bitcoind-image=bitcoin-controller-bitcoind:0.1.0', '--recheck-seconds=1'],
    });
    await controller.ready();
    const calls = (): number => [...world.bitcoind.nodes.values()].reduce((sum, node) => sum + asked(node), 0);
    const enough = calls() + 30;
    for (const { name } of former) await world.untilRight(namespace, name);
    await eventually(() => calls() >= enough);
    expect(await controller.stop()).to.equal(0);
    expect(controller.logs.filter(({ level }) => level === 'error' || level === 'warn')).to.deep.equal([]);
    const requests = [...(await log.read()).byRequest.keys()];
    return requests.filter(request => !/^(get|list|watch) | events$/.test(request));
  }
  const asked = ({ calls }: { readonly calls: ReadonlyMap<string, number> }): number => calls.get('getaddednodeinfo') ?? 0;

  it('finds the digests of the former release to be those that it computes itself', () => {
    for (const { objects } of former)
      for (const { desired, digest } of objects)
        expect(digestOf(withDigest(desired, appliedAnnotation), appliedAnnotation)).to.equal(digest);
  });

  it('writes no StatefulSet and no Service and restarts no pod, with the former definition', async () => {
    expect(await writesOfRun()).to.deep.equal(['patch bitcoinnetworks/status']);
    expect(await state()).to.equal(formerState);
  });

  it('has new fields refused by name while the definition is the former one', async () => {
    const network = { apiVersion, kind, metadata: { namespace, name: 'ring' }, spec: { nodes: 3, topology: { type: 'Ring' } } };
    const refused = await world.controlPlane
      .kubectlWithInput(JSON.stringify(network), 'create', '-f', '-')
      .catch((error: unknown) => String(error));
    expect(refused).to.include('unknown field "spec.topology"');
  });

  it('writes nothing at all and restarts no pod once the definition is upgraded as well', async () => {
    await define(customResourceDefinition());
    expect(await writesOfRun()).to.deep.equal([]);
    expect(await state()).to.equal(formerState);
  });
});
