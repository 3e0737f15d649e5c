// A node as the node monitor knows it: what it is asked about, the ask in progress, and what it reported last.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { PeerTarget } from '../../bitcoin/topology/peer-target.ts';
import { Deadline } from '../../time/deadline.ts';
import type { NodeTarget } from './node-target.ts';

/** Timeout for a call that started before the peers changed, because its answer may be about former peers. */
const outdatedAskMs = 1_000;
/** A node gets the next block within this time if it gets blocks at all. */
const stuckMs = 1_000;
/** Between two tries to help it. */
const [firstPauseMs, longestPauseMs] = [10_000, 640_000];

/** An ask in progress. */
interface Ask {
  readonly node: Node;
  readonly signal: AbortSignal;
  /** Keeps the report. Returns what the network should be requested for. */
  finish(report: NodeReport): ReportChange;
  /** Must be called at the end. */
  clear(): void;
}

/** What is new in a report: nothing that is worth a request of the network, only its chain, or more. */
export type ReportChange = 'none' | 'chain' | 'other';

/** What a node needs of its network. */
export interface NodesNetwork {
  readonly network: BitcoinNetwork;
  readonly version: number;
  sideOf(ordinal: number): string;
  /** The chain that the node of that name reported last, before or after a restart. */
  formerChainOf(name: string): ChainState | undefined;
  take(node: WatchedNode, report: NodeReport, asked: { readonly version: number; readonly startedMs: number }): ReportChange;
}

/** A node that is asked: it is ready, or about to be again. */
export class WatchedNode<Network extends NodesNetwork = NodesNetwork> {
  readonly network: Network;
  node: Node;
  report: NodeReport | undefined;
  /** The version of the network when it was asked for its report, and the monotonic time. */
  askedVersion = 0;
  askedAtMs = 0;
  #target: NodeTarget | undefined;
  /** The version of the network since which it has its target. */
  #targetVersion = 0;
  /** Whether it is asked for its version at the next look. */
  asksVersion = true;
  /** The monotonic time at which it was asked last to write its chain to disk, or was new. */
  #flushedAtMs: number;
  /** The height at which it lacks blocks of its side, and when it may be helped, and after that again; monotonic milliseconds. */
  #lack: { readonly height: number; helpMs: number; pauseMs: number } | undefined;
  #isNew: boolean;
  #ask: { readonly deadline: Deadline; readonly startedMs: number } | undefined;

  /** @param former the one of its name before, if there was one */
  constructor(network: Network, node: Node, former?: WatchedNode) {
    this.network = network;
    this.node = node;
    this.#isNew = node.isNew ?? false;
    // When a former process had a node with blocks write them to disk is not known.
    const firstMs = this.formerChain === undefined ? performance.now() : -Infinity;
    this.#flushedAtMs = former?.node.ip === node.ip ? former.#flushedAtMs : firstMs;
  }

  /** For how long it has not been asked to write its chain to disk, in milliseconds. Its first look has more to do. */
  get unflushedMs(): number {
    return this.report === undefined ? 0 : performance.now() - this.#flushedAtMs;
  }

  get name(): string {
    return this.node.name;
  }

  /** The part of a cut network that it is in; empty if the network is not cut. */
  get side(): string {
    return this.network.sideOf(this.node.ordinal);
  }

  /** The chain that it reported last to this process. */
  get chain(): ChainState | undefined {
    return this.report?.chain;
  }

  get target(): PeerTarget | undefined {
    return this.#target?.peers;
  }

  get external(): readonly string[] {
    return this.#target?.external ?? [];
  }

  get apart(): ReadonlySet<number> | undefined {
    return this.#target?.apart;
  }

  /** The chain that it reported last, also to a former process. Undefined if it had no block. */
  get formerChain(): ChainState | undefined {
    const chain = this.network.formerChainOf(this.name);
    return chain !== undefined && chain.height > 0 ? chain : undefined;
  }

  /** Whether its last report is about its present peers. */
  get isReported(): boolean {
    return this.report !== undefined && this.askedVersion >= this.#targetVersion;
  }

  /** @returns whether it has other peers than before */
  retarget(target: NodeTarget, version: number): boolean {
    const isSame = target.fingerprint === this.#target?.fingerprint;
    this.#target = target;
    if (isSame) return false;
    this.#targetVersion = version;
    this.#hastenAsk();
    return true;
  }

  startAsk(signal: AbortSignal): Ask {
    const { network } = this;
    const version = network.version;
    const node = { ...this.node, isNew: this.#isNew };
    // Whatever comes of it, its lists may not be empty any more.
    this.#isNew = false;
    const deadline = new Deadline(undefined, signal);
    const startedMs = performance.now();
    this.#ask = { deadline, startedMs };
    return {
      node,
      signal: deadline.signal,
      finish: report => {
        if (report.hasFlushed === true) this.#flushedAtMs = startedMs;
        return network.take(this, report, { version, startedMs });
      },
      clear: () => {
        deadline.clear();
        this.#ask = undefined;
      },
    };
  }

  /** Call with each report: whether it lacks blocks that another node of its side has. */
  noteLack(isBehind: boolean): void {
    const height = this.chain?.height ?? 0;
    if (!isBehind) this.#lack = undefined;
    else if (this.#lack?.height !== height) this.#lack = { height, helpMs: performance.now() + stuckMs, pauseMs: firstPauseMs };
  }

  /** Whether it has lacked blocks for long, got none, and was not helped a moment ago. */
  get mayBeHelped(): boolean {
    return this.#lack !== undefined && performance.now() >= this.#lack.helpMs;
  }

  /** Call when it is helped: if that is in vain, it is not helped as soon again. */
  noteHelp(): void {
    if (this.#lack === undefined) return;
    this.#lack.helpMs = performance.now() + this.#lack.pauseMs;
    this.#lack.pauseMs = Math.min(longestPauseMs, this.#lack.pauseMs * 2);
  }

  get isBeingAsked(): boolean {
    return this.#ask !== undefined;
  }

  /** Gives up the ask in progress at once. */
  abandonAsk(): void {
    this.#ask?.deadline.extend(0);
  }

  /** Gives up the ask in progress unless it ends soon. */
  #hastenAsk(): void {
    if (this.#ask === undefined) return;
    const { deadline, startedMs } = this.#ask;
    deadline.extend(Math.max(0, startedMs + outdatedAskMs - performance.now()));
  }
}
