// BlockProducer: makes the blocks of all networks, in a queue of its own that is keyed by the sides of networks, beside the node monitor. It
//   never waits for a reconcile, and a node that hangs delays only its own side.
import { isDeepStrictEqual } from 'node:util';
import { NEVER, type Observable, Subject } from 'rxjs';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { BlockProductionSpec } from '../../bitcoin/api/block-production.ts';
import { type Side, sidesOf } from '../../bitcoin/chain/block-schedule.ts';
import { type NodeWallet, paymentsOf } from '../../bitcoin/chain/funding.ts';
import { chainParametersOf, needsWork } from '../../bitcoin/resources/chain-parameters.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { LruCache } from '../../collections/lru-cache.ts';
import { keyOf } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import { Controller, type ControllerMetrics, type Request, type Result } from '../../runtime/controller.ts';
import type { WorkQueue } from '../../runtime/work-queue.ts';
import type { NetworkPlan } from '../network-plan.ts';
import type { PartitionState } from '../partition-clock.ts';
import { copiedHeightOf, knownHeightOf, leastHeightOf } from './least-height.ts';
import { producerCalls, type ProducerCallsOptions } from './producer-calls.ts';
import { type MadeBlock, type ProducerCalls, ProductionSide, type SideState } from './production-side.ts';

export interface BlockProducerOptions {
  /** The name of the queue's controller in metrics. */
  readonly name: string;
  readonly queue: WorkQueue;
  readonly logger: Logger;
  readonly metrics?: ControllerMetrics | undefined;
  /** For how many milliseconds this process is the leader at least. */
  readonly leadsForMs: () => number;
  /** Called each time that a block could not be made. */
  readonly onFailure: (network: BitcoinNetwork, message: string) => void;
  /** An address of a wallet of a network. Default: there are no wallets. */
  readonly addressOf?: (key: string, wallet: NodeWallet) => string | undefined;
  /** Default: producerCalls. */
  readonly callsOf?: (options: ProducerCallsOptions) => ProducerCalls;
  /** Milliseconds since 1970. Default: Date.now. */
  readonly nowMs?: () => number;
}

/** What the producer has done for a network. */
export interface ProductionObserved {
  /** Of the side that needs attention most. */
  readonly state: SideState;
  readonly produced: number;
  readonly last: MadeBlock | undefined;
  /** The ordinals of the nodes that made the newest blocks, by hash. Default: not known. */
  readonly makers?: Pick<LruCache<number>, 'get'>;
  readonly nextMs: number | undefined;
}

/** What the producer needs to know of a network. */
export interface ProductionRequest {
  readonly nodes: readonly Node[];
  /** Undefined: no blocks are made until there are some. */
  readonly credentials: Credentials | undefined;
  /** Of nodes that do not have the new ones yet. */
  readonly previous?: readonly Credentials[] | undefined;
  readonly plan: Pick<NetworkPlan, 'producers' | 'ordinals'>;
  /** Undefined: the network is not cut now. */
  readonly cut: Pick<PartitionState, 'plan' | 'startHeight'> | undefined;
}

interface SideEntry {
  readonly network: NetworkEntry;
  readonly calls: SwitchedCalls;
  readonly production: ProductionSide;
  side: Side;
  state: SideState | undefined;
  nextMs: number | undefined;
}

interface NetworkEntry {
  network: BitcoinNetwork;
  nodes: readonly Node[];
  /** Those that it should have. */
  ordinals: ReadonlySet<number>;
  /** The height at which it was cut. */
  startHeight: number | undefined;
  fingerprint: string;
  /** By the name of the side. */
  readonly sides: Map<string, SideEntry>;
  produced: number;
  last: MadeBlock | undefined;
  /** The newest ones, by hash. */
  readonly makers: LruCache<number>;
}

/** More than a status shows. */
const maxMakers = 64;

/** The states by what needs attention first. */
const order: readonly SideState['reason'][] = [
  ...([
    'BlockProductionFailed',
    'ProducerNotReady',
    'StillMaking',
    'MiningInitialBlocks',
    'Producing',
    'InitialBlocksMined',
    'Paused',
  ] as const),
];

export class BlockProducer {
  readonly #options: BlockProducerOptions;
  readonly #controller: Controller;
  readonly #networks = new Map<string, NetworkEntry>();
  readonly #sides = new Map<string, SideEntry>();
  readonly #requests = new Subject<Request>();

  constructor(options: BlockProducerOptions) {
    this.#options = options;
    const { name, queue, logger, metrics } = options;
    const reconcile = (key: string, signal: AbortSignal) => this.#reconcile(key, signal);
    this.#controller = new Controller({ name, queue, logger, metrics, reconcile, requests: NEVER, concurrency: 200 });
  }

  /** The networks whose production has changed its state. A block is no change of state. */
  get requests(): Observable<Request> {
    return this.#requests;
  }

  /** Makes blocks until `signal` aborts, then ends what is in progress. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    await this.#controller.run(signal);
  }

  /** Call at each reconcile of a network. Never waits. @returns undefined if it makes no blocks, or none of its nodes has been asked yet */
  observe(network: BitcoinNetwork, request: ProductionRequest): ProductionObserved | undefined {
    const key = keyOf(network);
    const { nodes, credentials, previous, plan, cut } = request;
    const spec = network.spec.blockProduction;
    if (this.#networks.get(key)?.network.metadata.uid !== network.metadata.uid) this.forget(key);
    if (spec === undefined || credentials === undefined) {
      this.forget(key);
      return undefined;
    }
    const entry = this.#networks.get(key) ?? newEntry(network);
    this.#networks.set(key, entry);
    // Blocks that were awaited are lost.
    const isLower = heightOf(network) < heightOf(entry.network);
    Object.assign(entry, { network, nodes, ordinals: plan.ordinals, startHeight: cut?.startHeight });
    // An experiment goes from one cut to another without a new generation.
    const parts = cut?.plan.parts;
    const fingerprint = JSON.stringify([network.metadata.generation, parts, nodes.map(identityOf), credentials, previous]);
    if (entry.fingerprint !== fingerprint) {
      entry.fingerprint = fingerprint;
      this.#setSides(key, entry, sidesOf(plan.producers, parts), this.#callsFor(network, spec, { credentials, previous }));
    } else if (isLower) for (const name of entry.sides.keys()) this.#options.queue.add(sideKey(key, name));
    return observedIn(entry);
  }

  /** Call with the key of a network that is gone or paused: no blocks are made any more. */
  forget(key: string): void {
    const entry = this.#networks.get(key);
    if (entry === undefined) return;
    this.#networks.delete(key);
    for (const name of entry.sides.keys()) this.#sides.delete(sideKey(key, name));
  }

  #callsFor(
    network: BitcoinNetwork,
    { payTo }: BlockProductionSpec,
    credentials: Pick<ProducerCallsOptions, 'credentials' | 'previous'>,
  ): ProducerCalls {
    const { callsOf = producerCalls, leadsForMs } = this.#options;
    return callsOf({
      ...credentials,
      payTo,
      leadsForMs,
      needsWork: needsWork(network.spec),
      rpcPort: chainParametersOf(network.spec).rpcPort,
    });
  }

  #setSides(key: string, entry: NetworkEntry, sides: readonly Side[], calls: ProducerCalls): void {
    const names = new Set(sides.map(({ name }) => name));
    for (const name of entry.sides.keys())
      if (!names.has(name)) {
        entry.sides.delete(name);
        this.#sides.delete(sideKey(key, name));
      }
    for (const side of sides) {
      const former = entry.sides.get(side.name);
      const known = former !== undefined && isSameSide(former.side, side) ? former : this.#newSide(entry, side, calls);
      known.side = side;
      known.calls.present = calls;
      known.production.refresh();
      entry.sides.set(side.name, known);
      this.#sides.set(sideKey(key, side.name), known);
      this.#options.queue.add(sideKey(key, side.name));
    }
  }

  #newSide(network: NetworkEntry, side: Side, present: ProducerCalls): SideEntry {
    const calls = new SwitchedCalls(present);
    const production = new ProductionSide(calls, this.#options.nowMs ?? Date.now);
    return { network, calls, production, side, state: undefined, nextMs: undefined };
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const entry = this.#sides.get(key);
    const spec = entry?.network.network.spec.blockProduction;
    if (entry === undefined || spec === undefined) return {};
    const { network, side } = entry;
    const leastHeight = leastHeightOf(network.network, network.nodes, side, network.startHeight);
    const knownHeight = knownHeightOf(network.network, side, network.startHeight);
    const payments = paymentsOf(network.network.spec.wallets ?? [], copiedHeightOf(network.network), network.ordinals);
    const addressOf = (wallet: NodeWallet) => this.#options.addressOf?.(keyOf(network.network), wallet);
    // Each change of the spec, the nodes or the cut sets another one.
    const isCurrent = () => this.#sides.get(key) === entry && entry.side === side;
    const limits = { leastHeight, knownHeight, needsWork: needsWork(network.network.spec), payments, addressOf, isCurrent };
    const step = await entry.production.step(spec, side, network.nodes, signal, limits);
    if (step.made !== undefined) {
      network.produced += step.made.count;
      network.last = step.made.last;
      network.makers.set(step.made.last.hash, step.made.last.ordinal);
    }
    if (this.#sides.get(key) !== entry) return {};
    const before = observedIn(network)?.state;
    entry.state = step.state;
    entry.nextMs = step.nextMs;
    if (step.state.reason === 'BlockProductionFailed') this.#options.onFailure(network.network, step.state.message);
    if (JSON.stringify(observedIn(network)?.state) !== JSON.stringify(before))
      this.#requests.next({ key: keyOf(network.network) });
    return step.result;
  }
}

/** Those of the present credentials and settings. */
class SwitchedCalls implements ProducerCalls {
  present: ProducerCalls;

  constructor(present: ProducerCalls) {
    this.present = present;
  }

  look: ProducerCalls['look'] = (...given) => this.present.look(...given);
  generate: ProducerCalls['generate'] = (...given) => this.present.generate(...given);
  mayGenerate: ProducerCalls['mayGenerate'] = () => this.present.mayGenerate();
}

const heightOf = ({ status }: BitcoinNetwork): number => status?.chain?.height ?? 0;

/** Nodes that come from another part may still be making a block for it, so that a part with other nodes begins again. */
const isSameSide = (former: Side, side: Side): boolean => side.name === '' || isDeepStrictEqual(former.producers, side.producers);

/** A side's name has no bar. */
const sideKey = (key: string, name: string): string => `${key}|${name}`;

const identityOf = ({ name, ip, isReady, isTerminating }: Node): string => `${name} ${ip} ${isReady} ${isTerminating}`;

/** Goes on counting from the status. */
function newEntry(network: BitcoinNetwork): NetworkEntry {
  const { produced = 0, last } = network.status?.blockProduction ?? {};
  return {
    ...{
      network,
      nodes: [],
      ordinals: new Set<number>(),
      startHeight: undefined,
      fingerprint: '',
      sides: new Map<string, SideEntry>(),
      produced,
    },
    makers: new LruCache<number>(maxMakers),
    last: last && { height: last.height, hash: last.hash, ordinal: last.ordinal, timeMs: Date.parse(last.time) },
  };
}

function observedIn({ sides, produced, last, makers }: NetworkEntry): ProductionObserved | undefined {
  const entries = [...sides.values()];
  if (entries.length === 0) {
    const message = 'the network has none of its producers';
    return { state: { reason: 'ProducerNotReady', message }, produced, last, makers, nextMs: undefined };
  }
  const states = entries.flatMap(({ state }) => state ?? []);
  const [state] = states.sort((a, b) => order.indexOf(a.reason) - order.indexOf(b.reason));
  if (state === undefined) return undefined;
  const next = entries.flatMap(({ nextMs }) => nextMs ?? []);
  return { state, produced, last, makers, nextMs: next.length === 0 ? undefined : Math.min(...next) };
}
