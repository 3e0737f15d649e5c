// NodeMonitor: asks the bitcoind of every ready node, in a queue of its own that is keyed by node, and keeps the last report of each.
//   A node that does not answer delays only its own key. When the reports of a network have changed, the network is requested.
import { NEVER, type Observable, Subject } from 'rxjs';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import type { NodeReorg } from '../../bitcoin/chain/reorg.ts';
import { chainParametersOf } from '../../bitcoin/resources/chain-parameters.ts';
import type { Credentials } from '../../bitcoin/rpc/rpc-client.ts';
import { type ConnectRequest, isUnresponsive, type NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { keyOf } from '../../kube/resource.ts';
import type { Logger } from '../../logging/logger.ts';
import { Controller, type ControllerMetrics, type Request, type Result } from '../../runtime/controller.ts';
import type { WorkQueue } from '../../runtime/work-queue.ts';
import type { ShownBlock } from '../../bitcoin/chain/recent-blocks.ts';
import { waitForBlock } from '../../bitcoin/rpc/wait-for-block.ts';
import { BlockWatch, type BlockWatchOptions } from './block-watch.ts';
import { isFlushDue } from './flush-schedule.ts';
import { LookPace } from './look-pace.ts';
import type { PeerPlan } from './node-target.ts';
import { type ReadHeaders, readNewBlocks } from './read-new-blocks.ts';
import { StuckNodes, type SubmitHeaders } from './stuck-nodes.ts';
import { WatchedNetwork, type WatchedNode } from './watched-network.ts';

/** Asks a node and connects it to the others; see connectNode. It throws once the signal has aborted. */
export type AskNode = (request: ConnectRequest, signal: AbortSignal) => Promise<NodeReport>;

export interface NodeMonitorOptions {
  /** The name of the queue's controller in metrics. */
  readonly name: string;
  readonly ask: AskNode;
  readonly queue: WorkQueue;
  /** How often the nodes of a stable network are asked. Each time is longer by up to 10 %, so that networks that came up together spread. */
  readonly recheckMs: number;
  /** Called each time that a node was asked and failed. */
  readonly onFailure: (network: BitcoinNetwork, report: NodeReport) => void;
  readonly logger: Logger;
  readonly metrics?: ControllerMetrics | undefined;
  /** How many nodes are asked at the same time. Default: 2 000. */
  readonly maxAsks?: number;
  /** How many of them may have been unresponsive when they were asked last: so that such nodes never hold all places. Default: 500. */
  readonly maxUnresponsiveAsks?: number;
  /** Default: waitForBlock. */
  readonly waitForBlock?: BlockWatchOptions['wait'] | undefined;
  /** Default: readHeaders. */
  readonly readHeaders?: ReadHeaders | undefined;
  /** Default: submitHeaders. */
  readonly submitHeaders?: SubmitHeaders | undefined;
  /** From 0 to 1, as Math.random. */
  readonly random?: () => number;
}

export interface NodeObservation {
  /** The last report of each ready node, by ordinal. One that gave none since it became ready is missing. */
  readonly reports: readonly NodeReport[];
  /** The newest reorganisations that nodes reported, oldest first. A node may have several, also of former pods. */
  readonly reorgs: readonly NodeReorg[];
  /** For so long answers may still come that are worth waiting for before the reports are published; 0 = none. */
  readonly settlesInMs: number;
  /** The newest blocks. Default: they have not been read. @param tip that of the longest chain */
  readonly blocksOf?: (tip: string) => readonly ShownBlock[];
}

export interface ObservedNetwork {
  readonly network: BitcoinNetwork;
  /** All nodes, ready or not. */
  readonly nodes: readonly Node[];
  readonly reports: readonly NodeReport[];
  readonly credentials: Credentials;
  /** Of nodes that do not have the new ones yet. */
  readonly previous: readonly Credentials[];
}

/** A new block reaches all nodes within this time: their reports of it are read at once. */
const chainDelayMs = 250;
/** Calls that nodes answer when they have a new block. Each takes a connection, and a thread of the node. */
const maxHeldCalls = 100;
/** How long an unresponsive node waits that finds no place. */
const noPlaceMs = 5_000;

export class NodeMonitor {
  readonly #options: NodeMonitorOptions;
  readonly #controller: Controller;
  readonly #networks = new Map<string, WatchedNetwork>();
  /** By "namespace/pod". */
  readonly #nodes = new Map<string, WatchedNode>();
  readonly #requests = new Subject<Request>();
  readonly #blockWatch: BlockWatch;
  readonly #pace = new LookPace();
  readonly #stuck: StuckNodes;
  #unresponsiveAsks = 0;
  #isStopped = false;

  constructor(options: NodeMonitorOptions) {
    this.#options = options;
    this.#stuck = new StuckNodes(options.submitHeaders);
    const { name, queue, logger, metrics, maxAsks = 2_000 } = options;
    const reconcile = (key: string, signal: AbortSignal) => this.#reconcile(key, signal);
    this.#controller = new Controller({ name, queue, logger, metrics, reconcile, requests: NEVER, concurrency: maxAsks });
    this.#blockWatch = new BlockWatch({
      wait: options.waitForBlock ?? waitForBlock,
      onBlock: (watched, side, height) => this.#noteBlock(watched, side, height),
      maxHeld: maxHeldCalls,
    });
  }

  /** The networks whose reports have changed. */
  get requests(): Observable<Request> {
    return this.#requests;
  }

  /** Asks nodes until `signal` aborts, then ends what is in progress. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#blockWatch.stop(), { once: true });
    await this.#controller.run(signal);
    this.#isStopped = true;
    for (const watched of this.#networks.values()) watched.timers.clear();
  }

  /**
   * Call at each reconcile of a network. The ready nodes whose peers, their addresses, their readiness or the credentials have changed are
   * asked at once; the others are asked at their time. The new pod of a node that was ready before is asked as soon as it has an address, so
   * that it is connected when it becomes ready. Never waits.
   * @param credentials undefined: no node is asked until there are some
   * @param previousCredentials tried in this order with a node that refuses the others. Default: none
   * @param plan the same object as long as it is the same plan
   */
  observe(
    network: BitcoinNetwork,
    nodes: readonly Node[],
    credentials: Credentials | undefined,
    plan: PeerPlan,
    previousCredentials: readonly Credentials[] = [],
  ): NodeObservation {
    const key = keyOf(network);
    if (this.#networks.get(key)?.network.metadata.uid !== network.metadata.uid) this.forget(key);
    if (credentials === undefined) {
      this.forget(key);
      return { reports: [], reorgs: [], settlesInMs: 0 };
    }
    const watched = this.#networks.get(key) ?? new WatchedNetwork(network);
    watched.previousCredentials = previousCredentials;
    this.#networks.set(key, watched);
    const nodeKey = (node: Pick<Node, 'name'>) => `${network.metadata.namespace}/${node.name}`;
    const change = watched.update(network, nodes, credentials, plan);
    if (change !== undefined) {
      for (const node of change.removed) this.#nodes.delete(nodeKey(node));
      for (const node of watched.asked) this.#nodes.set(nodeKey(node), node);
      for (const node of change.changed) this.#options.queue.add(nodeKey(node));
      this.#scheduleRecheck(watched);
    }
    return {
      ...{ reports: watched.reports(), reorgs: watched.reorgs, settlesInMs: watched.settlesInMs() },
      blocksOf: tip => watched.blocks.shown(tip),
    };
  }

  /** The last report of each ready node, as `observe` returned or would return them. None of a network that is not observed. */
  reportsOf(key: string): readonly NodeReport[] {
    return this.#networks.get(key)?.reports() ?? [];
  }

  /** What is known of a network that is observed: its nodes, what they reported, and how they are asked. */
  stateOf(key: string): ObservedNetwork | undefined {
    const watched = this.#networks.get(key);
    if (watched === undefined) return undefined;
    const { network, peers: nodes, credentials, previousCredentials: previous } = watched;
    return { network, nodes, reports: watched.reports(), credentials, previous };
  }

  /** Asks nodes of a network now, by name; those that are not ready are not asked. */
  askNow(key: string, names: readonly string[]): void {
    const watched = this.#networks.get(key);
    for (const name of names)
      if (watched?.nodes.has(name) === true) this.#options.queue.add(`${watched.network.metadata.namespace}/${name}`);
  }

  /** Call with the key of a network that is gone or paused: its nodes are not asked any more. */
  forget(key: string): void {
    const watched = this.#networks.get(key);
    if (watched === undefined) return;
    this.#networks.delete(key);
    this.#pace.note(key, 0);
    this.#blockWatch.set(key, []);
    for (const { name } of watched.stop()) this.#nodes.delete(`${watched.network.metadata.namespace}/${name}`);
  }

  /** Nodes that are not complete are asked after their backoff instead. */
  #scheduleRecheck(watched: WatchedNetwork): void {
    const { recheckMs, random = Math.random } = this.#options;
    const isLively = watched.isLively;
    const recheck = () => {
      for (const node of watched.nodes.values()) {
        if (node.report?.isComplete !== true) continue;
        // The version changes with the pod only. It is asked for now and then all the same, for a controller that has just started.
        node.asksVersion = !isLively || node.report.version === undefined;
        this.#askLater(watched, node);
      }
      this.#scheduleRecheck(watched);
    };
    // A reconcile may end later than this monitor.
    if (this.#isStopped) return;
    const key = keyOf(watched.network);
    this.#pace.note(key, isLively ? watched.nodes.size : 0);
    watched.lookMs = Math.min(this.#pace.intervalMs(watched.isCut), recheckMs);
    this.#blockWatch.set(key, watched.watchedSides());
    watched.timers.setAll(recheck, isLively ? watched.lookMs : recheckMs * (1 + 0.1 * random()), isLively);
    this.#askBehind(watched);
  }

  /** Asks the nodes that lack the newest block, until they have it or their time is over. The looks at all nodes go on meanwhile. */
  #askBehind(watched: WatchedNetwork): void {
    if (watched.timers.isHurrying || this.#isStopped) return;
    const pauseMs = watched.behindPauseMs();
    if (pauseMs === undefined) return;
    watched.timers.setStragglers(() => {
      // Its answer is on its way. To ask a slow node again and again would make it slower.
      for (const node of watched.stragglers()) if (!node.isBeingAsked) this.#askLater(watched, node);
      this.#askBehind(watched);
    }, pauseMs);
  }

  #askLater(watched: WatchedNetwork, { name }: WatchedNode): void {
    this.#options.queue.add(`${watched.network.metadata.namespace}/${name}`);
  }

  #noteBlock(key: string, side: string, height: number): void {
    const watched = this.#networks.get(key);
    if (watched?.noteBlock(side, height) === true) this.#askBehind(watched);
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<Result> {
    const node = this.#nodes.get(key);
    if (node === undefined) return {};
    const { maxUnresponsiveAsks = 500 } = this.#options;
    const wasUnresponsive = node.report !== undefined && isUnresponsive(node.report);
    if (wasUnresponsive && this.#unresponsiveAsks >= maxUnresponsiveAsks) return { requeueAfterMs: noPlaceMs };
    if (wasUnresponsive) this.#unresponsiveAsks += 1;
    try {
      const report = await this.#ask(node, signal);
      // Its peers or the node itself changed meanwhile: it is queued again, or gone.
      if (report === undefined) return {};
      return report.isComplete ? {} : { requeue: 'rateLimited' };
    } finally {
      if (wasUnresponsive) this.#unresponsiveAsks -= 1;
    }
  }

  async #ask(node: WatchedNode, signal: AbortSignal): Promise<NodeReport | undefined> {
    const { network } = node;
    const wasLively = network.isLively;
    const ask = node.startAsk(signal);
    const flushes = isFlushDue(network.network, node.node, node.unflushedMs);
    try {
      const report = await this.#options.ask(
        {
          ...{ node: ask.node, nodes: network.peers, credentials: network.credentials },
          previousCredentials: network.previousCredentials,
          ...{
            rpcPort: chainParametersOf(network.network.spec).rpcPort,
            target: node.target,
            external: node.external,
            apart: node.apart,
          },
          ...{ former: node.formerChain, compareHeights: network.compareHeights, asksVersion: node.asksVersion },
          ...(flushes ? { flushes } : {}),
        },
        ask.signal,
      );
      await readNewBlocks(node, report, ask.signal, this.#options.readHeaders);
      if (ask.signal.aborted || !network.isWatching(node)) return undefined;
      // A node that is not ready yet may not answer.
      if (report.failure !== undefined && node.node.isReady) this.#options.onFailure(network.network, report);
      const change = ask.finish(report);
      const key = keyOf(network.network);
      if (change !== 'none') this.#requests.next(change === 'chain' ? { key, afterMs: chainDelayMs } : { key });
      if (network.isLively && !wasLively) this.#scheduleRecheck(network);
      else if (change !== 'none') this.#askBehind(network);
      await this.#stuck.help(node, report, ask.signal);
      return report;
    } catch (error) {
      signal.throwIfAborted();
      if (ask.signal.aborted) return undefined;
      throw error;
    } finally {
      ask.clear();
    }
  }
}
