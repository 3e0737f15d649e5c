// ChainCopier: copies the chains that new networks start with, in a queue of its own that is keyed by network. It never waits for a
//   reconcile, and a node that hangs delays only its own network.
import { NEVER, type Observable, Subject } from 'rxjs';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import { batchWithEither, type NodeAccess } from '../../bitcoin/rpc/either-credentials.ts';
import type { Credentials, RpcCall } from '../../bitcoin/rpc/rpc-client.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { isReachable, type Node } from '../../bitcoin/topology/peer-plan.ts';
import { keyOf } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import { ConcurrencyLimit } from '../../runtime/concurrency-limit.ts';
import { Controller, type ControllerMetrics, type Request, type Result } from '../../runtime/controller.ts';
import type { WorkQueue } from '../../runtime/work-queue.ts';
import { conditionIn } from '../status/condition.ts';
import type { CopyEnd } from './block-source.ts';
import { ChainCopy, type CopyStep } from './chain-copy.ts';
import { copied, copying, type CopyState, type FixedBlock } from './copy-state.ts';
import { fixBlock } from './fix-block.ts';
import { isChainLost } from './lost-chain.ts';
import type { Source, SourceNetworks } from './source-networks.ts';

export interface ChainCopierOptions {
  /** The name of the queue's controller in metrics. */
  readonly name: string;
  readonly queue: WorkQueue;
  readonly logger: Logger;
  readonly metrics?: ControllerMetrics | undefined;
  /** For how many milliseconds this process is the leader at least. */
  readonly leadsForMs: () => number;
  readonly sources: Pick<SourceNetworks, 'find'>;
  /** The network as it is stored now. */
  readonly stored: (key: string) => BitcoinNetwork | undefined;
  /** Default: 100 MiB. */
  readonly maxBytes?: number;
  /** Sends calls to a node. Default: batchWithEither. */
  readonly batch?: typeof batchWithEither;
}

/** What a reconcile knows of a network. */
export interface CopyRequest {
  readonly nodes: readonly Node[];
  /** The last reports of the ready nodes. */
  readonly reports: readonly NodeReport[];
  /** Undefined: nothing is copied until there are some. */
  readonly credentials: Credentials | undefined;
  /** Of nodes that do not have the new ones yet. */
  readonly previous?: readonly Credentials[] | undefined;
}

export interface CopyObserved {
  readonly state: CopyState;
  /** Undefined until the other network has it. */
  readonly fixed: FixedBlock | undefined;
}

interface Entry {
  network: BitcoinNetwork;
  request: CopyRequest;
  fingerprint: string;
  state: CopyState;
  fixed: FixedBlock | undefined;
  copy: ChainCopy | undefined;
  /** The monotonic time at which all blocks were copied, or were known to be; undefined while they are not. */
  copiedAtMs: number | undefined;
  /** The monotonic time at which the network was requested last. */
  requestedAtMs: number;
}

const defaultMaxBytes = 100 << 20;
const readTimeoutMs = 5_000;
/** Less than a Lease lasts. */
const submitTimeoutMs = 6_000;
const marginMs = 500;
/** The informer has the status soon after it was written. */
const storedMs = 50;
const waitMs = 500;
/** How often a network is requested for progress alone. */
const progressMs = 1_000;
/** How many steps may have blocks in memory, up to some 2 MiB each. One that hangs does not count for longer. */
const maxSteps = 8;
const longestStepMs = 1_000;

export class ChainCopier {
  readonly #options: ChainCopierOptions;
  readonly #controller: Controller;
  readonly #entries = new Map<string, Entry>();
  readonly #requests = new Subject<Request>();
  readonly #steps = new ConcurrencyLimit(maxSteps, longestStepMs);

  constructor(options: ChainCopierOptions) {
    this.#options = options;
    const { name, queue, logger, metrics } = options;
    const reconcile = (key: string, signal: AbortSignal) => this.#reconcile(key, signal);
    this.#controller = new Controller({ name, queue, logger, metrics, reconcile, requests: NEVER, concurrency: 100 });
  }

  /** The networks whose copy has made progress. */
  get requests(): Observable<Request> {
    return this.#requests;
  }

  /** Copies blocks until `signal` aborts, then ends what is in progress. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#controller.run(signal);
  }

  /** Whether the network waits for its blocks: no node is connected until then, and no block made. */
  isHeld(network: BitcoinNetwork): boolean {
    if (network.spec.bootstrap === undefined) return false;
    const entry = this.#entryOf(network);
    return entry === undefined ? !isCopiedIn(network) : entry.copiedAtMs === undefined;
  }

  /** Call at each reconcile of a network. Never waits. @returns undefined if it copies nothing */
  observe(network: BitcoinNetwork, request: CopyRequest): CopyObserved | undefined {
    const key = keyOf(network);
    if (this.#entryOf(network) === undefined) this.forget(key);
    if (network.spec.bootstrap === undefined) {
      this.forget(key);
      return undefined;
    }
    const entry = this.#entries.get(key) ?? newEntry(network, request);
    this.#entries.set(key, entry);
    Object.assign(entry, { network, request });
    const { fixed, copiedAtMs } = entry;
    if (fixed !== undefined && copiedAtMs !== undefined && isChainLost(network, fixed.height, request, copiedAtMs)) {
      entry.copiedAtMs = undefined;
      entry.state = copying(fixed, sourceOf(network), 0, 'the nodes have lost them');
    }
    const { nodes, credentials, previous } = request;
    const fingerprint = JSON.stringify([nodes.map(identityOf), credentials, previous, entry.copiedAtMs === undefined]);
    if (entry.copiedAtMs === undefined && fingerprint !== entry.fingerprint) this.#options.queue.add(key);
    entry.fingerprint = fingerprint;
    return { state: entry.state, fixed: entry.fixed };
  }

  /** Call with the key of a network that is gone, paused or suspended: nothing is copied any more. */
  forget(key: string): void {
    this.#entries.delete(key);
  }

  #entryOf(network: BitcoinNetwork): Entry | undefined {
    const entry = this.#entries.get(keyOf(network));
    return entry?.network.metadata.uid === network.metadata.uid ? entry : undefined;
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.copiedAtMs !== undefined) return {};
    if (!this.#maySubmit()) return { requeueAfterMs: waitMs };
    const { result, state } = await this.#steps.run(() => this.#step(key, entry, signal));
    if (this.#entries.get(key) !== entry) return {};
    const before = entry.state;
    entry.state = state;
    const nowMs = performance.now();
    if (state.reason === 'Copied') Object.assign(entry, { copiedAtMs: nowMs, copy: undefined });
    const isDue = state.message !== before.message && nowMs - entry.requestedAtMs > progressMs;
    if (state.reason !== before.reason || isDue) this.#request(key, entry);
    return result;
  }

  async #step(key: string, entry: Entry, signal: AbortSignal): Promise<CopyStep> {
    const from = sourceOf(entry.network);
    const find = async () => {
      const source = await this.#options.sources.find(entry.network, signal);
      return 'reason' in source ? source : { ...source, ends: this.#endsOf(source) };
    };
    if (entry.fixed === undefined) return await this.#fix(key, entry, await find(), signal);
    const { fixed } = entry;
    // Another process would copy another block otherwise, if the other network has a fork.
    if (this.#options.stored(key)?.status?.bootstrap?.hash !== fixed.hash)
      return { result: { requeueAfterMs: storedMs }, state: copying(fixed, from, 0) };
    const target = this.#targetOf(entry);
    // Requested again when a node is ready.
    if (target === undefined) return { result: {}, state: copying(fixed, from, 0, 'no node is ready to take them') };
    const { maxBytes = defaultMaxBytes } = this.#options;
    entry.copy ??= new ChainCopy({ fixed, from, maxBytes, maySubmit: () => this.#maySubmit() });
    const sourcesOf = async () => {
      const source = await find();
      return 'reason' in source ? source : source.ends;
    };
    return await entry.copy.step(target, sourcesOf, signal);
  }

  async #fix(
    key: string,
    entry: Entry,
    source: (Source & { readonly ends: readonly CopyEnd[] }) | CopyState,
    signal: AbortSignal,
  ): Promise<CopyStep> {
    const { bootstrap } = entry.network.spec;
    if ('reason' in source || bootstrap === undefined)
      return { result: { requeueAfterMs: waitMs }, state: 'reason' in source ? source : entry.state };
    const { maxBytes = defaultMaxBytes } = this.#options;
    const fixed = await fixBlock(bootstrap, source.ends, { initialBlocks: source.initialBlocks, maxBytes }, signal);
    if ('reason' in fixed) return { result: { requeue: 'rateLimited' }, state: fixed };
    entry.fixed = fixed;
    if (this.#entries.get(key) === entry) this.#request(key, entry);
    return { result: { requeueAfterMs: storedMs }, state: copying(fixed, bootstrap.network.name, 0) };
  }

  #endOf({ name }: Node, access: NodeAccess, timeoutMs: number): CopyEnd {
    const { batch = batchWithEither } = this.#options;
    return { name, batch: (calls: readonly RpcCall[], signal: AbortSignal) => batch(access, calls, { timeoutMs, signal }) };
  }

  #endsOf({ nodes, credentials, previous, rpcPort: port }: Source): CopyEnd[] {
    return nodes.map(node => this.#endOf(node, { host: node.ip, port, credentials, previous }, readTimeoutMs));
  }

  /** The first node that can take blocks. */
  #targetOf({ network, request: { nodes, credentials, previous } }: Entry): CopyEnd | undefined {
    const node = nodes.find(isReachable);
    if (node === undefined || credentials === undefined) return undefined;
    const { rpcPort: port } = chainParametersOf(network.spec);
    return this.#endOf(node, { host: node.ip, port, credentials, previous }, submitTimeoutMs);
  }

  #maySubmit(): boolean {
    return this.#options.leadsForMs() > submitTimeoutMs + marginMs;
  }

  #request(key: string, entry: Entry): void {
    entry.requestedAtMs = performance.now();
    this.#requests.next({ key });
  }
}

const sourceOf = ({ spec }: BitcoinNetwork): string => spec.bootstrap?.network.name ?? '';

const identityOf = ({ name, ip, isReady, isTerminating }: Node): string => `${name} ${ip} ${isReady} ${isTerminating}`;

/** A former process has copied all blocks. */
const isCopiedIn = ({ status }: BitcoinNetwork): boolean =>
  conditionIn(status, 'Bootstrapped')?.status === 'True' && status?.bootstrap !== undefined;

/** Goes on from the status. */
function newEntry(network: BitcoinNetwork, request: CopyRequest): Entry {
  const fixed = network.status?.bootstrap;
  const before = conditionIn(network.status, 'Bootstrapped');
  const from = sourceOf(network);
  const isCopied = isCopiedIn(network);
  const started = fixed === undefined ? `the last block of network ${from} is not chosen yet` : (before?.message ?? '');
  return {
    ...{ network, request, fingerprint: '', fixed, copy: undefined },
    state: isCopied && fixed !== undefined ? copied(fixed, from) : { reason: 'Copying', message: started },
    copiedAtMs: isCopied ? performance.now() : undefined,
    requestedAtMs: -Infinity,
  };
}
