// Plans a rollout. The partition of a StatefulSet is its gate: a pod whose index is at least the partition is replaced if its revision is
//   old. At rest the gate is closed, so that a change of the pod template replaces no pod. Pure: what it remembers goes in and comes out.
//
// The rules, for the nodes of a set from the highest index to the lowest:
// 1. A node gets its turn when the nodes that had theirs before are back, but for maxUnavailable - 1 of them.
// 2. A node that has blocks gets it only if another node that it has a path to has them too, and has been ready for a while.
// 3. It is back when it is ready, connected, and as high as the highest other node was when its turn began.
// 4. A turn that the set has not used yet is judged again at each plan, and taken back if it would not be given as things are now.
// 5. A node without a pod, or with one that never worked, gets it at once if no block is lost with it: so a fix of a bad image is rolled
//    out. Of a node that is not ready a new process does not know whether it ever worked: it may have the chain of the status.
// 6. A pod that cannot be created as it was gets it if none of the nodes above it is needed for a chain (missing-pods.ts).
// 7. While the credentials are at fault, no node with a pod gets it: it would start with them.
// 8. The gate closes when all pods are updated, before the last node is back: behind an open gate, `kubectl rollout restart` would replace the
//    others at once.
import { type Findings, forgetBusy, isIn, noteBusy, rollingOut, type Wait } from './findings.ts';
import { missingNodeOf, openToMissing } from './missing-pods.ts';
import { chainObstacle, graceMs, hasNothingToLose, holdOf, stillSafe } from './obstacles.ts';
import type { RolloutInput, RolloutNode, RolloutPlan, RolloutReason, RolloutSet, Turn } from './rollout-input.ts';
import { rolloutState } from './rollout-state.ts';
import { RolloutView } from './rollout-view.ts';

/** When to plan again: while nodes are asked, while others are waited for, and while somebody has to do something. */
const [askedMs, activeMs, stuckMs] = [500, 1_000, 5_000];

export function planRollout(input: RolloutInput): RolloutPlan {
  const view = new RolloutView(input);
  const found: Findings = { busy: [], obstacles: [], turns: new Map(), asks: new Set(), away: new Set() };
  const isKnown = ({ isChanging, revisions }: RolloutSet): boolean => !isChanging && revisions !== undefined;
  for (const set of input.sets) {
    if (isKnown(set)) noteTurns(set, view, found);
    else if (!set.isChanging) keepTurns(set, input, view, found);
  }
  const partitions = new Map(input.sets.map(set => [set.name, closedFor(set, view, found)]));
  for (const set of unreadyFirst(input.sets.filter(isKnown), view)) partitions.set(set.name, partitionOf(set, view, found));
  const maxUnavailable = new Map(input.sets.map(set => [set.name, maxUnavailableOf(set, partitions.get(set.name) ?? 0, found)]));
  const detour = view.detourAround(found.away);
  const state = rolloutState(input.sets, view, found, detour.length);
  const memory = { turns: found.turns, heights: view.heights };
  // While the credentials are at fault, the network is reconciled to read them again, and no answer of a node would let the rollout go on.
  if (view.credentialsHold !== undefined)
    return { partitions, maxUnavailable, detour, state, asks: [], planAgainMs: undefined, memory };
  const asks = [...found.asks];
  return { partitions, maxUnavailable, detour, state, asks, planAgainMs: planAgainMs(state?.reason, found), memory };
}

function planAgainMs(reason: RolloutReason | undefined, { asks }: Findings): number | undefined {
  if (reason === 'NodeNotBack' || reason === 'WouldLoseChain') return stuckMs;
  if (asks.size > 0) return askedMs;
  return reason === 'RollingOut' ? activeMs : undefined;
}

/** The partition of a set that gives no node its turn: those that had theirs keep it, unless it is taken back. */
function closedFor(set: RolloutSet, view: RolloutView, found: Findings): number {
  const { length } = set.nodes;
  if (set.isChanging) return set.startsChanged === true && !view.isPaused ? heldIn(set, view) : length;
  return Math.max(set.partition ?? length, takeBackTurns(set, view, found));
}

/** How many nodes of a set spec.rollout.partition holds. */
const heldIn = ({ nodes }: RolloutSet, view: RolloutView): number =>
  nodes.filter(({ ordinal }) => ordinal < view.heldBelow).length;

/** A set whose next node is not ready comes first: that node is down anyway. */
const unreadyFirst = (sets: readonly RolloutSet[], view: RolloutView): RolloutSet[] =>
  sets.toSorted((one, other) => Number(view.isNextReady(one)) - Number(view.isNextReady(other)));

/** While the StatefulSet controller has not seen the last write, the turns stay as they are. */
function keepTurns({ nodes }: RolloutSet, { memory }: RolloutInput, view: RolloutView, found: Findings): void {
  for (const node of nodes) {
    const turn = memory.turns.get(node.name);
    if (turn === undefined) continue;
    found.turns.set(node.name, turn);
    if (turn.openedMs !== undefined && turn.isBack !== true) noteBusy(node, turn, 'its pod is being replaced', view, found);
  }
}

/** Keeps the turns that still count, and finds the nodes that are not back from theirs. */
function noteTurns(set: RolloutSet, view: RolloutView, found: Findings): void {
  if (view.isAtRest(set) && !view.isUnfinished(set)) return;
  const lowestPending = set.nodes.findIndex(node => view.isPending(set, node));
  for (const [index, node] of set.nodes.entries()) {
    const turn = view.turnOf(set, node);
    if (view.isPending(set, node)) {
      // The gate was closed again before the pod was replaced, or the pod can be asked by now.
      const isAskable = turn?.isOfUnready === true && node.pod?.isReady === true;
      const isClosed = turn?.openedMs !== undefined && (index < (set.partition ?? 0) || isAskable);
      // It waited while it could not be created, and exists by now.
      const isOfMissing = turn?.heightsAbove !== undefined && turn.openedMs === undefined && node.pod !== undefined;
      if (turn === undefined || isClosed || isOfMissing) continue;
      found.turns.set(node.name, turn);
      if (turn.openedMs !== undefined) noteBusy(node, turn, 'its pod is being replaced', view, found);
    } else if (turn !== undefined || index > lowestPending) {
      // Without a turn: it had one of an earlier process, or was created like this.
      noteReturn(node, turn ?? { ...view.newTurn(set), openedMs: view.openedEarlierMs() }, view, found);
    }
  }
}

/**
 * Judges the turns that the set has not used yet once more, in the order in which they were given: the set may withhold a pod for long.
 * @returns the index above the highest node that loses its turn; 0 if none does
 */
function takeBackTurns(set: RolloutSet, view: RolloutView, found: Findings): number {
  const unused = set.nodes.filter(node => {
    const turn = found.turns.get(node.name);
    return isIn(found.busy, node) && node.pod !== undefined && node.pod.revision !== turn?.revision;
  });
  forgetBusy(unused, found);
  let closed = 0;
  for (const node of unused.toReversed()) {
    const turn = closed > 0 ? undefined : renewedTurn(set, node, view, found);
    if (turn === undefined) {
      closed ||= set.nodes.indexOf(node) + 1;
      found.turns.delete(node.name);
      continue;
    }
    found.turns.set(node.name, turn);
    noteBusy(node, turn, 'its pod is being replaced', view, found);
  }
  return closed;
}

/** Undefined if the node would not get its turn now. */
function renewedTurn(set: RolloutSet, node: RolloutNode, view: RolloutView, found: Findings): Turn | undefined {
  const turn = found.turns.get(node.name);
  const isFree = hasNothingToLose(set, node, view, found);
  if (missingNodeOf(set) !== undefined) return undefined;
  if (turn === undefined || holdOf(node, isFree, view, found) !== undefined) return undefined;
  return isFree || set.keepsChain || view.isLossAllowed ? turn : stillSafe(node, turn, view, found);
}

/** Finds out whether an updated node is back. One that has been back and is not ready any more is waited for as well. */
function noteReturn(node: RolloutNode, known: Turn, view: RolloutView, found: Findings): void {
  const { pod } = node;
  let turn = known;
  if (pod !== undefined && turn.seen?.uid !== pod.uid)
    turn = { ...turn, isBack: false, seen: { uid: pod.uid, atMs: view.nowMs } };
  const stale = turn.backHeight === undefined ? view.notFresh(turn.sinceMs) : [];
  if (turn.backHeight === undefined && stale.length === 0) turn = { ...turn, backHeight: view.highestOther(node) };
  const isStillBack = turn.isBack === true && pod?.isReady === true;
  const why = isStillBack ? undefined : view.whyNotBack(node, turn);
  if (why !== undefined && turn.isBack === true) turn = { ...turn, openedMs: view.nowMs };
  turn = { ...turn, isBack: why === undefined };
  found.turns.set(node.name, turn);
  if (why === undefined) return;
  noteBusy(node, turn, why, view, found);
  // It may lack blocks that the others have lost meanwhile.
  const others = pod?.report?.height === undefined ? [] : view.notFresh(turn.seen?.atMs ?? view.nowMs);
  for (const name of [...stale, ...others, ...(pod?.isReady === true ? [node.name] : [])]) found.asks.add(name);
}

/** The lowest index that may be replaced. Gives nodes their turn on the way. */
function partitionOf(set: RolloutSet, view: RolloutView, found: Findings): number {
  const { length } = set.nodes;
  if (view.isAtRest(set)) return length;
  const isPending = set.nodes.some(node => view.isPending(set, node));
  // Before all revisions are the same, a pod that dies behind a closed gate comes back in its old version, and is replaced once more. Nodes
  // that keep their chain can wait: behind an open gate they lose nothing by `kubectl rollout restart`.
  if (!isPending && (view.isComplete(set) || !set.keepsChain)) return length;
  const missing = missingNodeOf(set);
  if (missing !== undefined && view.isPending(set, missing)) return openToMissing(set, missing, view, found);
  for (let index = length - 1; index >= 0; index -= 1) {
    const node = set.nodes[index];
    if (node !== undefined && view.isPending(set, node) && !hasTurn(set, node, view, found)) return index + 1;
  }
  return 0;
}

/**
 * The set deletes no ready pod while maxUnavailable pods are not ready, whatever their index is. Those that have their turn are deleted
 * nevertheless: or a fix would not reach an unready node below them. 1 while there are none.
 */
function maxUnavailableOf({ nodes }: RolloutSet, partition: number, { turns }: Findings): number {
  const isUnused = ({ name, pod }: RolloutNode): boolean => {
    const turn = turns.get(name);
    return turn?.openedMs !== undefined && pod?.isReady === true && pod.revision !== turn.revision;
  };
  const unused = nodes.filter((node, index) => index >= partition && isUnused(node)).length;
  return unused === 0 ? 1 : unused + nodes.filter(({ pod }) => pod?.isReady !== true).length;
}

/** Whether the node has its turn, or gets it now. */
function hasTurn(set: RolloutSet, node: RolloutNode, view: RolloutView, found: Findings): boolean {
  const known = found.turns.get(node.name);
  if (known?.openedMs !== undefined) return true;
  const turn = known ?? view.newTurn(set);
  const obstacle = obstacleOf(set, node, turn, view, found);
  if (obstacle !== undefined) {
    found.obstacles.push({ node, ...obstacle });
    return false;
  }
  const isOfUnready = node.pod?.isReady !== true;
  const safeHeight = turn.safeHeight ?? view.heightOf(node);
  const opened = { ...turn, safeHeight, openedMs: view.nowMs, isOfUnready, backHeight: view.highestOther(node) };
  found.turns.set(node.name, opened);
  noteBusy(node, opened, 'its pod is being replaced', view, found);
  return true;
}

function obstacleOf(set: RolloutSet, node: RolloutNode, turn: Turn, view: RolloutView, found: Findings): Wait | undefined {
  const isFree = hasNothingToLose(set, node, view, found);
  const hold = holdOf(node, isFree, view, found);
  if (hold !== undefined) {
    // Reports of before the hold do not count after it.
    found.turns.delete(node.name);
    return hold;
  }
  if (isFree) return undefined;
  const missing = missingNodeOf(set);
  if (missing !== undefined) return rollingOut(`${missing.name} cannot be created: ${missing.createProblem}`);
  found.turns.set(node.name, turn);
  // It may be starting: then it has a chain in a moment, or a problem.
  const mayBeStarting = view.isUnknown(node) && !view.neverWorked(node);
  if (mayBeStarting && view.nowMs - turn.sinceMs < graceMs) return rollingOut('it is not ready yet');
  const other = startingOther(set, node, turn, view, found);
  if (other !== undefined) return rollingOut(`${other.name} is not ready yet`);
  const stale = view.notFresh(found.turns.get(node.name)?.sinceMs ?? turn.sinceMs);
  for (const name of stale) found.asks.add(name);
  if (stale.length > 0) return rollingOut('the nodes are asked for their heights');
  const obstacle = set.keepsChain || view.isLossAllowed ? undefined : chainObstacle(node, turn, view, found);
  return obstacle ?? detourObstacle(node, turn, view, found);
}

/**
 * Another node of the set that is unavailable, for half a minute. No longer: the fix that would help it may be what is rolled out from the
 * top. After the wait the turn starts over.
 */
function startingOther(
  set: RolloutSet,
  node: RolloutNode,
  turn: Turn,
  view: RolloutView,
  found: Findings,
): RolloutNode | undefined {
  if (turn.hasWaited === true) return undefined;
  const starting = set.nodes.find(other => other !== node && view.mayBeStarting(other) && !isIn(found.busy, other));
  if (starting === undefined || view.nowMs - turn.sinceMs < graceMs) return starting;
  found.turns.set(node.name, { ...turn, sinceMs: view.nowMs, hasWaited: true });
  return undefined;
}

/** The connections around the node come before it goes. */
function detourObstacle(node: RolloutNode, turn: Turn, view: RolloutView, found: Findings): Wait | undefined {
  found.away.add(node.ordinal);
  const isThere = view.isSettled(view.detourAround(found.away));
  if (isThere || view.nowMs - turn.sinceMs >= graceMs) return undefined;
  return rollingOut('its neighbours are connected to one another first');
}
