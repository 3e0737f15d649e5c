// The environment of the fault tests: a real API server with a controller manager, pods that the test runs, and a bitcoind behind each.
import { KubeConfig } from '@kubernetes/client-node';
import { expect } from 'chai';
import { apiVersion, type BitcoinNetwork, type BitcoinNetworkStatus, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinition } from '../../../src/bitcoin/api/custom-resource-definition.ts';
import { networks, services, statefulSets } from '../../../src/controller/resource-types.ts';
import { KubeClient, type ResourceType } from '../../../src/kube/client.ts';
import type { CoreV1Event } from '../../../src/record/core/core-event.ts';
import { startControlPlane, type TestControlPlane } from '../../support/cluster/api-server.ts';
import { PlayedKubelet } from '../../support/fakes/played-kubelet.ts';
import { RecordingLogger } from '../../support/fakes/recording-logger.ts';
import { SimulatedBitcoind } from '../../support/fakes/simulated-bitcoind.ts';
import { eventually } from '../../support/until.ts';

const namespaceType: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
type StoredEvent = Omit<CoreV1Event, 'count'> & { metadata: object; count?: number; series?: { count: number } };
const eventType: ResourceType<StoredEvent> = {
  group: '',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

/** A server of simulated nodes that several worlds share. */
interface SharedNodes {
  readonly bitcoind: SimulatedBitcoind;
  /** The second number of the addresses of the world's pods: another one for each world. */
  readonly network: number;
}

export class World {
  readonly controlPlane: TestControlPlane;
  /** A client of the administrator, without a proxy. */
  readonly client: KubeClient;
  readonly kubelet: PlayedKubelet;
  readonly bitcoind: SimulatedBitcoind;
  readonly #shared: SharedNodes | undefined;

  private constructor(controlPlane: TestControlPlane, bitcoind: SimulatedBitcoind, shared: SharedNodes | undefined) {
    this.controlPlane = controlPlane;
    this.bitcoind = bitcoind;
    this.#shared = shared;
    this.kubelet = new PlayedKubelet(controlPlane, shared?.network);
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(controlPlane.adminKubeconfig);
    this.client = new KubeClient({ kubeConfig, logger: new RecordingLogger(), userAgent: 'test' });
  }

  static async start(shared?: SharedNodes): Promise<World> {
    const controlPlane = await startControlPlane({ controllerManager: true, audit: true });
    await controlPlane.kubectlWithInput(JSON.stringify(customResourceDefinition()), 'apply', '--server-side', '-f', '-');
    await controlPlane.kubectl(
      'wait',
      '--for=condition=Established',
      'crd/bitcoinnetworks.bitcoincontroller.christianb93.github.com',
    );
    const bitcoind = shared?.bitcoind ?? (await SimulatedBitcoind.start({ user: 'user', password: 'password' }));
    return new World(controlPlane, bitcoind, shared);
  }

  async stop(): Promise<void> {
    await this.kubelet.stop();
    await this.client.close();
    if (this.#shared === undefined) await this.bitcoind.stop();
    await this.controlPlane.stop();
  }

  async createNamespace(name: string): Promise<void> {
    await this.client.create(namespaceType, { metadata: { name } });
  }

  async createNetwork(namespace: string, name: string, nodes: number, secret?: string): Promise<void> {
    const spec = secret === undefined ? { nodes } : { nodes, secret };
    const object = { apiVersion, kind, metadata: { namespace, name }, spec };
    await this.client.create(networks, object as BitcoinNetwork);
  }

  async scale(namespace: string, name: string, nodes: number): Promise<void> {
    await this.client.patch(networks, { namespace, name }, { spec: { nodes } }, { patchType: 'merge' });
  }

  /** Whether a network is as its spec says: its StatefulSet, its status, and every node's list of peers. */
  async isRight(namespace: string, name: string): Promise<boolean> {
    const network = await this.client.get(networks, { namespace, name });
    const { spec, status, metadata } = network;
    const connected = status?.conditions?.find(({ type }) => type === 'Connected');
    if (connected?.status !== 'True' || connected.observedGeneration !== metadata.generation) return false;
    const statefulSet = await this.client.get(statefulSets, { namespace, name: `${name}-sts` });
    await this.client.get(services, { namespace, name: `${name}-svc` });
    const nodes = status?.nodes ?? [];
    if (statefulSet.spec?.replicas !== spec.nodes || nodes.length !== spec.nodes || status?.readyNodes !== spec.nodes)
      return false;
    return nodes.every(({ ip }) => {
      const others = nodes.map(other => other.ip).filter(other => other !== ip);
      const { added } = this.bitcoind.node(ip);
      return added.size === others.length && others.every(other => added.has(other));
    });
  }

  async status(namespace: string, name: string): Promise<BitcoinNetworkStatus> {
    return (await this.client.get(networks, { namespace, name })).status ?? {};
  }

  /** The condition of that type: STATUS REASON. */
  async condition(namespace: string, name: string, type: string): Promise<string> {
    const { status } = await this.client.get(networks, { namespace, name });
    const condition = status?.conditions?.find(one => one.type === type);
    return condition === undefined ? '' : `${condition.status} ${condition.reason}`;
  }

  /** The conditions by type: STATUS REASON MESSAGE. */
  async conditions(namespace: string, name: string): Promise<Record<string, string>> {
    const { status } = await this.client.get(networks, { namespace, name });
    const texts = status?.conditions?.map(one => [one.type, `${one.status} ${one.reason} ${one.message}`] as const);
    return Object.fromEntries(texts ?? []);
  }

  async untilCondition(namespace: string, name: string, type: string, wanted: string): Promise<void> {
    await eventually(async () => (await this.condition(namespace, name, type)) === wanted);
  }

  async untilRight(namespace: string, name: string): Promise<void> {
    await eventually(() => this.isRight(namespace, name).catch(() => false));
  }

  /** The messages of all events about a network, by reason, each as often as it is counted. With `uid`: about the network of that uid. */
  async eventsOf(namespace: string, name: string, uid?: string): Promise<Map<string, string[]>> {
    const about = uid === undefined ? `involvedObject.name=${name}` : `involvedObject.uid=${uid}`;
    const { items } = await this.client.list(eventType, { namespace, fieldSelector: about });
    const events = new Map<string, string[]>();
    for (const { reason, message, count, series } of items) {
      // An event recorded in events.k8s.io/v1 has a count only in its series.
      const times = series?.count ?? count ?? 1;
      events.set(reason, [...(events.get(reason) ?? []), ...Array.from({ length: times }, () => message)]);
    }
    return events;
  }

  async uidOf(namespace: string, name: string): Promise<string> {
    return (await this.client.get(networks, { namespace, name })).metadata.uid;
  }

  /**
   * Expects each event of a network that came up once, and that each node became ready once, in any number of events.
   * Call it when no event is outstanding: after the controller has ended, or until it holds.
   */
  async expectAllEvents(namespace: string, name: string, nodes: number, uid?: string): Promise<void> {
    const events = await this.eventsOf(namespace, name, uid);
    const label = `${namespace}: ${JSON.stringify([...events])}`;
    const once = ['ServiceCreated', 'StatefulSetCreated', 'DefaultCredentials', 'PeersConnected'];
    for (const reason of once) expect(events.get(reason), `${reason} of ${label}`).to.have.length(1);
    expect(nodesIn(events.get('NodeReady')), label).to.deep.equal(
      Array.from({ length: nodes }, (_, ordinal) => `${name}-sts-${ordinal}`),
    );
    expect([...events.keys()].sort(), label).to.deep.equal([...once, 'NodeReady'].sort());
  }
}

/** Whether the expectation is met. */
export const holds = (expectation: Promise<void>): Promise<boolean> =>
  expectation.then(
    () => true,
    () => false,
  );

/** The nodes that messages name, sorted, each once for each mention. */
export function nodesIn(messages: readonly string[] = []): string[] {
  return messages.flatMap(message => [...message.matchAll(/([a-z][-a-z0-9]*-sts-\d+) \(/g)].map(([, node = '']) => node)).sort();
}
