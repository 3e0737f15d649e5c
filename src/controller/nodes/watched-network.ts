// The nodes of one network as the node monitor knows them: which are asked, about which peers, and what each reported last.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { RecentBlocks } from '../../bitcoin/chain/recent-blocks.ts';
import type { NodeReorg } from '../../bitcoin/chain/reorg.ts';
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import { isUnresponsive, type NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { Connection } from '../../bitcoin/topology/known-peers.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { shownBlockOf } from '../status/recent-blocks.ts';
import type { WatchedSide } from './block-watch.ts';
import { ChainComparison } from './chain-comparison.ts';
import { ChainMotion } from './chain-motion.ts';
import { fingerprintOf, identityOf, type PeerPlan, targetsOf } from './node-target.ts';
import { LookTimers } from './look-timers.ts';
import { isSameChain, isSameReport, withFormer, withReorg } from './report-changes.ts';
import { type ReportChange, WatchedNode as NodeOf } from './watched-node.ts';
import { answering, blocksBetweenLooks, isBusy, isLively, watchedSidesOf } from './watched-sides.ts';

/** At least so long after the newest blocks were read they are read again: if all nodes have the same tip, and if they differ. */
const [blocksMs, unevenBlocksMs] = [5_000, 200];
/** For so long after a change a status waits for the answers of the nodes, so that it reports the change and them at once. */
const settleMs = 1_000;
/** So many reorganisations are kept, and one more for each node: when parts join, many nodes have one at once. */
const keptReorgs = 64;
export type WatchedNode = NodeOf<WatchedNetwork>;

/** What an update changed. */
interface Change {
  /** Nodes that are not asked any more, or have other credentials. */
  readonly removed: readonly WatchedNode[];
  /** Nodes that have other peers than before, or are ready only now. */
  readonly changed: readonly WatchedNode[];
}

export class WatchedNetwork {
  network: BitcoinNetwork;
  credentials: Credentials = { user: '', password: '' };
  previousCredentials: readonly Credentials[] = [];
  /** All nodes, ready or not. Of two with one ordinal, the last is that of the set that should have it. */
  peers: readonly Node[] = [];
  /** The ready nodes, by name. */
  readonly nodes = new Map<string, WatchedNode>();
  /** New pods of nodes that were ready before, by name. They are connected before they are ready, and report nothing until then. */
  readonly #returning = new Map<string, WatchedNode>();
  /** By name: the address at which a node was ready last. */
  readonly #readyAt: Map<string, string>;
  /** Counts the changes of the peers, the plan or the credentials. */
  #version = 0;
  #fingerprint: string | undefined;
  #plan: PeerPlan | undefined;
  /** By ordinal: the version since which a node has its address and readiness. */
  #since = new Map<number, { readonly identity: string; readonly version: number }>();
  /** Those that have not reported about their present peers, without the unresponsive ones. */
  #pending = new Set<WatchedNode>();
  #unsettledSinceMs: number | undefined;
  readonly #comparison = new ChainComparison();
  /** By name: the chain that a node reported last. It stays while the node is not ready and when it has another pod. */
  readonly #chains: Map<string, ChainState>;
  /** The newest that its nodes reported, each once, also of former pods. A node may have several before a status is written. */
  reorgs: readonly NodeReorg[] = [];
  readonly #motion = new ChainMotion();
  readonly timers = new LookTimers();
  /** Between two looks at all nodes while their chains change. */
  lookMs = 0;
  readonly blocks: RecentBlocks;
  #blocksReadAtMs = -Infinity;

  constructor(network: BitcoinNetwork) {
    this.network = network;
    const { chain, nodes = [] } = network.status ?? {};
    this.blocks = new RecentBlocks((chain?.blocks ?? []).map(shownBlockOf));
    this.#chains = new Map(
      nodes.flatMap(({ nodeName, height, tip }) =>
        height === undefined || tip === undefined ? [] : [[nodeName, { height, tip }] as const],
      ),
    );
    this.#readyAt = new Map(nodes.filter(({ ready }) => ready).map(({ nodeName, ip }) => [nodeName, ip]));
  }

  get version(): number {
    return this.#version;
  }

  /** @returns undefined if no node has anything new to be asked about */
  update(network: BitcoinNetwork, peers: readonly Node[], credentials: Credentials, plan: PeerPlan): Change | undefined {
    this.network = network;
    const fingerprint = fingerprintOf(peers);
    const hasNewCredentials = credentials.user !== this.credentials.user || credentials.password !== this.credentials.password;
    if (fingerprint === this.#fingerprint && plan === this.#plan && !hasNewCredentials) return undefined;
    this.#fingerprint = fingerprint;
    this.#plan = plan;
    this.peers = peers;
    this.credentials = credentials;
    this.#version += 1;
    this.#motion.restart();
    this.#noteIdentities();
    const before = new Map([...this.nodes, ...this.#returning]);
    const wereReady = new Set(this.nodes.values());
    this.nodes.clear();
    this.#returning.clear();
    const changed = new Set<WatchedNode>();
    const targets = targetsOf(peers, plan, fingerprint);
    for (const node of peers) {
      const group = this.#groupOf(node);
      if (group === undefined) continue;
      const former = before.get(node.name);
      const isKnown = former?.node.ip === node.ip && !hasNewCredentials;
      const watched = isKnown ? former : new NodeOf<WatchedNetwork>(this, node, former);
      if (isKnown) before.delete(node.name);
      watched.node = node;
      const isNewlyReady = node.isReady && !wereReady.has(watched);
      if (watched.retarget(targets(node.ordinal), this.#version) || isNewlyReady) changed.add(watched);
      // What it was asked before it was ready may never be answered.
      if (isNewlyReady) watched.abandonAsk();
      group.set(node.name, watched);
      if (node.isReady) this.#readyAt.set(node.name, node.ip);
    }
    for (const node of before.values()) node.abandonAsk();
    const waitedFor = [...this.nodes.values()].filter(node => this.#pending.has(node) || changed.has(node));
    this.#pending = new Set(waitedFor.filter(({ report }) => report === undefined || !isUnresponsive(report)));
    if (this.#pending.size === 0) this.#unsettledSinceMs = undefined;
    else this.#unsettledSinceMs ??= performance.now();
    return { removed: [...before.values()], changed: [...changed] };
  }

  /** Those among which a node is asked; undefined if it is not asked. */
  #groupOf({ name, ip, isReady, isTerminating }: Node): Map<string, WatchedNode> | undefined {
    if (ip === '' || isTerminating) return undefined;
    if (isReady) return this.nodes;
    const readyAt = this.#readyAt.get(name);
    // At the same address it is a node that has become unready, and says why itself.
    return readyAt === undefined || readyAt === ip ? undefined : this.#returning;
  }

  /** All nodes that are asked. */
  get asked(): readonly WatchedNode[] {
    return [...this.nodes.values(), ...this.#returning.values()];
  }

  /**
   * The reports that there are, by ordinal. One about former peers only counts for its failure and for its connections, and a connection only
   * as long as the other node has not changed since.
   */
  reports(): NodeReport[] {
    const reports = [...this.nodes.values()].flatMap(node => {
      const { report } = node;
      if (report === undefined) return [];
      const { connections } = report;
      const isUnchanged = ({ ordinal }: Connection) => (this.#since.get(ordinal)?.version ?? Infinity) <= node.askedVersion;
      return [
        {
          ...report,
          isComplete: report.isComplete && node.isReported,
          askedAtMs: node.askedAtMs,
          ...(connections === undefined ? {} : { connections: connections.filter(isUnchanged) }),
        },
      ];
    });
    return reports.sort((a, b) => a.node.ordinal - b.node.ordinal);
  }

  settlesInMs(): number {
    if (this.#unsettledSinceMs === undefined) return 0;
    return Math.max(0, this.#unsettledSinceMs + settleMs - performance.now());
  }

  /** Keeps a report. Returns what of it differs, if no other one is worth waiting for. */
  take(node: WatchedNode, report: NodeReport, asked: { readonly version: number; readonly startedMs: number }): ReportChange {
    if (!this.nodes.has(node.name)) return 'none';
    const isReportChanged = !node.isReported || !isSameReport(report, node.report);
    const isChainChanged = !isSameChain(report, node.report);
    node.report = withFormer(report, node.report);
    this.reorgs = withReorg(this.reorgs, report, keptReorgs + this.peers.length);
    node.askedVersion = asked.version;
    node.askedAtMs = asked.startedMs;
    if (node.isReported) this.#pending.delete(node);
    if (node.chain !== undefined) {
      this.#motion.note(node.side, node.chain.height);
      this.#chains.set(node.name, node.chain);
    }
    node.noteLack((node.chain?.height ?? 0) < this.heightOf(node.side));
    const chains = [...this.nodes.values()].flatMap(one => one.chain ?? []);
    const blocksUntilAsked = blocksBetweenLooks(this.network.spec, this.lookMs);
    this.#comparison.note(node.report.hashes, chains, { isForkLikely: !this.#isBusy, blocksUntilAsked });
    const isSettled = this.#pending.size === 0;
    if (isSettled) this.#unsettledSinceMs = undefined;
    if (!isSettled && this.settlesInMs() > 0) return 'none';
    if (isReportChanged) return 'other';
    return isChainChanged ? 'chain' : 'none';
  }

  /** Whether its chains change, so that its nodes are asked often. */
  get isLively(): boolean {
    return this.isCut || isLively(this.network.spec, this.isEven);
  }

  get isCut(): boolean {
    return this.#plan?.cutInto !== undefined;
  }

  /** Whether there is always a block on its way, and all nodes will have it: what they report a moment apart differs. */
  get #isBusy(): boolean {
    return isBusy(this.network.spec, this.lookMs) && !this.isCut;
  }

  /** Whether all nodes have the same tip. */
  get isEven(): boolean {
    return this.#comparison.heights.length === 0;
  }

  /** The heights at which the nodes are compared; none as long as all have the same tip. */
  get compareHeights(): readonly number[] {
    return this.#comparison.heights;
  }

  /** Whether the newest blocks of the chain of a node should be read. @returns true only once in a while */
  mayReadBlocks({ height, tip }: ChainState): boolean {
    const nowMs = performance.now();
    const pauseMs = this.isEven || this.#isBusy ? blocksMs : unevenBlocksMs;
    if (height === 0 || this.blocks.has(tip) || nowMs - this.#blocksReadAtMs < pauseMs) return false;
    this.#blocksReadAtMs = nowMs;
    return true;
  }

  /** Of the longest chain of a side. */
  heightOf(side: string): number {
    return this.#motion.heightOf(side);
  }

  /** The part of a cut network that an ordinal is in; empty if the network is not cut. */
  sideOf(ordinal: number): string {
    return this.#plan?.cutInto?.partOf.get(ordinal)?.name ?? '';
  }

  formerChainOf(name: string): ChainState | undefined {
    return this.#chains.get(name);
  }

  /** Call with a block that is known before a node reports it. @returns whether it is new */
  noteBlock(side: string, height: number): boolean {
    return this.#motion.note(side, height);
  }

  /**
   * After how many milliseconds nodes are asked again that lack the newest block of their side, because blocks are on their way.
   * Undefined if there are none, or their time is over.
   */
  behindPauseMs(): number | undefined {
    const pauseMs = this.isLively && !this.#isBusy ? this.#motion.pauseMs() : undefined;
    if (pauseMs === undefined) return undefined;
    const nodes = answering(this.nodes.values());
    return this.#motion.stragglers(nodes).length === 0 && this.#unknown(nodes).length === 0 ? undefined : pauseMs;
  }

  /** The nodes that are not known to have the newest block of their side, or in time not known to be on which chain. */
  stragglers(): WatchedNode[] {
    const nodes = answering(this.nodes.values());
    const unknown = this.#motion.isLate ? this.#unknown(nodes) : [];
    return [...new Set([...this.#motion.stragglers(nodes), ...unknown])];
  }

  /** If the tips differ: the nodes that were not asked for the hashes by which chains are compared. One hash is asked for at each look. */
  #unknown(nodes: readonly WatchedNode[]): WatchedNode[] {
    return this.isEven ? [] : nodes.filter(({ report }) => (report?.hashes?.size ?? 0) <= 1);
  }

  /** The sides whose next block should be known at once. */
  watchedSides(): WatchedSide[] {
    const { credentials, isEven, lookMs } = this;
    const heightOf = (side: string) => this.heightOf(side);
    return watchedSidesOf(this.network, this.nodes.values(), { credentials, isEven, lookMs, heightOf });
  }

  #noteIdentities(): void {
    const before = this.#since;
    this.#since = new Map(
      this.peers.map(node => {
        const identity = identityOf(node);
        const known = before.get(node.ordinal);
        return [node.ordinal, known?.identity === identity ? known : { identity, version: this.#version }];
      }),
    );
  }

  /** Whether the node is one of the network's, and not a former one of its name. */
  isWatching(node: WatchedNode): boolean {
    return this.nodes.get(node.name) === node || this.#returning.get(node.name) === node;
  }

  /** Gives up what is in progress. Returns the nodes. */
  stop(): readonly WatchedNode[] {
    this.timers.clear();
    const nodes = this.asked;
    this.nodes.clear();
    this.#returning.clear();
    for (const node of nodes) node.abandonAsk();
    return nodes;
  }
}
