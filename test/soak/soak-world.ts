// The faults and edits of a soak, and the checks at its end. All randomness comes from one seed.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { V1PersistentVolume, V1StorageClass } from '@kubernetes/client-node';
import { apiStatusCode } from '../../src/kube/api-error.ts';
import { apiVersion, type BitcoinNetwork, type BitcoinNetworkSpec, kind } from '../../src/bitcoin/api/bitcoin-network.ts';
import { passwordKey, serviceName, statefulSetName, userKey } from '../../src/bitcoin/api/names.ts';
import { networks, persistentVolumeClaims, pods, secrets, services, statefulSets } from '../../src/controller/resource-types.ts';
import type { KubeClient, ResourceType } from '../../src/kube/client.ts';
import type { SeededRandom } from '../parity/scenarios/seeded-random.ts';
import type { TestControlPlane } from '../support/cluster/api-server.ts';
import type { Fault, SimulatedBitcoind } from '../support/fakes/simulated-bitcoind.ts';
import type { TcpProxy } from '../support/fakes/tcp-proxy.ts';

export const namespace = 'soak';
const secretName = 'credentials';
/** One of this many networks takes its credentials from the Secret. */
const secretEvery = 4;
/** One of this many networks has volumes. */
const storageEvery = 3;
const storageClassName = 'soak';
const maxNodes = 5;
const longestFaultMs = 8_000;
/** Of the controller and the garbage collector each, when a network is not right at the end. */
const loggedLines = 30;
const faults: readonly Fault[] = ['hang', 'unauthorized', 'unavailable', 'warmup', 'garbage', 'slow'];
const namespaceType: ResourceType = { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false };
const storageClasses: ResourceType<V1StorageClass> = {
  ...{ group: 'storage.k8s.io', version: 'v1', plural: 'storageclasses', kind: 'StorageClass', namespaced: false },
};
const persistentVolumes: ResourceType<V1PersistentVolume> = {
  ...{ group: '', version: 'v1', plural: 'persistentvolumes', kind: 'PersistentVolume', namespaced: false },
};
const credentials = { user: 'user', password: 'password' };

export interface SoakParts {
  readonly controlPlane: TestControlPlane;
  /** Between the controller and the API server. */
  readonly proxy: TcpProxy;
  readonly bitcoind: SimulatedBitcoind;
  /** A client of the administrator, without the proxy. */
  readonly client: KubeClient;
  readonly random: SeededRandom;
}

export class SoakWorld {
  readonly #parts: SoakParts;
  readonly #names: readonly string[];
  /** The desired number of nodes of each network; absent while it is deleted. */
  readonly #wanted = new Map<string, number>();
  /** Timers that end a fault. */
  readonly #ends = new Map<NodeJS.Timeout, () => void>();
  /** The number of times that each action ran. */
  readonly done: Record<string, number> = {};

  constructor(parts: SoakParts, count: number) {
    this.#parts = parts;
    this.#names = Array.from({ length: count }, (_, index) => `network-${index}`);
  }

  async begin(): Promise<void> {
    const { client } = this.#parts;
    await client.create(namespaceType, { metadata: { name: namespace } });
    await client.create(storageClasses, { metadata: { name: storageClassName }, provisioner: 'kubernetes.io/no-provisioner' });
    await this.#createSecret(credentials.password);
    for (const name of this.#names) await this.#createNetwork(name);
  }

  /** Runs one action on the cluster. It has no effect if its object is being created or deleted. */
  async disturb(): Promise<void> {
    const { random } = this.#parts;
    const name = random.pick(this.#names);
    const actions: Readonly<Record<string, readonly [weight: number, act: () => Promise<unknown>]>> = {
      scale: [10, () => this.#scale(name)],
      deleteOrCreate: [8, () => this.#deleteOrCreate(name)],
      deletePod: [
        8,
        () => this.#parts.client.delete(pods, { namespace, name: `${name}-sts-${random.integer(0, maxNodes - 1)}` }),
      ],
      faultyNode: [12, () => this.#faultyNode()],
      deleteService: [4, () => this.#parts.client.delete(services, { namespace, name: `${name}-svc` })],
      deleteStatefulSet: [4, () => this.#parts.client.delete(statefulSets, { namespace, name: `${name}-sts` })],
      editReplicas: [4, () => this.#editReplicas(name)],
      restart: [3, () => this.#restart(name)],
      editOption: [3, () => this.#edit(name, { bitcoinConf: [`maxmempool=${random.integer(5, 50)}`] })],
      suspend: [3, () => this.#suspend(name)],
      resume: [6, () => this.#suspend(name, false)],
      secret: [2, () => this.#disturbSecret()],
      cutConnections: [3, () => this.#breakConnections('cut')],
      freezeConnections: [1, () => this.#breakConnections('freeze')],
      unreachable: [1, () => this.#unreachable()],
    };
    const entries = Object.entries(actions);
    let at = random.integer(
      1,
      entries.reduce((sum, [, [weight]]) => sum + weight, 0),
    );
    const [what, [, act]] = entries.find(([, [weight]]) => (at -= weight) <= 0)!;
    await this.#attempt(what, act);
  }

  /** Restarts the API server, gracefully or not. */
  async restartApiServer(): Promise<void> {
    const how = this.#parts.random.pick(['politely', 'abruptly'] as const);
    await this.#attempt(`restartApiServer ${how}`, () => this.#parts.controlPlane.restartApiServer(how));
  }

  /** Restarts the programs of Kubernetes that have exited, since some do not survive these faults. Returns their names. */
  async revive(): Promise<string[]> {
    const ended = await this.#parts.controlPlane.revive();
    if (ended.length > 0) this.done['revive'] = (this.done['revive'] ?? 0) + ended.length;
    return ended;
  }

  /** Ends every fault, and asks for every network as it is wanted. No action runs afterwards. It can be repeated if it fails. */
  async calm(): Promise<void> {
    for (const [timer, end] of this.#ends) {
      clearTimeout(timer);
      end();
    }
    this.#ends.clear();
    this.#parts.proxy.open();
    this.#parts.proxy.cut();
    for (const node of this.#parts.bitcoind.nodes.values()) node.fault = undefined;
    // The garbage collector may have missed a deletion while the API server restarted, and then leaves a pod for good.
    await this.#parts.controlPlane.restartControllers();
    await this.#deleteSecret();
    await this.#createSecret(credentials.password);
    // An action whose answer was lost may have had an effect.
    const { items } = await this.#parts.client.list(networks, { namespace });
    const present = new Map(items.map(network => [network.metadata.name, network]));
    for (const name of this.#names) {
      const nodes = present.get(name)?.spec.nodes;
      if (nodes === undefined) {
        await this.#createNetwork(name);
        continue;
      }
      this.#wanted.set(name, this.#wanted.get(name) ?? nodes);
      await this.#edit(name, { suspend: false, nodes: this.#wanted.get(name) });
    }
  }

  /** In the place of a storage driver: gives each claim a volume, which nothing mounts, and deletes those whose claim is gone. */
  async provision(): Promise<void> {
    const { client } = this.#parts;
    try {
      const volumes = await client.list(persistentVolumes);
      const claims = await client.list(persistentVolumeClaims, { namespace });
      const names = new Set(volumes.items.map(({ metadata }) => metadata?.name));
      for (const { metadata, status } of volumes.items)
        if (status?.phase === 'Released') await client.delete(persistentVolumes, { name: metadata?.name ?? '' });
      for (const { metadata } of claims.items)
        if (!names.has(metadata?.uid))
          await client.create(persistentVolumes, volumeFor(metadata?.name ?? '', metadata?.uid ?? ''));
    } catch (error) {
      // As in #attempt.
      if (error instanceof TypeError || error instanceof RangeError) throw error;
    }
  }

  /** The differences from the desired state, one line each: networks that differ from their spec, and remains of deleted ones. */
  async wrongs(): Promise<string[]> {
    const { client } = this.#parts;
    const [allNetworks, allSets, allServices, allPods, allClaims] = await Promise.all([
      client.list(networks, { namespace }),
      client.list(statefulSets, { namespace }),
      client.list(services, { namespace }),
      client.list(pods, { namespace }),
      client.list(persistentVolumeClaims, { namespace }),
    ]);
    const bound = new Set(
      allClaims.items.filter(({ status }) => status?.phase === 'Bound').map(({ metadata }) => metadata?.name),
    );
    const wrong = allNetworks.items.flatMap(network => {
      const set = allSets.items.find(({ metadata }) => metadata?.name === statefulSetName(network));
      const service = allServices.items.find(({ metadata }) => metadata?.name === serviceName(network));
      const owners = [set, service].map(object => object?.metadata?.ownerReferences?.[0]?.uid);
      const cause =
        this.#statusWrong(network) ??
        (owners.every(uid => uid === network.metadata.uid)
          ? undefined
          : 'its Service or StatefulSet is missing or not its own') ??
        (set?.spec?.replicas === network.spec.nodes ? undefined : `its StatefulSet has ${set?.spec?.replicas ?? 0} replicas`) ??
        volumesWrong(network, bound) ??
        this.#peersWrong(network);
      return cause === undefined ? [] : [`${network.metadata.name}: ${cause}`];
    });
    const wantedPods = [...this.#wanted.values()].reduce((sum, nodes) => sum + nodes, 0);
    const counts = [
      ['networks', allNetworks.items.length, this.#names.length],
      ['StatefulSets', allSets.items.length, this.#names.length],
      ['Services', allServices.items.length, this.#names.length],
      ['pods', allPods.items.length, wantedPods],
    ] as const;
    return [...wrong, ...counts.flatMap(([what, is, should]) => (is === should ? [] : [`${is} ${what}, not ${should}`]))];
  }

  /**
   * The state of the cluster, to find out why a network is not right: nodes and pods as kubectl shows them, what the controller logged
   * last, and what the garbage collector did: it may miss a deletion while the API server restarts.
   */
  async scene(): Promise<string> {
    const { controlPlane } = this.#parts;
    const nodes = await controlPlane.kubectl('get', 'nodes');
    const allPods = await controlPlane.kubectl('-n', namespace, 'get', 'pods', '-o', 'wide');
    const linesOf = async (program: string): Promise<string[]> =>
      (await readFile(path.join(controlPlane.dir, 'logs', `${program}.log`), 'utf8')).split('\n');
    const collector = (await linesOf('kube-controller-manager')).filter(line => /garbage/i.test(line));
    const controller = await linesOf('controller');
    return [nodes, allPods, ...controller.slice(-loggedLines), ...collector.slice(-loggedLines)].join('\n');
  }

  #statusWrong({ metadata, spec, status }: BitcoinNetwork): string | undefined {
    if (spec.nodes !== this.#wanted.get(metadata.name)) return 'its spec is not what was asked for';
    if (status?.observedGeneration !== metadata.generation) return 'its status is of an earlier generation';
    const bad = status?.conditions?.find(({ type, status: value }) => value !== (type === 'Suspended' ? 'False' : 'True'));
    if (bad !== undefined) return `${bad.type} is ${bad.status}: ${bad.reason} (${bad.message})`;
    if (status?.readyNodes !== spec.nodes || status.nodes?.length !== spec.nodes) return 'its status has not all nodes';
    return undefined;
  }

  #peersWrong({ status }: BitcoinNetwork): string | undefined {
    const ips = (status?.nodes ?? []).map(({ ip }) => ip);
    for (const ip of ips) {
      const { added } = this.#parts.bitcoind.node(ip);
      const others = ips.filter(other => other !== ip);
      if (added.size !== others.length || !others.every(other => added.has(other)))
        return `${ip} lists ${[...added].join(' ') || 'no node'}, not ${others.join(' ')}`;
    }
    return undefined;
  }

  async #attempt(what: string, act: () => Promise<unknown>): Promise<void> {
    this.done[what] = (this.done[what] ?? 0) + 1;
    try {
      await act();
    } catch (error) {
      // The object does not exist, exists already or has changed, or the API server is down: the action has no effect.
      if (error instanceof TypeError || error instanceof RangeError) throw error;
      this.done['nothing'] = (this.done['nothing'] ?? 0) + 1;
    }
  }

  async #createNetwork(name: string): Promise<void> {
    const nodes = this.#parts.random.integer(1, maxNodes);
    const index = this.#names.indexOf(name);
    const retention = { whenDeleted: this.#parts.random.pick(['Retain', 'Delete'] as const) };
    const spec: BitcoinNetworkSpec = {
      nodes,
      ...(index % secretEvery === 0 ? { secret: secretName } : {}),
      ...(index % storageEvery === 0 ? { storage: { size: '1Gi', storageClassName, retention } } : {}),
    };
    await this.#parts.client.create(networks, { apiVersion, kind, metadata: { namespace, name }, spec } as BitcoinNetwork);
    this.#wanted.set(name, nodes);
  }

  async #scale(name: string): Promise<void> {
    const nodes = this.#parts.random.integer(0, maxNodes);
    if (!this.#wanted.has(name)) return;
    await this.#edit(name, { nodes });
    this.#wanted.set(name, nodes);
  }

  #edit(name: string, spec: object): Promise<unknown> {
    return this.#parts.client.patch(networks, { namespace, name }, { spec }, { patchType: 'merge' });
  }

  async #suspend(name: string, suspend = true): Promise<void> {
    if (this.#wanted.has(name)) await this.#edit(name, { suspend });
  }

  /** As `kubectl rollout restart` does. */
  #restart(name: string): Promise<unknown> {
    const annotations = { 'kubectl.kubernetes.io/restartedAt': new Date().toISOString() };
    const body = { spec: { template: { metadata: { annotations } } } };
    return this.#parts.client.patch(statefulSets, { namespace, name: `${name}-sts` }, body, { patchType: 'merge' });
  }

  async #deleteOrCreate(name: string): Promise<void> {
    if (!this.#wanted.has(name)) {
      await this.#createNetwork(name);
      return;
    }
    await this.#parts.client.delete(networks, { namespace, name });
    this.#wanted.delete(name);
  }

  async #editReplicas(name: string): Promise<void> {
    const body = { spec: { replicas: this.#parts.random.integer(0, maxNodes) } };
    await this.#parts.client.patch(statefulSets, { namespace, name: `${name}-sts` }, body, { patchType: 'merge' });
  }

  /** A node that has been asked before misbehaves for a while. */
  #faultyNode(): Promise<void> {
    const { random, bitcoind } = this.#parts;
    const known = [...bitcoind.nodes.values()];
    if (known.length === 0) return Promise.resolve();
    const node = random.pick(known);
    node.fault = random.pick(faults);
    this.#later(() => (node.fault = undefined));
    return Promise.resolve();
  }

  /** Deletes or restores the Secret, or sets a password that no node accepts. */
  async #disturbSecret(): Promise<void> {
    const what = this.#parts.random.pick(['delete', 'restore', 'change'] as const);
    await this.#deleteSecret();
    if (what !== 'delete') await this.#createSecret(what === 'restore' ? credentials.password : 'another');
  }

  async #deleteSecret(): Promise<void> {
    try {
      await this.#parts.client.delete(secrets, { namespace, name: secretName });
    } catch (error) {
      if (apiStatusCode(error) !== 404) throw error;
    }
  }

  async #createSecret(password: string): Promise<void> {
    const data = { [userKey]: btoa(credentials.user), [passwordKey]: btoa(password) };
    await this.#parts.client.create(secrets, { metadata: { namespace, name: secretName }, data });
  }

  #breakConnections(what: 'cut' | 'freeze'): Promise<void> {
    this.#parts.proxy[what]();
    return Promise.resolve();
  }

  #unreachable(): Promise<void> {
    this.#parts.proxy.close();
    this.#later(() => this.#parts.proxy.open());
    return Promise.resolve();
  }

  #later(end: () => void): void {
    const timer = setTimeout(
      () => {
        this.#ends.delete(timer);
        end();
      },
      this.#parts.random.integer(500, longestFaultMs),
    );
    this.#ends.set(timer, end);
  }
}

/** Each node of a network with storage has a volume. */
function volumesWrong({ metadata, spec }: BitcoinNetwork, bound: ReadonlySet<string | undefined>): string | undefined {
  const claims = Array.from({ length: spec.nodes }, (_, ordinal) => `data-${metadata.name}-sts-${ordinal}`);
  const missing = spec.storage === undefined ? undefined : claims.find(claim => !bound.has(claim));
  return missing === undefined ? undefined : `the claim ${missing} is not bound`;
}

const volumeFor = (claim: string, uid: string): V1PersistentVolume => ({
  metadata: { name: uid },
  spec: {
    capacity: { storage: '1Gi' },
    accessModes: ['ReadWriteOnce'],
    storageClassName,
    persistentVolumeReclaimPolicy: 'Retain',
    claimRef: { namespace, name: claim, uid },
    hostPath: { path: '/nothing-mounts-it' },
  },
});
