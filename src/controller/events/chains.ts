// The events of a network's chains: forks, their end, and blocks that a node replaced.
import type { BitcoinNetworkStatus } from '../../bitcoin/api/bitcoin-network.ts';
import { branchesOf } from '../../bitcoin/chain/compare-chains.ts';
import type { NodeReorg, Reorg } from '../../bitcoin/chain/reorg.ts';
import type { NodeReport } from '../../bitcoin/topology/connect-node.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import type { PendingEvent } from '../../runtime/event-outbox.ts';
import { branchesText, type ChainsObserved, shortHash } from '../status/chains.ts';
import { conditionIn } from '../status/condition.ts';
import { KeptBranches } from './kept-branches.ts';
import { reasons } from './reasons.ts';

/** A node that lacks blocks for so long is behind. Before that they are on their way to it, or it was asked earlier than the others. */
const behindMs = 10_000;
/** Its last report is not older than this then: with many networks nodes are asked less often, and it may have the block by now. */
const reportMs = 2_500;
/** For so long a fork that is seen first may wait for nodes that lack blocks or whose chain is not known, so that it is reported with all of them. */
const forkSettlesMs = 1_000;
/** A write stores at most ten events. */
const maxReorgEvents = 4;

/** What of a network's chains only this process knows. */
export class ChainHistory {
  readonly #nowMs: () => number;
  /** By ordinal: since when a node has lacked a block, and the height of that block. */
  #behind = new Map<number, { readonly sinceMs: number; readonly height: number }>();
  /** Since when there are more chains than the status shows. */
  #forkSinceMs: number | undefined;
  readonly #kept = new KeptBranches();
  /** The reorganisations that an event was stored for. */
  readonly #published = new WeakSet<Reorg>();

  /** @param nowMs monotonic milliseconds; default: performance.now */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * Call with the nodes and the reports of each reconcile, and the status before it.
   * @param stored the ordinals of nodes with a volume of their own
   * @returns the chains, undefined if no node reported one; after how many milliseconds a node may be behind for long; and for how long
   *   answers may still come that a status with a new fork should include
   */
  observe(
    nodes: readonly Node[],
    reports: readonly NodeReport[],
    status?: BitcoinNetworkStatus,
    stored: ReadonlySet<number> = new Set(),
  ): { readonly chains: ChainsObserved | undefined; readonly waitMs: number | undefined; readonly settlesInMs: number } {
    const nowMs = this.#nowMs();
    const views = reports.flatMap(({ node, chain, hashes }) =>
      chain === undefined ? [] : [{ ...chain, ordinal: node.ordinal, hashes }],
    );
    const [first, ...others] = branchesOf(views);
    const before = this.#behind;
    this.#behind = new Map();
    if (first === undefined) return { chains: undefined, waitMs: undefined, settlesInMs: 0 };
    const { branches, waitMs: keptMs } = this.#kept.observe([first, ...others], { nodes, stored, views }, nowMs);
    const reported = new Set(reports.filter(({ chain }) => chain !== undefined).map(({ node }) => node.name));
    const isReported = nodes.every(({ name, isReady }) => !isReady || reported.has(name));
    const isCertain = isReported && branches.every(branch => branch.isCertain);
    const heights = new Map(reports.map(({ node, chain }) => [node.ordinal, chain?.height ?? 0]));
    for (const { behind, height } of [first, ...others])
      for (const ordinal of behind) {
        const known = before.get(ordinal);
        // It has the block that it lacked, and lacks a newer one: nodes are not asked at the same time.
        const isSame = known !== undefined && (heights.get(ordinal) ?? 0) < known.height;
        this.#behind.set(ordinal, isSame ? known : { sinceMs: nowMs, height });
      }
    const since = [...this.#behind].map(([ordinal, { sinceMs }]) => [ordinal, sinceMs] as const);
    const askedAt = new Map(reports.map(({ node, askedAtMs = nowMs }) => [node.ordinal, askedAtMs]));
    const isLagging = ([ordinal, sinceMs]: readonly [number, number]): boolean =>
      nowMs - sinceMs >= behindMs && (askedAt.get(ordinal) ?? nowMs) - sinceMs >= behindMs - reportMs;
    const lagging = since.filter(isLagging).map(([ordinal]) => ordinal);
    // After that time it is known with its next report, which says nothing new otherwise.
    const leftMs = since
      .filter(each => !isLagging(each))
      .map(([, at]) => (at + behindMs > nowMs ? at + behindMs - nowMs : reportMs));
    const waitsMs = [...leftMs, ...(keptMs === undefined ? [] : [keptMs])];
    return {
      chains: { branches, lagging: lagging.sort((a, b) => a - b), isCertain },
      waitMs: waitsMs.length === 0 ? undefined : Math.min(...waitsMs),
      settlesInMs: this.#forkSettlesInMs(branches.length > (status?.chain?.tips ?? 1), isCertain && since.length === 0),
    };
  }

  #forkSettlesInMs(isNew: boolean, isComplete: boolean): number {
    const nowMs = this.#nowMs();
    this.#forkSinceMs = isNew ? (this.#forkSinceMs ?? nowMs) : undefined;
    return this.#forkSinceMs === undefined || isComplete ? 0 : Math.max(0, this.#forkSinceMs + forkSettlesMs - nowMs);
  }

  /**
   * The reorganisations that no event was stored for.
   * @param reorgs oldest first
   * @param status of the network as it is on the API server. If it shows the chain that a node has since, it was written with the event of that
   *   reorganisation and the former ones of the node: by a former leader, whose last write came after the status that this process started
   *   from, or by a write whose answer was lost.
   *   One that leads back to the chain that was shown before is not recognized
   */
  unpublished(reorgs: readonly NodeReorg[], status?: BitcoinNetworkStatus): NodeReorg[] {
    const shown = new Map((status?.nodes ?? []).map(({ nodeName, tip }) => [nodeName, tip]));
    const written = new Set<string>();
    const open = reorgs.filter(({ reorg }) => !this.#published.has(reorg));
    const firstTips = new Map(open.toReversed().map(({ nodeName, reorg }) => [nodeName, reorg.from.tip]));
    for (const { nodeName, reorg } of reorgs.toReversed()) {
      // The chain that it left and came back to was shown before it left.
      const isSince = shown.get(nodeName) === reorg.to.tip && reorg.to.tip !== firstTips.get(nodeName);
      if (isSince) written.add(nodeName);
      if (written.has(nodeName)) this.#published.add(reorg);
    }
    return reorgs.filter(({ reorg }) => !this.#published.has(reorg));
  }

  /** Call when the events of these were stored. */
  notePublished(reorgs: readonly NodeReorg[]): void {
    for (const { reorg } of reorgs) this.#published.add(reorg);
  }
}

export function chainEvents(
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
  chains: ChainsObserved | undefined,
  reorgs: readonly NodeReorg[],
): PendingEvent[] {
  return [...forkEvents(previous, status, chains), ...reorgEvents(reorgs)];
}

function forkEvents(
  previous: BitcoinNetworkStatus | undefined,
  status: BitcoinNetworkStatus,
  chains: ChainsObserved | undefined,
): PendingEvent[] {
  const [was, is] = [previous?.chain?.tips ?? 1, status.chain?.tips ?? 1];
  const events: PendingEvent[] = [];
  const text = chains === undefined ? `${is} chains` : branchesText(chains.branches);
  if (is > was) events.push({ type: 'Warning', reason: reasons.forkDetected, message: `The nodes are on ${text}` });
  if (is === 1 && was > 1) {
    const { height = 0, tip = '' } = status.chain ?? {};
    const message = `All nodes are on one chain of height ${height} (tip ${shortHash(tip)})`;
    events.push({ type: 'Normal', reason: reasons.forkResolved, message });
  }
  const isEqualWork = (of: BitcoinNetworkStatus | undefined) => conditionIn(of, 'ChainsAgree')?.reason === 'EqualWork';
  // While the network was paused its chains were not known, unless it was cut then.
  const wasUnknown =
    conditionIn(previous, 'ChainsAgree')?.status === 'Unknown' && conditionIn(previous, 'Partitioned')?.status !== 'True';
  if (isEqualWork(status) && !isEqualWork(previous) && !wasUnknown && was > 1)
    events.push({
      type: 'Warning',
      reason: reasons.equalWorkRemains,
      message: `The network is not cut and has ${text}: of equal chains each node keeps the one that it saw first, until the next block`,
    });
  return events;
}

export function reorgEvents(reorgs: readonly NodeReorg[]): PendingEvent[] {
  const shown = reorgs.slice(0, maxReorgEvents).map(({ nodeName, reorg: { depth, from, to } }) => {
    const ends = `height ${from.height} (tip ${shortHash(from.tip)}) became height ${to.height} (tip ${shortHash(to.tip)})`;
    return `${nodeName} replaced ${counted(depth, 'block')}: ${ends}`;
  });
  const rest = reorgs.slice(maxReorgEvents);
  const deepest = counted(Math.max(...rest.map(({ reorg }) => reorg.depth)), 'block');
  const others = rest.length === 0 ? [] : [`${counted(rest.length, 'more reorganisation')} replaced up to ${deepest}`];
  return [...shown, ...others].map(message => ({ type: 'Normal', reason: reasons.reorgObserved, message }));
}

const counted = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
