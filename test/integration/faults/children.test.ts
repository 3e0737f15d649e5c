// The objects that a network owns besides its headless Service: deleted, edited and squatted by other writers.
import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../src/bitcoin/api/bitcoin-network.ts';
import {
  configMaps,
  networkPolicies,
  networks,
  podDisruptionBudgets,
  services,
  statefulSets,
} from '../../../src/controller/resource-types.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/client.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const name = 'alice';
const spec: BitcoinNetworkSpec = {
  nodes: 3,
  topology: { type: 'Ring' },
  groups: [{ name: 'old', nodes: 1, ordinals: { start: 100 }, bitcoinConf: ['txindex=1'] }],
  services: { p2pPerNode: { type: 'NodePort' }, rpc: { type: 'ClusterIP' } },
  networkPolicy: {},
  podDisruptionBudget: {},
};

interface Child {
  readonly type: ResourceType;
  readonly name: string;
  /** A change of another writer, as a JSON merge patch. */
  readonly drift: object;
  /** The reason of the event about the reverted drift; undefined: none. */
  readonly repaired?: 'ResourceRepaired' | 'ServiceRepaired' | 'StatefulSetScaled';
}

const children: Readonly<Record<string, Child>> = {
  ConfigMap: { type: configMaps, name: `${name}-conf`, drift: { data: { 'start.sh': 'exit 1' } }, repaired: 'ResourceRepaired' },
  'Service for RPC': {
    ...{ type: services, name: `${name}-rpc`, repaired: 'ServiceRepaired' },
    drift: { spec: { selector: { app: 'mallory' } } },
  },
  'Service of a node': {
    ...{ type: services, name: `${name}-sts-old-100-p2p` },
    drift: { spec: { selector: { app: 'mallory' } } },
  },
  NetworkPolicy: {
    ...{ type: networkPolicies, name: `${name}-netpol`, repaired: 'ResourceRepaired' },
    drift: { spec: { ingress: [{}] } },
  },
  PodDisruptionBudget: {
    ...{ type: podDisruptionBudgets, name: `${name}-pdb`, repaired: 'ResourceRepaired' },
    drift: { spec: { maxUnavailable: 3 } },
  },
  'StatefulSet of a group': {
    ...{ type: statefulSets, name: `${name}-sts-old`, repaired: 'StatefulSetScaled' },
    drift: { spec: { replicas: 5 } },
  },
};

describe('an object that a network owns', function () {
  this.timeout(0);
  const namespace = 'children';
  let world: World;
  let controller: ControllerProcess;

  before(async () => {
    world = await World.start();
    await world.createNamespace(namespace);
    controller = await ControllerProcess.start({
      kubeconfig: world.controlPlane.kubeconfigPath,
      args: ['--namespace', namespace, '--recheck-seconds', '1', '--health-address=off'],
    });
    await world.declare(namespace, name, spec);
    await world.untilRight(namespace, name);
  });
  after(async () => {
    await controller.stop();
    await world.stop();
  });

  const desiredOf = (object: KubeObject): unknown => {
    const { data, spec: wanted } = object as { data?: object; spec?: object };
    return { data, spec: wanted };
  };

  for (const [what, { type, name: childName, drift, repaired }] of Object.entries(children)) {
    it(`is reverted when another writer changes it: the ${what}`, async () => {
      const before = await world.client.get(type, { namespace, name: childName });
      await world.client.patch(type, { namespace, name: childName }, drift, { patchType: 'merge' });
      await eventually(async () => {
        const now = await world.client.get(type, { namespace, name: childName });
        return JSON.stringify(desiredOf(now)) === JSON.stringify(desiredOf(before));
      });
      await world.untilRight(namespace, name);
      if (repaired !== undefined)
        await eventually(async () =>
          ((await world.eventsOf(namespace, name)).get(repaired) ?? []).some(message => message.includes(childName)),
        );
    });

    it(`is created again when another writer deletes it: the ${what}`, async () => {
      const { metadata } = await world.client.get(type, { namespace, name: childName });
      await world.client.delete(type, { namespace, name: childName }, { propagationPolicy: 'Background' });
      await eventually(async () => {
        const now = await world.client.get(type, { namespace, name: childName }).catch(() => undefined);
        return now !== undefined && now.metadata?.uid !== metadata?.uid;
      });
      await world.untilRight(namespace, name);
    });
  }

  for (const [what, { type, name: childName }] of Object.entries(children))
    it(`is left to its other owner, which the network reports until it is gone: the ${what}`, async () => {
      const [squatted, squatter] = [childName.replace(name, 'bob'), { metadata: { labels: { app: 'mallory' } } }];
      const copy = copyOf(await world.client.get(type, { namespace, name: childName }));
      const owner = `owner-of-${squatted}`;
      const { metadata: ownerMetadata } = await world.client.create(configMaps, { metadata: { namespace, name: owner } });
      const uid = ownerMetadata?.uid ?? '';
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: owner, uid, controller: true }];
      const metadata = { ...squatter.metadata, namespace, name: squatted, ownerReferences };
      const created = await world.client.create(type, { ...copy, metadata });
      await world.declare(namespace, 'bob', spec);
      await eventually(async () => (await world.condition(namespace, 'bob', 'Ready')) === 'False NameTaken');
      const { metadata: now } = await world.client.get(type, { namespace, name: squatted });
      expect(now?.uid).to.equal(created.metadata?.uid);
      expect(now?.labels).to.deep.equal(squatter.metadata.labels);
      await world.client.delete(type, { namespace, name: squatted }, { propagationPolicy: 'Background' });
      await world.untilRight(namespace, 'bob');
      await world.client.delete(networks, { namespace, name: 'bob' });
      await eventually(async () => {
        const { items } = await world.client.list(statefulSets, { namespace });
        return items.every(({ metadata: of }) => of?.name?.startsWith('bob') !== true);
      });
    });
});

/** What another object of the kind may have as well: without addresses and ports, of which there is one each. */
function copyOf(object: KubeObject): KubeObject {
  const { apiVersion, kind, data, spec: wanted } = object as KubeObject & { data?: object; spec?: { ports?: object[] } };
  if (wanted === undefined) return { apiVersion, kind, data } as KubeObject;
  const ports = wanted.ports?.map(port => ({ ...port, nodePort: undefined }));
  return { apiVersion, kind, spec: { ...wanted, ports, clusterIP: undefined, clusterIPs: undefined } } as KubeObject;
}
