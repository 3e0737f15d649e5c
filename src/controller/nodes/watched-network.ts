// The nodes of one network as the node monitor knows them: which are asked, about which peers, and what each reported last.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { heightsToCompare } from '../../bitcoin/chain/compare-chains.ts';
import type { ChainState } from '../../bitcoin/rpc/chain-state.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import { isUnresponsive, type NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { Connection } from '../../bitcoin/topology/known-peers.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { PeerTarget } from '../../bitcoin/topology/peer-target.ts';
import { definedOnly } from '../../collections/defined-only.ts';
import { Deadline } from '../../time/deadline.ts';
import { fingerprintOf, identityOf, type NodeTarget, type PeerPlan, targetsOf } from './node-target.ts';
import { isSameChain, isSameReport } from './report-changes.ts';

/** For so long after a change a status waits for the answers of the nodes, so that it reports the change and them at once. */
const settleMs = 1_000;
/** Timeout for a call that started before the peers changed, because its answer may be about former peers. */
const outdatedAskMs = 1_000;

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
type ReportChange = 'none' | 'chain' | 'other';

/** A ready node. */
export class WatchedNode {
  readonly network: WatchedNetwork;
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
  /** The monotonic time at which it was asked last to write its chain to disk, or since which it is known. */
  flushedAtMs = performance.now();
  #isNew: boolean;
  #ask: { readonly deadline: Deadline; readonly startedMs: number } | undefined;

  constructor(network: WatchedNetwork, node: Node) {
    this.network = network;
    this.node = node;
    this.#isNew = node.isNew ?? false;
  }

  get name(): string {
    return this.node.name;
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
    const { status } = this.network.network;
    const stored = status?.nodes?.find(({ nodeName }) => nodeName === this.name);
    const { height = 0, tip } = this.report?.chain ?? stored ?? {};
    return height > 0 && tip !== undefined ? { height, tip } : undefined;
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
      finish: report => network.take(this, report, { version, startedMs }),
      clear: () => {
        deadline.clear();
        this.#ask = undefined;
      },
    };
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

/** What an update changed. */
interface Change {
  /** Nodes that are not ready any more, or have other credentials. */
  readonly removed: readonly WatchedNode[];
  /** Nodes that have other peers than before. */
  readonly changed: readonly WatchedNode[];
}

export class WatchedNetwork {
  network: BitcoinNetwork;
  credentials: Credentials = { user: '', password: '' };
  previousCredentials: Credentials | undefined;
  /** All nodes, ready or not. */
  peers: readonly Node[] = [];
  /** The ready nodes, by name. */
  readonly nodes = new Map<string, WatchedNode>();
  /** Counts the changes of the peers, the plan or the credentials. */
  #version = 0;
  #fingerprint: string | undefined;
  #plan: PeerPlan | undefined;
  /** By ordinal: the version since which a node has its address and readiness. */
  #since = new Map<number, { readonly identity: string; readonly version: number }>();
  /** Those that have not reported about their present peers, without the unresponsive ones. */
  #pending = new Set<WatchedNode>();
  #unsettledSinceMs: number | undefined;
  #compareHeights: readonly number[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(network: BitcoinNetwork) {
    this.network = network;
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
    this.#noteIdentities();
    const before = new Map(this.nodes);
    this.nodes.clear();
    const changed = new Set<WatchedNode>();
    const targets = targetsOf(peers, plan, fingerprint);
    for (const node of peers.filter(isAsked)) {
      const former = before.get(node.name);
      const isKnown = former?.node.ip === node.ip && !hasNewCredentials;
      const watched = isKnown ? former : new WatchedNode(this, node);
      if (isKnown) before.delete(node.name);
      watched.node = node;
      if (watched.retarget(targets(node.ordinal), this.#version)) changed.add(watched);
      this.nodes.set(node.name, watched);
    }
    for (const node of before.values()) node.abandonAsk();
    const waitedFor = [...this.nodes.values()].filter(node => this.#pending.has(node) || changed.has(node));
    this.#pending = new Set(waitedFor.filter(({ report }) => report === undefined || !isUnresponsive(report)));
    if (this.#pending.size === 0) this.#unsettledSinceMs = undefined;
    else this.#unsettledSinceMs ??= performance.now();
    return { removed: [...before.values()], changed: [...changed] };
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
    const isReportChanged = !node.isReported || !isSameReport(report, node.report);
    const isChainChanged = !isSameChain(report, node.report);
    const before = node.report;
    // A node that fails still has its chain. The version is not asked for at each look, and a reorganisation is reported once.
    const { chain, hashes } = report.chain === undefined ? (before ?? {}) : report;
    const { version: software = before?.version, reorg = before?.reorg } = report;
    node.report = { ...report, ...definedOnly({ chain, hashes, version: software, reorg }) };
    node.askedVersion = asked.version;
    node.askedAtMs = asked.startedMs;
    if (node.isReported) this.#pending.delete(node);
    this.#noteChains();
    const isSettled = this.#pending.size === 0;
    if (isSettled) this.#unsettledSinceMs = undefined;
    if (!isSettled && this.settlesInMs() > 0) return 'none';
    if (isReportChanged) return 'other';
    return isChainChanged ? 'chain' : 'none';
  }

  /** Whether its chains change, so that its nodes are asked often. */
  get isLively(): boolean {
    const { partition, blockProduction } = this.network.spec;
    return partition !== undefined || blockProduction !== undefined || this.#compareHeights.length > 0;
  }

  /** The heights at which the nodes are compared; none as long as all have the same tip. */
  get compareHeights(): readonly number[] {
    return this.#compareHeights;
  }

  #noteChains(): void {
    this.#compareHeights = heightsToCompare([...this.nodes.values()].flatMap(({ report }) => report?.chain ?? []));
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

  /** Whether the node is one of the network's ready nodes, and not a former one of its name. */
  isWatching(node: WatchedNode): boolean {
    return this.nodes.get(node.name) === node;
  }

  /** There is one timer. */
  setTimer(callback: () => void, ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(callback, ms);
  }

  clearTimer(): void {
    clearTimeout(this.#timer);
  }

  /** Gives up what is in progress. Returns the nodes. */
  stop(): readonly WatchedNode[] {
    this.clearTimer();
    const nodes = [...this.nodes.values()];
    this.nodes.clear();
    for (const node of nodes) node.abandonAsk();
    return nodes;
  }
}

const isAsked = ({ isReady, ip, isTerminating }: Node): boolean => isReady && ip !== '' && !isTerminating;
