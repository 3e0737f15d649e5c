// The environment of the fault tests: a real API server with a controller manager, pods that the test runs, and a bitcoind behind each.
import { KubeConfig, type V1Pod, type V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import {
  apiVersion,
  type BitcoinNetwork,
  type BitcoinNetworkNode,
  type BitcoinNetworkSpec,
  type BitcoinNetworkStatus,
  kind,
} from '../../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinitions } from '../../../src/bitcoin/api/custom-resource-definition.ts';
import type { TopologySpec } from '../../../src/bitcoin/api/topology.ts';
import { nodeSetsOf } from '../../../src/bitcoin/resources/node-sets.ts';
import { planTopology } from '../../../src/bitcoin/topology/plan-topology.ts';
import type { PlannedEdge } from '../../../src/bitcoin/topology/topology-plan.ts';
import { childKindNames, childKinds } from '../../../src/controller/child-kinds.ts';
import { networks } from '../../../src/controller/resource-types.ts';
import { desiredChildren } from '../../../src/controller/steps/desired-children.ts';
import { KubeClient, type KubeObject, type ResourceType } from '../../../src/kube/client.ts';
import { controllerOf } from '../../../src/kube/resource.ts';
import type { CoreV1Event } from '../../../src/record/core/core-event.ts';
import { startControlPlane, type TestControlPlane } from '../../support/cluster/api-server.ts';
import { untilEstablished } from '../../support/cluster/established.ts';
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
    this.kubelet.starts = (pod, ip) => this.#startBitcoind(pod, ip);
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(controlPlane.adminKubeconfig);
    this.client = new KubeClient({ kubeConfig, logger: new RecordingLogger(), userAgent: 'test' });
  }

  static async start(shared?: SharedNodes): Promise<World> {
    const controlPlane = await startControlPlane({ controllerManager: true, audit: true });
    await controlPlane.kubectlWithInput(JSON.stringify(customResourceDefinitions()), 'apply', '--server-side', '-f', '-');
    const definition = 'crd/bitcoinnetworks.bitcoincontroller.christianb93.github.com';
    await untilEstablished(controlPlane, definition);
    const bitcoind = shared?.bitcoind ?? (await SimulatedBitcoind.start({ user: 'user', password: 'password' }));
    return new World(controlPlane, bitcoind, shared);
  }

  async stop(): Promise<void> {
    await this.kubelet.stop();
    await this.client.close();
    if (this.#shared === undefined) await this.bitcoind.stop();
    await this.controlPlane.stop();
  }

  /** With the arguments of the pod, as far as a simulated bitcoind has them. */
  #startBitcoind({ spec }: V1Pod, ip: string): void {
    const { args = [] } = spec?.containers[0] ?? {};
    const [, connections] = /^-maxconnections=(\d+)$/m.exec(args.join('\n')) ?? [];
    if (connections !== undefined) this.bitcoind.node(ip).maxConnections = Number(connections);
  }

  async createNamespace(name: string): Promise<void> {
    await this.client.create(namespaceType, { metadata: { name } });
  }

  async createNetwork(namespace: string, name: string, nodes: number, secret?: string): Promise<void> {
    await this.declare(namespace, name, secret === undefined ? { nodes } : { nodes, secret });
  }

  /** Creates a network with any field of the spec. */
  async declare(namespace: string, name: string, spec: BitcoinNetworkSpec): Promise<void> {
    const object = { apiVersion, kind, metadata: { namespace, name }, spec };
    await this.client.create(networks, object as BitcoinNetwork);
  }

  async scale(namespace: string, name: string, nodes: number): Promise<void> {
    await this.client.patch(networks, { namespace, name }, { spec: { nodes } }, { patchType: 'merge' });
  }

  /** Whether a network is as its spec says: its objects and no others, its status, and the connections and the list of every node. */
  async isRight(namespace: string, name: string): Promise<boolean> {
    const network = await this.client.get(networks, { namespace, name });
    const { spec, status, metadata } = network;
    const connected = status?.conditions?.find(({ type }) => type === 'Connected');
    if (connected?.status !== 'True' || connected.observedGeneration !== metadata.generation) return false;
    const nodes = status?.nodes ?? [];
    const isWhole = nodes.length === spec.nodes && status?.readyNodes === spec.nodes;
    if (!isWhole || !(await this.#hasObjects(network))) return false;
    return spec.topology === undefined ? this.#isMesh(nodes) : this.#hasTopology(spec.topology, nodes, status.edges);
  }

  /** Whether it owns exactly the objects that its spec asks for. */
  async #hasObjects(network: BitcoinNetwork): Promise<boolean> {
    const { namespace } = network.metadata;
    const sets = nodeSetsOf(network);
    const wanted = [...desiredChildren(network, []).map(({ kind: type, object }) => `${type}/${object.metadata?.name}`)];
    wanted.push(...sets.map(set => `statefulSets/${set.name}`));
    const owned: string[] = [];
    for (const type of childKindNames) {
      const { items } = await this.client.list<KubeObject>(childKinds[type].type, { namespace });
      const own = items.filter(object => controllerOf(object)?.uid === network.metadata.uid);
      owned.push(...own.map(object => `${type}/${object.metadata?.name}`));
      for (const { name, nodes } of type === 'statefulSets' ? sets : [])
        if ((own.find(object => object.metadata?.name === name) as V1StatefulSet | undefined)?.spec?.replicas !== nodes)
          return false;
    }
    return wanted.sort().join() === owned.sort().join();
  }

  #isMesh(nodes: readonly BitcoinNetworkNode[]): boolean {
    return nodes.every(({ ip }) => {
      const others = nodes.map(other => other.ip).filter(other => other !== ip);
      const { added } = this.bitcoind.node(ip);
      return added.size === others.length && others.every(other => added.has(other));
    });
  }

  #hasTopology(topology: TopologySpec, nodes: readonly BitcoinNetworkNode[], edges: BitcoinNetworkStatus['edges']): boolean {
    const plan = planTopology(topology, nodes).edges;
    const ips = new Map(nodes.map(({ ordinal, ip }) => [ordinal, ip]));
    const isSame = (one: Iterable<string>, other: readonly PlannedEdge[]): boolean =>
      [...one].sort().join() ===
      other
        .map(({ to }) => ips.get(to) ?? '')
        .sort()
        .join();
    return (
      edges?.summary === `${plan.length}/${plan.length}` &&
      nodes.every(({ ordinal, ip }) => {
        const { added, connected } = this.bitcoind.node(ip);
        const dials = plan.filter(({ from }) => from === ordinal);
        const listed = dials.filter(({ isListed }) => isListed);
        return isSame(connected, dials) && isSame(added, listed);
      })
    );
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
  return messages
    .flatMap(message => [...message.matchAll(/([a-z][-a-z0-9]*-sts-(?:[a-z][-a-z0-9]*-)?\d+) \(/g)].map(([, node = '']) => node))
    .sort();
}
