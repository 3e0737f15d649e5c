// The nodes of one network as the node monitor knows them: which are asked, about which peers, and what each reported last.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import { isUnresponsive, type NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { Deadline } from '../../time/deadline.ts';

/** For so long after a change a status waits for the answers of the nodes, so that it reports the change and them at once. */
const settleMs = 1_000;
/** Timeout for a call that started before the peers changed, because its answer may be about former peers. */
const outdatedAskMs = 1_000;

/** An ask in progress. */
interface Ask {
  readonly node: Node;
  readonly signal: AbortSignal;
  /** Keeps the report. Returns whether the network should be requested for it. */
  finish(report: NodeReport): boolean;
  /** Must be called at the end. */
  clear(): void;
}

/** A ready node. */
export class WatchedNode {
  readonly network: WatchedNetwork;
  node: Node;
  report: NodeReport | undefined;
  /** The version of the network's peers that the report is about. */
  reportedVersion = 0;
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

  startAsk(signal: AbortSignal): Ask {
    const { network } = this;
    const version = network.version;
    const node = { ...this.node, isNew: this.#isNew };
    // Whatever comes of it, its lists may not be empty any more.
    this.#isNew = false;
    const deadline = new Deadline(undefined, signal);
    this.#ask = { deadline, startedMs: performance.now() };
    return {
      node,
      signal: deadline.signal,
      finish: report => network.take(this, report, version),
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
  hastenAsk(): void {
    if (this.#ask === undefined) return;
    const { deadline, startedMs } = this.#ask;
    deadline.extend(Math.max(0, startedMs + outdatedAskMs - performance.now()));
  }
}

export class WatchedNetwork {
  network: BitcoinNetwork;
  credentials: Credentials = { user: '', password: '' };
  /** All nodes, ready or not: the ready ones are each other's peers. */
  peers: readonly Node[] = [];
  /** The ready nodes, by name. */
  readonly nodes = new Map<string, WatchedNode>();
  /** Counts the changes of the peers or the credentials. */
  version = 0;
  #fingerprint: string | undefined;
  /** Those that have not reported about the present peers, without the unresponsive ones. */
  #pending = new Set<WatchedNode>();
  #unsettledSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(network: BitcoinNetwork) {
    this.network = network;
  }

  /** @returns undefined if neither the peers nor the credentials have changed, else the nodes that are not ready any more */
  update(
    network: BitcoinNetwork,
    peers: readonly Node[],
    credentials: Credentials,
  ): { readonly removed: readonly WatchedNode[] } | undefined {
    this.network = network;
    const fingerprint = fingerprintOf(peers);
    const hasNewCredentials = credentials.user !== this.credentials.user || credentials.password !== this.credentials.password;
    if (fingerprint === this.#fingerprint && !hasNewCredentials) return undefined;
    this.#fingerprint = fingerprint;
    this.peers = peers;
    this.credentials = credentials;
    this.version += 1;
    const before = new Map(this.nodes);
    this.nodes.clear();
    for (const node of peers.filter(isAsked)) {
      const known = before.get(node.name);
      if (known?.node.ip !== node.ip || hasNewCredentials) {
        this.nodes.set(node.name, new WatchedNode(this, node));
        continue;
      }
      known.node = node;
      known.hastenAsk();
      this.nodes.set(node.name, known);
      before.delete(node.name);
    }
    for (const node of before.values()) node.abandonAsk();
    this.#pending = new Set([...this.nodes.values()].filter(({ report }) => report === undefined || !isUnresponsive(report)));
    if (this.#pending.size === 0) this.#unsettledSinceMs = undefined;
    else this.#unsettledSinceMs ??= performance.now();
    return { removed: [...before.values()] };
  }

  /** The reports that there are, by ordinal. One about former peers only counts for its failure. */
  reports(): NodeReport[] {
    const reports = [...this.nodes.values()].flatMap(({ report, reportedVersion }) => {
      if (report === undefined) return [];
      return [reportedVersion === this.version ? report : { ...report, isComplete: false }];
    });
    return reports.sort((a, b) => a.node.ordinal - b.node.ordinal);
  }

  settlesInMs(): number {
    if (this.#unsettledSinceMs === undefined) return 0;
    return Math.max(0, this.#unsettledSinceMs + settleMs - performance.now());
  }

  /** Keeps a report. Returns whether the network should be requested: the report differs, and no other one is worth waiting for. */
  take(node: WatchedNode, report: NodeReport, version: number): boolean {
    const isChanged = version !== node.reportedVersion || !isSameReport(report, node.report);
    node.report = report;
    node.reportedVersion = version;
    if (version === this.version) this.#pending.delete(node);
    const isSettled = this.#pending.size === 0;
    if (isSettled) this.#unsettledSinceMs = undefined;
    return isChanged && (isSettled || this.settlesInMs() === 0);
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

/** What the peers of a node depend on. A node that is being deleted is no peer. */
const fingerprintOf = (nodes: readonly Node[]): string =>
  nodes
    .filter(({ isTerminating, ip }) => !isTerminating && ip !== '')
    .map(({ name, ip, isReady }) => `${name} ${ip} ${isReady}`)
    .join();

const isSameReport = (a: NodeReport, b: NodeReport | undefined): boolean =>
  b !== undefined && a.isComplete === b.isComplete && a.failure?.message === b.failure?.message;
