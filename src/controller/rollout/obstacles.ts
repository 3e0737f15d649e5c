// What keeps a node from its turn in a rollout: spec.rollout, the turn of another node, and blocks that would be lost. Pure.
import { type Findings, isIn, rollingOut, type Wait } from './findings.ts';
import type { RolloutNode, RolloutSet, Turn } from './rollout-input.ts';
import { type RolloutView, whySilent } from './rollout-view.ts';

/** How long the others have to catch up with a node before its blocks count as its own alone, and an unready node to show its problem. */
export const graceMs = 30_000;
/**
 * For so long another node must have been ready before its copy of the chain is the only one: a new version may exit after it was ready, and
 * then loses the blocks that it has not written to disk.
 */
const copyMs = 15_000;
/** With so many other copies all of them may be newer: they are not lost together. */
const manyCopies = 3;

/** What holds the node whatever its chain is. */
export function holdOf(node: RolloutNode, isFree: boolean, view: RolloutView, { busy }: Findings): Wait | undefined {
  if (node.ordinal < view.heldBelow) return { reason: 'Held', why: `spec.rollout.partition is ${view.heldBelow}` };
  if (view.isPaused) return { reason: 'Paused', why: 'spec.rollout.paused is true' };
  // A node without a pod is created in any case: only its version is decided here.
  const isRestart = node.pod !== undefined || !isFree;
  if (isRestart && view.credentialsHold !== undefined) return rollingOut(view.credentialsHold);
  const isFull = busy.length >= view.maxUnavailable || busy.some(({ isStalled }) => isStalled);
  return isFull && !isFree ? rollingOut('another node has its turn') : undefined;
}

/** Whether the node cannot work as it is, and no block is lost with it. */
export function hasNothingToLose(set: RolloutSet, node: RolloutNode, view: RolloutView, found: Findings): boolean {
  if (!view.neverWorked(node)) return false;
  const height = view.heightOf(node) ?? Infinity;
  return set.keepsChain || view.isLossAllowed || height === 0 || holdersOf(height, node, view, found).length > 0;
}

/** The other nodes that the node has a path to, that stay, and that have these blocks. */
export const holdersOf = (height: number, node: RolloutNode, view: RolloutView, { busy }: Findings): RolloutNode[] =>
  view.othersWithPath(node).filter(other => !isIn(busy, other) && (view.reportedHeightOf(other) ?? -1) >= height);

/** Whether these copies are too few and too new. Clocks that differ by more than that say nothing. */
const areTooNew = (holders: readonly RolloutNode[]): boolean =>
  holders.length < manyCopies && holders.every(({ pod }) => Math.abs(pod?.readyForMs ?? Infinity) < copyMs);

/** Whether blocks would be lost with the node. All reports are newer than the beginning of its turn. */
export function chainObstacle(node: RolloutNode, turn: Turn, view: RolloutView, found: Findings): Wait | undefined {
  const height = view.heightOf(node);
  // Two heights are never of the same moment: another node has to reach the height that this one had a moment ago.
  const safeHeight = turn.safeHeight ?? height;
  if (height === undefined || safeHeight === undefined) {
    const why = `${whySilent(node)}, so that its height is not known`;
    found.asks.add(node.name);
    // One call may fail, as on a busy machine.
    return view.nowMs - turn.sinceMs < graceMs ? rollingOut(why) : { reason: 'WouldLoseChain', why };
  }
  if (safeHeight === 0) return undefined;
  const holders = holdersOf(safeHeight, node, view, found);
  if (holders.length > 0) return newCopyObstacle(node, holders, found);
  found.turns.set(node.name, { ...turn, safeHeight: height });
  const others = askOthers(node, view, found);
  if (others.length > 0 && view.nowMs - turn.sinceMs < graceMs)
    return rollingOut(`another node has to reach height ${safeHeight} first`);
  const why = `no other node that it has a path to has its ${safeHeight} blocks`;
  const unknown = `it is not ready and may have the ${safeHeight} blocks of the network, and no other node that it has a path to has them`;
  return { reason: 'WouldLoseChain', why: view.isUnknown(node) ? unknown : why };
}

function newCopyObstacle(node: RolloutNode, holders: readonly RolloutNode[], found: Findings): Wait | undefined {
  if (!areTooNew(holders)) return undefined;
  // Reports of before the wait do not count after it.
  found.turns.delete(node.name);
  const names = holders.map(({ name }) => name);
  const others = names.length === 1 ? `the only other node with its blocks, ${names[0]},` : 'each other node with its blocks';
  return rollingOut(`${others} has been ready for less than ${copyMs / 1_000} seconds`);
}

/** Asks the node and those that may have its blocks. */
function askOthers(node: RolloutNode, view: RolloutView, found: Findings): RolloutNode[] {
  const others = view.othersWithPath(node).filter(other => !isIn(found.busy, other));
  for (const { name } of [node, ...others]) found.asks.add(name);
  return others;
}

/**
 * The open turn of a node that still has its pod, if no block would be lost with it now either. Reports may be older than this look: another
 * node has half a minute to reach the height that this one reports.
 */
export function stillSafe(node: RolloutNode, turn: Turn, view: RolloutView, found: Findings): Turn | undefined {
  const hasOthers = (height: number): boolean => {
    const holders = holdersOf(height, node, view, found);
    return holders.length > 0 && !areTooNew(holders);
  };
  const height = view.heightOf(node);
  if (height === 0 || (height !== undefined && hasOthers(height))) return { ...turn, safeHeight: height, safeMs: view.nowMs };
  const { safeHeight, safeMs = turn.openedMs ?? 0 } = turn;
  if (safeHeight === undefined || !hasOthers(safeHeight) || view.nowMs - safeMs >= graceMs) return undefined;
  askOthers(node, view, found);
  return turn;
}
