// WalletKeeper: keeps the wallets of nodes created and loaded, in a queue of its own that is keyed by node. It never waits for a reconcile, and
//   a node that hangs delays only its own wallets.
import { NEVER, type Observable, Subject } from 'rxjs';
import type { BitcoinNetwork, BitcoinNetworkWallet } from '../../bitcoin/api/bitcoin-network.ts';
import { type NodeWallet, paidOrdinal } from '../../bitcoin/chain/funding.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import { batchWithEither } from '../../bitcoin/rpc/either-credentials.ts';
import type { Credentials, RpcCall } from '../../bitcoin/rpc/rpc-client.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import { addressOf, newAddressCall } from '../../bitcoin/rpc/wallets.ts';
import { isReachable, type Node } from '../../bitcoin/topology/peer-plan.ts';
import { keyOf } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import { Controller, type ControllerMetrics, type Request, type Result } from '../../runtime/controller.ts';
import type { WorkQueue } from '../../runtime/work-queue.ts';
import { keepWallets, type WalletBatch, type WalletsStep } from './keep-wallets.ts';

export interface WalletKeeperOptions {
  /** The name of the queue's controller in metrics. */
  readonly name: string;
  readonly queue: WorkQueue;
  readonly logger: Logger;
  readonly metrics?: ControllerMetrics | undefined;
  /** For how many milliseconds this process is the leader at least. */
  readonly leadsForMs: () => number;
  /** The network as it is stored now. */
  readonly stored: (key: string) => BitcoinNetwork | undefined;
  /** How often nodes are asked whether their wallets are still loaded. */
  readonly recheckMs: number;
  /** Sends calls to a node. Default: batchWithEither. */
  readonly batch?: typeof batchWithEither;
}

/** What a reconcile knows of a network. */
export interface WalletsRequest {
  readonly nodes: readonly Node[];
  /** The ordinals that the network should have. */
  readonly ordinals: ReadonlySet<number>;
  /** Undefined: no wallet is touched until there are some. */
  readonly credentials: Credentials | undefined;
  /** Of nodes that do not have the new ones yet. */
  readonly previous?: readonly Credentials[] | undefined;
}

export interface WalletsState {
  readonly reason: 'WalletsLoaded' | 'LoadingWallets' | 'NodeNotReady' | 'WalletsUnsupported' | 'WalletFailed';
  readonly message: string;
}

export interface WalletsObserved {
  readonly state: WalletsState;
  /** Those that have been created, as far as it is known. */
  readonly wallets: readonly BitcoinNetworkWallet[];
}

/** A node that should have wallets. */
interface NodeEntry {
  readonly network: NetworkEntry;
  readonly ordinal: number;
  node: Node | undefined;
  names: readonly string[];
  /** The names of those that blocks pay to. */
  paid: readonly string[];
  step: WalletsStep | undefined;
  /** Of the wallets of its present pod, by name: the wallets of another one have other keys. */
  addresses: Map<string, string>;
}

interface NetworkEntry {
  network: BitcoinNetwork;
  request: WalletsRequest;
  readonly nodes: Map<number, NodeEntry>;
}

const timeoutMs = 30_000;
const waitMs = 500;
/** The states by what needs attention first. */
const order: readonly WalletsState['reason'][] = ['WalletsUnsupported', 'WalletFailed', 'NodeNotReady', 'LoadingWallets'];

export class WalletKeeper {
  readonly #options: WalletKeeperOptions;
  readonly #controller: Controller;
  readonly #networks = new Map<string, NetworkEntry>();
  /** By the key in the queue. */
  readonly #nodes = new Map<string, NodeEntry>();
  readonly #requests = new Subject<Request>();

  constructor(options: WalletKeeperOptions) {
    this.#options = options;
    const { name, queue, logger, metrics } = options;
    const reconcile = (key: string, signal: AbortSignal) => this.#reconcile(key, signal);
    this.#controller = new Controller({ name, queue, logger, metrics, reconcile, requests: NEVER, concurrency: 200 });
  }

  /** The networks whose wallets have changed. */
  get requests(): Observable<Request> {
    return this.#requests;
  }

  /** Keeps wallets until `signal` aborts, then ends what is in progress. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#controller.run(signal);
  }

  /** An address of a wallet that should be paid; undefined until there is one. */
  addressOf(key: string, { name, ordinal }: NodeWallet): string | undefined {
    return this.#networks.get(key)?.nodes.get(ordinal)?.addresses.get(name);
  }

  /** Call at each reconcile of a network. Never waits. @returns undefined if it wants no wallets, or none of its nodes is known yet */
  observe(network: BitcoinNetwork, request: WalletsRequest): WalletsObserved | undefined {
    const key = keyOf(network);
    if (this.#networks.get(key)?.network.metadata.uid !== network.metadata.uid) this.forget(key);
    const wanted = wantedOf(network, request.ordinals);
    if (wanted.size === 0) {
      this.forget(key);
      return undefined;
    }
    const entry: NetworkEntry = this.#networks.get(key) ?? { network, request, nodes: new Map() };
    this.#networks.set(key, entry);
    const { credentials, previous } = entry.request;
    const isOther = JSON.stringify([credentials, previous]) !== JSON.stringify([request.credentials, request.previous]);
    Object.assign(entry, { network, request });
    for (const ordinal of entry.nodes.keys()) if (!wanted.has(ordinal)) this.#remove(key, entry, ordinal);
    for (const [ordinal, names] of wanted) this.#update(key, entry, ordinal, names, isOther);
    return observedIn(entry);
  }

  /** Call with the key of a network that is gone, paused or suspended. */
  forget(key: string): void {
    const entry = this.#networks.get(key);
    if (entry === undefined) return;
    this.#networks.delete(key);
    for (const ordinal of entry.nodes.keys()) this.#remove(key, entry, ordinal);
  }

  #remove(key: string, entry: NetworkEntry, ordinal: number): void {
    entry.nodes.delete(ordinal);
    this.#nodes.delete(nodeKey(key, ordinal));
  }

  #update(key: string, network: NetworkEntry, ordinal: number, names: readonly string[], isOther: boolean): void {
    const node = network.request.nodes.find(each => each.ordinal === ordinal && isReachable(each));
    const known = network.nodes.get(ordinal);
    const paid = paidOn(network, ordinal);
    const entry = known ?? { network, ordinal, node, names, paid, step: undefined, addresses: new Map<string, string>() };
    const isOtherPod = identityOf(known?.node) !== identityOf(node);
    if (isOtherPod) entry.addresses = new Map();
    const isNew = known === undefined || isOther || isOtherPod || String(known.names) !== String(names);
    const hasNewPayment = paid.some(name => !entry.paid.includes(name) && !entry.addresses.has(name));
    entry.paid = paid;
    // What it said before it was restarted does not count.
    if (isNew) Object.assign(entry, { node, names, step: undefined });
    network.nodes.set(ordinal, entry);
    this.#nodes.set(nodeKey(key, ordinal), entry);
    if ((isNew || hasNewPayment) && node !== undefined) this.#options.queue.add(nodeKey(key, ordinal));
  }

  async #reconcile(queueKey: string, signal: AbortSignal): Promise<Result> {
    const entry = this.#nodes.get(queueKey);
    if (entry?.node === undefined || entry.network.request.credentials === undefined) return {};
    if (this.#options.leadsForMs() < waitMs) return { requeueAfterMs: waitMs };
    const { network, node, addresses } = entry;
    const key = keyOf(network.network);
    const batch = this.#batchOf(entry, entry.network.request.credentials, signal);
    const isRecorded = (name: string) => isIn(this.#options.stored(key)?.status?.wallets, { name, ordinal: entry.ordinal });
    const step = await keepWallets(batch, { node: node.name, names: entry.names, isRecorded });
    signal.throwIfAborted();
    for (const name of entry.names) if (step.present?.has(name) === false) addresses.delete(name);
    const result = step.state.reason === 'WalletsLoaded' ? await this.#fund(entry, addresses, batch) : step.result;
    if (this.#nodes.get(queueKey) !== entry || entry.node !== node) return {};
    const before = JSON.stringify(observedIn(network));
    // What it has is known from before while it does not answer.
    const present = step.present ?? entry.step?.present;
    entry.step = present === undefined ? step : { ...step, present };
    if (JSON.stringify(observedIn(network)) !== before) this.#requests.next({ key });
    return result;
  }

  #batchOf({ network, node }: NodeEntry, credentials: Credentials, signal: AbortSignal): WalletBatch {
    const { rpcPort: port } = chainParametersOf(network.network.spec);
    const access = { host: node?.ip ?? '', port, credentials, previous: network.request.previous };
    const { batch = batchWithEither } = this.#options;
    return (calls: readonly RpcCall[], { wallet }) => batch({ ...access, wallet }, calls, { timeoutMs, signal });
  }

  /** Gets addresses of the wallets that blocks pay to. */
  async #fund({ paid }: NodeEntry, addresses: Map<string, string>, batch: WalletBatch): Promise<Result> {
    for (const name of paid) {
      if (addresses.has(name)) continue;
      try {
        const [outcome] = await batch([newAddressCall], { wallet: name });
        addresses.set(name, addressOf(outcome));
      } catch (error) {
        if (error instanceof BitcoinRpcError || error instanceof BitcoinTransportError) return { requeue: 'rateLimited' };
        throw error;
      }
    }
    return { requeueAfterMs: this.#options.recheckMs };
  }
}

const nodeKey = (key: string, ordinal: number): string => `${key}|${ordinal}`;
const identityOf = (node: Node | undefined): string => (node === undefined ? '' : `${node.name} ${node.ip}`);
const isIn = (wallets: readonly BitcoinNetworkWallet[] = [], { name, ordinal }: NodeWallet): boolean =>
  wallets.some(wallet => wallet.name === name && wallet.ordinals.includes(ordinal));

/** The names of the wallets of a node that blocks pay to. */
const paidOn = ({ network: { spec }, request: { ordinals } }: NetworkEntry, ordinal: number): string[] =>
  (spec.wallets ?? [])
    .filter(wallet => (wallet.blocks ?? 0) > 0 && paidOrdinal(wallet, ordinals) === ordinal)
    .map(({ name }) => name);

/** The names of the wallets that nodes should have, by ordinal. */
function wantedOf({ spec: { wallets = [] } }: BitcoinNetwork, ordinals: ReadonlySet<number>): Map<number, string[]> {
  const wanted = new Map<number, string[]>();
  for (const { name, ordinals: named = [0] } of wallets)
    for (const ordinal of named) if (ordinals.has(ordinal)) wanted.set(ordinal, [...(wanted.get(ordinal) ?? []), name]);
  return wanted;
}

function observedIn({ network, nodes }: NetworkEntry): WalletsObserved | undefined {
  const entries = [...nodes.values()];
  const states = entries.flatMap(({ node, ordinal, step }): WalletsState[] => {
    if (node === undefined) return [{ reason: 'NodeNotReady', message: `node ${ordinal} is not ready` }];
    return step === undefined || step.state.reason === 'WalletsLoaded' ? [] : [step.state];
  });
  const [worst] = states.toSorted((one, other) => order.indexOf(one.reason) - order.indexOf(other.reason));
  if (worst === undefined && entries.some(({ step }) => step === undefined)) return undefined;
  const count = entries.reduce((sum, { names }) => sum + names.length, 0);
  const loaded = count === 1 ? '1 wallet is loaded' : `${count} wallets are loaded`;
  const has = (name: string, { ordinal, step }: NodeEntry): boolean =>
    step?.present?.has(name) ?? isIn(network.status?.wallets, { name, ordinal });
  const wallets = (network.spec.wallets ?? []).flatMap(({ name }) => {
    const own = entries.filter(entry => entry.names.includes(name) && has(name, entry)).map(({ ordinal }) => ordinal);
    return own.length === 0 ? [] : [{ name, ordinals: own.sort((a, b) => a - b) }];
  });
  return { state: worst ?? { reason: 'WalletsLoaded', message: loaded }, wallets };
}
