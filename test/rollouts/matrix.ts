// One network on the real cluster, whose nodes are restarted by each kind of rollout while the controller is killed and stopped. After each
// one its chain must be the one that it had before, or the rollout must have been refused before any pod was restarted.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { passwordKey, previousPasswordKey, previousUserKey, userKey } from '../../src/bitcoin/api/names.ts';
import { controllerNamespace, release } from '../../tools/installation.ts';
import { waitUntil } from '../../tools/kubernetes/wait-until.ts';
import type { TestCluster } from '../support/cluster/cluster.ts';
import type { NetworkNamespace } from '../support/cluster/network-namespace.ts';
import { otherBitcoindImage } from '../support/cluster/other-bitcoind-image.ts';

export const kindsOfRollout = ['restart', 'option', 'image', 'credentials'] as const;
export type KindOfRollout = (typeof kindsOfRollout)[number];
export const storages = ['ephemeral', 'persistent'] as const;
export type Storage = (typeof storages)[number];

export interface Outcome {
  readonly storage: Storage;
  readonly nodes: number;
  readonly kind: KindOfRollout;
  readonly height: number;
  readonly outcome: 'kept' | 'refused' | 'lost';
  /** Until every node had been restarted and had the chain, or the rollout was refused. */
  readonly seconds: number;
  /** How often the controller was killed or stopped meanwhile. */
  readonly disturbances: number;
  /** What was wrong, or why the rollout was refused. */
  readonly reason?: string;
}

export interface MatrixParts {
  readonly cluster: TestCluster;
  readonly namespace: NetworkNamespace;
  /** Between two faults of the controller. Longer than its Lease lasts, or no process may ever lead. */
  readonly faultSeconds: number;
  /** For whatever is waited for, a rollout above all. */
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
}

/** The chart lets the controller read it. */
const secretName = 'bitcoin-default-secret';
const user = 'user';
const [firstPassword, rotatedPassword] = ['password', 'rotated'];
const blocksACall = 500;
/** Seldom enough not to slow down the nodes that it waits for. */
const pollMs = 500;
/** For so long a rollout that is refused is watched. */
const refusalMs = 20_000;

/** The network `name` of so many nodes, and the rollouts of it. */
export class RolledNetwork {
  readonly #parts: MatrixParts;
  readonly #storage: Storage;
  readonly #nodes: number;
  readonly #name: string;
  readonly #folders: string[] = [];
  #password = firstPassword;

  constructor(parts: MatrixParts, storage: Storage, nodes: number) {
    this.#parts = parts;
    this.#storage = storage;
    this.#nodes = nodes;
    this.#name = `${storage}-${nodes}`;
  }

  /** Makes the network, and blocks up to a height. */
  async create(height: number): Promise<void> {
    const { namespace, say, timeoutMs } = this.#parts;
    say(`Making ${this.#name}: ${height} blocks`);
    await namespace.kubectl('delete', 'secret', secretName, '--ignore-not-found');
    await this.#writeSecret('create', { [userKey]: user, [passwordKey]: this.#password });
    const isKept = this.#storage === 'persistent';
    if (isKept) for (let ordinal = 0; ordinal < this.#nodes; ordinal += 1) await this.#addVolume(ordinal);
    const storage = isKept ? { storage: { size: '1Gi', storageClassName: '' } } : {};
    await namespace.apply({ name: this.#name, spec: { nodes: this.#nodes, secret: secretName, ...storage } });
    const isConnected = async () => (await namespace.condition(this.#name, 'Connected')).startsWith('True ');
    await waitUntil('the network to be connected', timeoutMs, isConnected);
    await this.#generate(height);
    await this.#untilOneTip();
  }

  /** Rolls the network out, and says what became of its chain. */
  async roll(kind: KindOfRollout): Promise<Outcome> {
    const { namespace, timeoutMs } = this.#parts;
    // Each chain is longer than the last one: a node with an old copy is found.
    await this.#generate(1);
    await this.#untilOneTip();
    const [tip = ''] = await this.#tips();
    const height = await this.#rpc<number>(0, 'getblockcount');
    const before = await namespace.podUids(this.#name);
    const startedMs = performance.now();
    const row = { storage: this.#storage, nodes: this.#nodes, kind, height };
    const seconds = () => Math.round((performance.now() - startedMs) / 100) / 10;
    await this.#change(kind);
    if (this.#storage === 'ephemeral' && this.#nodes === 1) return await this.#refused(row, before, seconds);
    const faults = new ControllerFaults(this.#parts);
    try {
      let wrong = 'nothing was asked yet';
      while (performance.now() - startedMs < timeoutMs) {
        wrong = await this.#wrong(tip, before).catch((error: unknown) => (error as Error).message);
        if (wrong === '') return { ...row, outcome: 'kept', seconds: seconds(), disturbances: faults.count };
        await faults.next();
        await delay(pollMs);
      }
      return { ...row, outcome: 'lost', seconds: seconds(), disturbances: faults.count, reason: wrong };
    } finally {
      await faults.end();
    }
  }

  /** Deletes the network and its volumes. */
  async remove(): Promise<void> {
    const { namespace, cluster, timeoutMs } = this.#parts;
    await namespace.kubectl('delete', 'bitcoinnetwork', this.#name);
    await waitUntil('the pods to be gone', timeoutMs, async () => (await namespace.podUids(this.#name)).size === 0);
    await namespace.kubectl('delete', 'persistentvolumeclaims', '-l', `app=${this.#name}`, '--ignore-not-found');
    if (this.#folders.length > 0)
      await cluster.kubectl('delete', 'persistentvolume', ...this.#folders.map((_, ordinal) => `${this.#name}-${ordinal}`));
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true });
  }

  async #change(kind: KindOfRollout): Promise<void> {
    const { namespace } = this.#parts;
    switch (kind) {
      case 'restart':
        await namespace.kubectl('rollout', 'restart', `statefulset/${this.#name}-sts`);
        break;
      case 'option':
        await namespace.patch(this.#name, { bitcoinConf: ['maxmempool=50'] });
        break;
      case 'image':
        await namespace.patch(this.#name, { image: otherBitcoindImage });
        break;
      case 'credentials': {
        const previous = { [previousUserKey]: user, [previousPasswordKey]: this.#password };
        await this.#writeSecret('replace', { [userKey]: user, [passwordKey]: rotatedPassword, ...previous });
        this.#password = rotatedPassword;
        break;
      }
    }
  }

  /** The only node of a network without volumes is not restarted, and the condition says why. */
  async #refused(
    row: Pick<Outcome, 'storage' | 'nodes' | 'kind' | 'height'>,
    before: ReadonlyMap<string, string>,
    seconds: () => number,
  ): Promise<Outcome> {
    const { namespace } = this.#parts;
    const condition = () => namespace.condition(this.#name, 'UpToDate');
    const isRefused = async () => (await condition()).startsWith('False WouldLoseChain');
    await waitUntil('the rollout to be refused', refusalMs, isRefused).catch(() => undefined);
    const refusedAfter = seconds();
    await delay(refusalMs);
    const reason = await condition();
    const isKept = (await namespace.podUids(this.#name)).get(`${this.#name}-sts-0`) === before.get(`${this.#name}-sts-0`);
    const outcome = isKept && reason.startsWith('False WouldLoseChain') ? 'refused' : 'lost';
    return { ...row, outcome, seconds: refusedAfter, disturbances: 0, reason };
  }

  /** What differs from the end of a rollout that has kept the chain; empty if nothing does. */
  async #wrong(tip: string, before: ReadonlyMap<string, string>): Promise<string> {
    const { namespace } = this.#parts;
    const now = await namespace.podUids(this.#name);
    const waiting = [...before].filter(([name, uid]) => now.get(name) === uid || !now.has(name)).map(([name]) => name);
    if (waiting.length > 0)
      return `not restarted: ${waiting.join(' ')}; UpToDate is ${await namespace.condition(this.#name, 'UpToDate')}`;
    const tips = await this.#tips();
    if (tips.size !== 1 || !tips.has(tip)) return `tips ${[...tips].join(' ')}, not ${tip}`;
    const upToDate = await namespace.condition(this.#name, 'UpToDate');
    if (!upToDate.startsWith('True ')) return `UpToDate is ${upToDate}`;
    const connected = await namespace.condition(this.#name, 'Connected');
    return connected.startsWith('True ') ? '' : `Connected is ${connected}`;
  }

  async #untilOneTip(): Promise<void> {
    await waitUntil('all nodes to have one tip', this.#parts.timeoutMs, async () => (await this.#tips()).size === 1, pollMs);
  }

  async #tips(): Promise<Set<string>> {
    const ordinals = Array.from({ length: this.#nodes }, (_, ordinal) => ordinal);
    return new Set(await Promise.all(ordinals.map(ordinal => this.#rpc<string>(ordinal, 'getbestblockhash'))));
  }

  async #generate(count: number): Promise<void> {
    for (let left = count; left > 0; left -= blocksACall)
      await this.#rpc(0, 'generatetodescriptor', Math.min(left, blocksACall), 'raw(51)');
  }

  /** With the password of before the rotation if the node has not been restarted yet. */
  async #rpc<T>(ordinal: number, method: string, ...params: readonly unknown[]): Promise<T> {
    const ip = (await this.#parts.namespace.nodes(this.#name)).find(node => node.ordinal === ordinal)?.ip;
    if (ip === undefined) throw new Error(`no address of node ${ordinal} in status`);
    const call = (password: string) =>
      fetch(`http://${ip}:18443/`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`${user}:${password}`)}` },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      });
    let response = await call(this.#password);
    if (response.status === 401) response = await call(firstPassword);
    if (response.status === 401) throw new Error(`node ${ordinal} refuses the credentials`);
    const { result, error } = (await response.json()) as { result: T; error?: { message: string } };
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  async #writeSecret(verb: 'create' | 'replace', stringData: Readonly<Record<string, string>>): Promise<void> {
    const { cluster, namespace } = this.#parts;
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: secretName, namespace: namespace.name }, stringData };
    await cluster.kubectlWithInput(JSON.stringify(secret), verb, '-f', '-');
  }

  async #addVolume(ordinal: number): Promise<void> {
    const folder = await mkdtemp(path.join(tmpdir(), 'bitcoin-controller-volume-'));
    this.#folders.push(folder);
    // The kubelet gives folders of the machine no owner.
    await chmod(folder, 0o777);
    const volume = {
      ...{ apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: `${this.#name}-${ordinal}` } },
      spec: {
        ...{ capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain' },
        ...{ storageClassName: '', hostPath: { path: folder } },
        claimRef: { namespace: this.#parts.namespace.name, name: `data-${this.#name}-sts-${ordinal}` },
      },
    };
    await this.#parts.cluster.kubectlWithInput(JSON.stringify(volume), 'apply', '--server-side', '-f', '-');
  }
}

/** Kills the controller, and stops it, in turn. */
class ControllerFaults {
  readonly #parts: MatrixParts;
  #nextMs: number;
  #isStopped = false;
  count = 0;

  constructor(parts: MatrixParts) {
    this.#parts = parts;
    // The first one comes when the rollout has just started.
    this.#nextMs = performance.now() + 1_500;
  }

  /** Runs the next fault if it is time. */
  async next(): Promise<void> {
    if (performance.now() < this.#nextMs) return;
    this.#nextMs = performance.now() + this.#parts.faultSeconds * 1_000;
    if (this.#isStopped) {
      await this.#scale(1);
      return;
    }
    this.count += 1;
    if (this.count % 2 === 1) await this.#kill();
    else await this.#scale(0);
  }

  async end(): Promise<void> {
    if (this.#isStopped) await this.#scale(1);
    await this.#parts.cluster.kubectl('-n', controllerNamespace, 'rollout', 'status', `deployment/${release}`, '--timeout=180s');
  }

  /** Without the time to give up its Lease. */
  async #kill(): Promise<void> {
    const labels = `app.kubernetes.io/instance=${release}`;
    await this.#parts.cluster.kubectl('-n', controllerNamespace, 'delete', 'pods', '-l', labels, '--grace-period=0', '--force');
  }

  async #scale(replicas: number): Promise<void> {
    await this.#parts.cluster.kubectl('-n', controllerNamespace, 'scale', `deployment/${release}`, `--replicas=${replicas}`);
    this.#isStopped = replicas === 0;
  }
}
