// A network whose bitcoinds are real and whose cluster is in memory: the controller's loops with true chains and connections, without an API server.
import {
  type BitcoinExperiment,
  type BitcoinExperimentSpec,
  experimentApiVersion,
  experimentKind,
} from '../../src/bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork, BitcoinNetworkSpec, BitcoinNetworkStatus } from '../../src/bitcoin/api/bitcoin-network.ts';
import type { RpcCall } from '../../src/bitcoin/rpc/rpc-client.ts';
import { NetworkController, type NetworkControllerOptions } from '../../src/controller/network-controller.ts';
import { FakeRecorder } from '../../src/record/core/fake-recorder.ts';
import type { KubeObject } from '../../src/kube/resource.ts';
import type { Change } from '../../src/runtime/object-store.ts';
import { network, pod } from './builders.ts';
import { fakeCaches } from './fakes/fake-cache.ts';
import { FakeCluster } from './fakes/fake-cluster.ts';
import { RecordingLogger } from './fakes/recording-logger.ts';
import { RealBitcoind } from './processes/real-bitcoind.ts';

export interface PlayedOptions {
  /** Default: alice. */
  readonly name?: string;
  /** A network of the same cluster, whose controller is this one's too. Default: a cluster of its own. */
  readonly beside?: PlayedNetwork;
}

/** Those of a network without a Secret. */
const credentials = { user: 'user', password: 'password' };

/** Whether a process runs. */
interface ControllerLife {
  isAlive: boolean;
}

export class PlayedNetwork {
  readonly cluster: FakeCluster;
  readonly recorder: FakeRecorder;
  readonly bitcoinds: RealBitcoind[];
  readonly #caches: ReturnType<typeof fakeCaches>;
  readonly #name: string;
  readonly #subnet: number;
  #pods = 0;
  #stop = new AbortController();
  #life: ControllerLife = { isAlive: true };
  #running = Promise.resolve();

  private constructor(bitcoinds: RealBitcoind[], subnet: number, { name = 'alice', beside }: PlayedOptions) {
    this.bitcoinds = bitcoinds;
    this.#subnet = subnet;
    this.#name = name;
    this.cluster = beside?.cluster ?? new FakeCluster();
    this.recorder = beside?.recorder ?? new FakeRecorder();
    this.#caches = beside === undefined ? fakeCaches() : beside.#caches;
    if (beside !== undefined) return;
    this.cluster.onStored = (plural, object, old) => {
      const change = old === undefined ? ({ type: 'added', object } as const) : ({ type: 'updated', object, old } as const);
      if (plural === 'services') this.#caches.services.emit(change);
      if (plural === 'statefulsets') this.#caches.statefulSets.emit(change);
      if (plural === 'bitcoinnetworks') this.#caches.networks.emit(change);
      if (plural === 'bitcoinexperiments') this.#emitExperiment(change);
    };
  }

  /** As an API server: an object that is being deleted is gone with its last finalizer. */
  #emitExperiment(change: Change<KubeObject>): void {
    const { metadata } = change.object as BitcoinExperiment;
    if (metadata.deletionTimestamp === undefined || (metadata.finalizers?.length ?? 0) > 0) {
      this.#caches.experiments.emit(change);
      return;
    }
    this.cluster.remove('bitcoinexperiments', `default/${metadata.name}`);
    this.#caches.experiments.emit({ type: 'deleted', object: change.object });
  }

  /** Creates an experiment with the network. */
  experiment(name: string, steps: BitcoinExperimentSpec['steps'], fields: Partial<BitcoinExperimentSpec> = {}): void {
    const metadata = { name, namespace: 'default', uid: `uid-${name}`, generation: 1, creationTimestamp: new Date() };
    const spec = { network: { name: 'alice' }, steps, ...fields };
    const object: BitcoinExperiment = { apiVersion: experimentApiVersion, kind: experimentKind, metadata, spec };
    this.cluster.put('bitcoinexperiments', object);
  }

  /** Undefined once it is gone. */
  experimentOf(name: string): BitcoinExperiment | undefined {
    return this.cluster.object('bitcoinexperiments', `default/${name}`) as BitcoinExperiment | undefined;
  }

  deleteExperiment(name: string): void {
    const { metadata, ...rest } = this.experimentOf(name)!;
    const kept = Object.fromEntries(Object.entries(metadata).filter(([field]) => field !== 'resourceVersion'));
    this.cluster.put('bitcoinexperiments', { ...rest, metadata: { ...kept, deletionTimestamp: new Date() } } as KubeObject);
  }

  /** Starts the bitcoinds, at 127.0.SUBNET.1 and above. */
  static async start(nodes: number, subnet: number, options: PlayedOptions = {}): Promise<PlayedNetwork> {
    const { name = 'alice' } = options;
    const addresses = Array.from({ length: nodes }, (_, ordinal) => `127.0.${subnet}.${ordinal + 1}`);
    // A small keypool: wallets are created at once.
    const args = addresses.map((_, ordinal) => [`-uacomment=${name}-sts-${ordinal}`, '-keypool=10']);
    const started = addresses.map((ip, ordinal) => RealBitcoind.start({ ...credentials, ip, args: args[ordinal] ?? [] }));
    return new PlayedNetwork(await Promise.all(started), subnet, options);
  }

  /** Starts a controller that knows nothing. */
  control(options: Partial<NetworkControllerOptions> = {}): void {
    this.#stop = new AbortController();
    this.#life = { isAlive: true };
    const controller = new NetworkController({
      ...{
        name: 'test',
        client: this.#clientOf(this.#life),
        caches: this.#caches,
        recorder: this.recorder,
        logger: new RecordingLogger(),
      },
      ...{ recheckMs: 120_000, concurrency: 1, pods: { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' } },
      ...options,
    });
    this.#running = controller.run(this.#stop.signal);
    // As an informer that has listed.
    for (const object of this.#caches.networks.objects) this.#caches.networks.emit({ type: 'added', object });
    for (const object of this.#caches.experiments.objects) this.#caches.experiments.emit({ type: 'added', object });
  }

  /** The writes of the controller from now on have no effect, as after SIGKILL; another one is started. */
  killController(): void {
    this.#life.isAlive = false;
    this.#stop.abort(new Error('killed'));
    this.control();
  }

  /** The cluster, for one process. */
  #clientOf(life: ControllerLife): FakeCluster {
    return new Proxy(this.cluster, {
      get: (cluster, name) => {
        const member: unknown = Reflect.get(cluster, name, cluster);
        if (typeof member !== 'function') return member;
        return (...given: readonly unknown[]): unknown => {
          if (!life.isAlive) return Promise.reject(new Error('the process was killed'));
          return Reflect.apply(member, cluster, given);
        };
      },
    });
  }

  async stopControlling(): Promise<void> {
    this.#stop.abort(new Error('the test says so'));
    await this.#running;
  }

  async stop(): Promise<void> {
    await this.stopControlling();
    await Promise.all(this.bitcoinds.map(bitcoind => bitcoind.stop()));
  }

  /** Creates the network, with the pods that its StatefulSet makes. */
  create(spec: Partial<BitcoinNetworkSpec>): void {
    const { cluster } = this;
    const stored = cluster.onStored;
    cluster.onStored = (plural, object, old) => {
      stored(plural, object, old);
      if (plural !== 'statefulsets' || old !== undefined || object.metadata?.name !== `${this.#name}-sts`) return;
      for (const ordinal of this.bitcoinds.keys()) this.#addPod(ordinal, object.metadata.uid ?? '');
    };
    cluster.put(
      'bitcoinnetworks',
      network({ nodes: this.bitcoinds.length, ...spec }, { name: this.#name, uid: `uid-${this.#name}` }),
    );
  }

  /**
   * Restarts a bitcoind as its kubelet would: the pod is not ready meanwhile.
   * @param isKilled whether it loses what it has not written to disk
   */
  async restart(ordinal: number, isKilled: boolean): Promise<void> {
    const uid = this.#caches.statefulSets.objects[0]!.metadata!.uid!;
    this.#addPod(ordinal, uid, false);
    const bitcoind = this.bitcoinds[ordinal];
    await (isKilled ? bitcoind?.killAndRestart() : bitcoind?.restart());
    this.#addPod(ordinal, uid);
  }

  #addPod(ordinal: number, uid: string, isReady = true): void {
    const made = pod(`${this.#name}-sts-${ordinal}`, { ip: this.#addressOf(ordinal), isReady });
    const ownerReferences = [{ apiVersion: 'apps/v1', kind: 'StatefulSet', name: `${this.#name}-sts`, uid, controller: true }];
    this.#pods += 1;
    const metadata = { ...made.metadata, uid: `uid-pod-${this.#pods}`, ownerReferences };
    this.#caches.pods.emit({ type: 'added', object: { ...made, metadata } });
  }

  /** Kills a node; its StatefulSet starts another one, without blocks. */
  async killNode(ordinal: number): Promise<void> {
    const name = `${this.#name}-sts-${ordinal}`;
    const object = this.#caches.pods.get(`default/${name}`);
    if (object === undefined) return;
    this.#caches.pods.emit({ type: 'deleted', object });
    await this.bitcoinds[ordinal]?.stop();
    const ip = this.#addressOf(ordinal);
    this.bitcoinds[ordinal] = await RealBitcoind.start({ ...credentials, ip, args: [`-uacomment=${name}`] });
    this.#addPod(ordinal, object.metadata?.ownerReferences?.[0]?.uid ?? '');
  }

  /** Starts one more node, without blocks. Its StatefulSet would, once spec.nodes counts it. */
  async addNode(): Promise<void> {
    const ordinal = this.bitcoinds.length;
    const args = [`-uacomment=${this.#name}-sts-${ordinal}`];
    this.bitcoinds.push(await RealBitcoind.start({ ...credentials, ip: this.#addressOf(ordinal), args }));
    this.#addPod(ordinal, this.#caches.statefulSets.objects[0]?.metadata?.uid ?? '');
  }

  #addressOf(ordinal: number): string {
    return `127.0.${this.#subnet}.${ordinal + 1}`;
  }

  /** Changes fields of the spec; undefined removes one. */
  edit(fields: { readonly [K in keyof BitcoinNetworkSpec]?: BitcoinNetworkSpec[K] | undefined }): void {
    const { metadata, spec, ...rest } = this.#stored;
    const { name, namespace, uid, generation = 0 } = metadata;
    const edited = Object.fromEntries(Object.entries({ ...spec, ...fields }).filter(([, value]) => value !== undefined));
    const object = { ...rest, metadata: { name, namespace, uid, generation: generation + 1 }, spec: edited };
    this.cluster.put('bitcoinnetworks', object as unknown as BitcoinNetwork);
  }

  get #stored(): BitcoinNetwork {
    return this.cluster.object('bitcoinnetworks', `default/${this.#name}`) as BitcoinNetwork;
  }

  get status(): BitcoinNetworkStatus {
    return this.#stored.status ?? {};
  }

  /** As "True Cut"; empty if the network does not have it. */
  condition(type: string): string {
    const found = this.status.conditions?.find(each => each.type === type);
    return found === undefined ? '' : `${found.status} ${found.reason}`;
  }

  /** The messages of the events of a reason, in order. One that a second process publishes again has the same name, so that the API server has it once. */
  events(reason: string): string[] {
    const texts = new Set(this.recorder.events.filter(event => event.split(' ')[1] === reason));
    return [...texts].map(text => text.split(' ').slice(2).join(' '));
  }

  async mine(ordinal: number, blocks: number): Promise<void> {
    const script = `raw(02${ordinal.toString(16).padStart(2, '0')}007551)`;
    await this.call(ordinal, { method: 'generatetodescriptor', params: [blocks, script] });
  }

  async call(ordinal: number, call: RpcCall): Promise<unknown> {
    const [result] = (await this.bitcoinds[ordinal]?.call(call)) ?? [];
    return result;
  }

  async callWallet(ordinal: number, wallet: string, call: RpcCall): Promise<unknown> {
    const [result] = (await this.bitcoinds[ordinal]?.callWallet(wallet, call)) ?? [];
    return result;
  }

  /** The tip of each node, as it says itself. */
  async tips(): Promise<string[]> {
    return await Promise.all(
      this.bitcoinds.map(async (_, ordinal) => String(await this.call(ordinal, { method: 'getbestblockhash' }))),
    );
  }
}
