// Networks of one namespace of the real cluster, and the bitcoinds of their nodes, which the test asks itself at the addresses of the pods.
import type { V1Pod } from '@kubernetes/client-node';
import { apiVersion, type BitcoinNetwork, type BitcoinNetworkNode, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { chainParametersOf } from '../../../src/bitcoin/resources/chain-parameters.ts';
import { networks, pods } from '../../../src/controller/resource-types.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import type { CoreV1Event } from '../../../src/record/core/core-event.ts';
import type { ResourceType } from '../../../src/kube/resource.ts';
import { eventually } from '../until.ts';
import type { TestCluster } from './cluster.ts';
import { clientOf } from './kube-access.ts';

type StoredEvent = CoreV1Event & { metadata: object };
const eventType: ResourceType<StoredEvent> = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };

/** As `kubectl apply` takes it. */
export interface Manifest {
  readonly name: string;
  readonly spec: object;
}

interface Peer {
  readonly addr: string;
  readonly inbound: boolean;
}

export class NetworkNamespace {
  readonly name: string;
  readonly client: KubeClient;
  readonly #cluster: TestCluster;

  private constructor(cluster: TestCluster, name: string) {
    this.#cluster = cluster;
    this.name = name;
    this.client = clientOf(cluster.kubeconfigPath);
  }

  /** With Pod Security "restricted". */
  static async create(cluster: TestCluster, name: string): Promise<NetworkNamespace> {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
    await cluster.kubectlWithInput(JSON.stringify(namespace), 'apply', '--server-side', '-f', '-');
    return new NetworkNamespace(cluster, name);
  }

  /** First the networks, so that the controller does not write into a namespace that is being deleted. */
  async delete(): Promise<void> {
    await this.kubectl('delete', 'bitcoinnetworks', '--all');
    await this.#cluster.kubectl('delete', 'namespace', this.name, '--wait=false');
    await this.client.close();
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.#cluster.kubectl('-n', this.name, ...args);
  }

  async apply({ name, spec }: Manifest): Promise<void> {
    const object = { apiVersion, kind, metadata: { name }, spec };
    await this.#cluster.kubectlWithInput(JSON.stringify(object), '-n', this.name, 'apply', '--server-side', '-f', '-');
  }

  /** Fields that are null are removed. */
  async patch(name: string, spec: object): Promise<void> {
    await this.client.patch(networks, { namespace: this.name, name }, { spec }, { patchType: 'merge' });
  }

  /** Without waiting for its pods. */
  async remove(name: string): Promise<void> {
    await this.client.delete(networks, { namespace: this.name, name });
  }

  get(name: string): Promise<BitcoinNetwork> {
    return this.client.get(networks, { namespace: this.name, name });
  }

  /** STATUS REASON MESSAGE of a condition about the present generation; '' if there is none. */
  async condition(name: string, type: string): Promise<string> {
    const { metadata, status } = await this.get(name);
    const found = status?.conditions?.find(one => one.type === type && one.observedGeneration === metadata.generation);
    return found === undefined ? '' : `${found.status} ${found.reason} ${found.message}`;
  }

  /** Resolves when the network of the present generation is connected. */
  async untilConnected(name: string): Promise<void> {
    await eventually(async () => (await this.condition(name, 'Connected')).startsWith('True '));
  }

  async nodes(name: string): Promise<readonly BitcoinNetworkNode[]> {
    return (await this.get(name)).status?.nodes ?? [];
  }

  pod(name: string): Promise<V1Pod> {
    return this.client.get(pods, { namespace: this.name, name });
  }

  /** The uids of the pods of a network, by their names. */
  async podUids(name: string): Promise<Map<string, string>> {
    const { items } = await this.client.list(pods, { namespace: this.name, labelSelector: `app=${name}` });
    return new Map(items.map(({ metadata }) => [metadata?.name ?? '', metadata?.uid ?? '']));
  }

  /** The messages of the events of a network, by reason. */
  async events(name: string): Promise<Map<string, string[]>> {
    const { items } = await this.client.list(eventType, {
      namespace: this.name,
      fieldSelector: `involvedObject.name=${name}`,
    });
    const messages = new Map<string, string[]>();
    for (const { reason, message } of items) messages.set(reason, [...(messages.get(reason) ?? []), message]);
    return messages;
  }

  /** Asks the bitcoind of a node, with the default credentials. @throws Error with bitcoind's message */
  async rpc<T>(name: string, ordinal: number, method: string, ...params: readonly unknown[]): Promise<T> {
    const { spec, status } = await this.get(name);
    const node = status?.nodes?.find(one => one.ordinal === ordinal);
    if (node === undefined) throw new Error(`${name} has no node ${ordinal}`);
    return await call<T>(node.ip, chainParametersOf(spec).rpcPort, method, params);
  }

  /** Each connection twice, as its two ends list it: as `3>7`, if 3 has dialled. Sorted; an end that is no node of the network is `?`. */
  async listedConnections(name: string): Promise<string[]> {
    const { spec, status } = await this.get(name);
    const nodes = status?.nodes ?? [];
    const { rpcPort } = chainParametersOf(spec);
    const ordinals = new Map(nodes.map(({ ip, ordinal }) => [ip, ordinal]));
    const lists = nodes.map(async ({ ip, ordinal }) => {
      const peers = await call<Peer[]>(ip, rpcPort, 'getpeerinfo');
      return peers.map(({ addr, inbound }) => {
        const other = ordinals.get(addr.replace(/:\d+$/, '')) ?? '?';
        return inbound ? `${other}>${ordinal}` : `${ordinal}>${other}`;
      });
    });
    return (await Promise.all(lists)).flat().sort();
  }
}

async function call<T>(host: string, port: number, method: string, params: readonly unknown[] = []): Promise<T> {
  const response = await fetch(`http://${host}:${port}/`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from('user:password').toString('base64')}` },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const { result, error } = (await response.json()) as { result: T; error?: { message: string } };
  if (error !== undefined) throw new Error(`${method}: ${error.message}`);
  return result;
}
