// Pods that cannot be created as they are: as long as there is one, its StatefulSet replaces no other pod. Pure.
import { type Findings, forgetBusy, noteBusy, rollingOut, type Wait } from './findings.ts';
import { graceMs, hasNothingToLose, holdersOf, holdOf } from './obstacles.ts';
import type { RolloutNode, RolloutSet, Turn } from './rollout-input.ts';
import type { RolloutView } from './rollout-view.ts';

/** The lowest node of the set whose pod cannot be created. */
export const missingNodeOf = ({ nodes }: RolloutSet): RolloutNode | undefined =>
  nodes.find(({ createProblem }) => createProblem !== undefined);

/**
 * The partition while a pod cannot be created in its old version. It is created in the new one when the gate is open down to it. Then the set
 * may replace the nodes above it as well, one at a time, until the gate closes again: at once when the pod exists, since they have no turn.
 */
export function openToMissing(set: RolloutSet, missing: RolloutNode, view: RolloutView, found: Findings): number {
  forgetBusy([missing], found);
  const former = found.turns.get(missing.name);
  // Where it waited as a pod that exists says nothing.
  const isNew = former === undefined || (former.openedMs === undefined && former.heightsAbove === undefined);
  const known = isNew ? view.newTurn(set) : former;
  const judgement = judge(set, missing, known, view, found);
  if (judgement.wait === undefined) {
    const opened = { backHeight: view.highestOther(missing), isOfUnready: true, openedMs: view.nowMs, ...judgement.turn };
    found.turns.set(missing.name, opened);
    noteBusy(missing, opened, 'its pod is being created', view, found);
    return set.nodes.indexOf(missing);
  }
  const { turn, wait } = judgement;
  if (turn === undefined) found.turns.delete(missing.name);
  else found.turns.set(missing.name, closedTurn(turn));
  found.obstacles.push({ node: missing, ...wait });
  const closed = set.nodes.findLastIndex(node => view.isPending(set, node) && found.turns.get(node.name)?.openedMs === undefined);
  return closed + 1;
}

const closedTurn = ({ revision, sinceMs, safeMs, heightsAbove = new Map() }: Turn): Turn => ({
  ...{ revision, sinceMs, heightsAbove },
  ...(safeMs === undefined ? {} : { safeMs }),
});

/** The turn as it goes on, undefined if the next one starts over; and why the gate is closed, undefined if it is open. */
type Judgement = { readonly turn: Turn; readonly wait?: undefined } | { readonly turn: Turn | undefined; readonly wait: Wait };

function judge(set: RolloutSet, missing: RolloutNode, turn: Turn, view: RolloutView, found: Findings): Judgement {
  const isAbove = ({ ordinal, pod }: RolloutNode): boolean => ordinal > missing.ordinal && pod !== undefined;
  const above = set.nodes.filter(node => isAbove(node) && view.isPending(set, node));
  // It has its turn, or has been deleted in it.
  if (above.length === 0 && turn.openedMs !== undefined) return { turn };
  const hold = holdOf(missing, above.length === 0, view, found);
  // Reports of before the hold do not count after it.
  if (hold !== undefined)
    return { turn: undefined, wait: { ...hold, why: `${hold.why}; it cannot be created as it was: ${missing.createProblem}` } };
  if (set.keepsChain || view.isLossAllowed) return { turn };
  const atRisk = above.filter(node => !hasNothingToLose(set, node, view, found));
  const stale = atRisk.length === 0 ? [] : view.notFresh(turn.sinceMs);
  for (const name of stale) found.asks.add(name);
  if (stale.length > 0 && turn.openedMs === undefined)
    return { turn, wait: rollingOut(`it cannot be created: ${missing.createProblem}; the nodes are asked for their heights`) };
  const { turn: noted, lost } = noteCopies(atRisk, above, turn, view, found);
  if (lost.length === 0) return { turn: noted };
  const names = lost.map(({ name }) => name).join(', ');
  const why = `it cannot be created as it was: ${missing.createProblem}; Kubernetes may replace ${names} with it`;
  const isLasting = view.nowMs - (turn.safeMs ?? turn.sinceMs) >= graceMs;
  return { turn: noted, wait: isLasting ? { reason: 'WouldLoseChain', why } : rollingOut(why) };
}

/**
 * Finds the nodes whose blocks would be lost. Two heights are never of the same moment: the others have to reach those that these nodes had
 * at the last look, and while the gate is open they have half a minute to reach those of now.
 */
function noteCopies(
  atRisk: readonly RolloutNode[],
  above: readonly RolloutNode[],
  turn: Turn,
  view: RolloutView,
  found: Findings,
): { readonly turn: Turn; readonly lost: readonly RolloutNode[] } {
  /** Whether a node that is not above the missing one has so many blocks as well. */
  const isElsewhere = (height: number | undefined, node: RolloutNode): boolean =>
    height === 0 || (height !== undefined && holdersOf(height, node, view, found).some(holder => !above.includes(holder)));
  const heightsAbove = new Map(atRisk.flatMap(node => [[node.name, view.heightOf(node)] as const]));
  const lost = atRisk.filter(node => !isElsewhere(view.heightOf(node), node));
  if (lost.length === 0) return { turn: { ...turn, heightsAbove, safeMs: view.nowMs }, lost };
  for (const node of [...lost, ...lost.flatMap(of => view.othersWithPath(of))]) found.asks.add(node.name);
  const hadCopies = lost.every(node => isElsewhere(turn.heightsAbove?.get(node.name) ?? view.heightOf(node), node));
  const { openedMs } = turn;
  const isOpen = openedMs === undefined ? lost.every(node => view.heightOf(node) !== undefined) : !isOver(turn, openedMs, view);
  return hadCopies && isOpen ? { turn, lost: [] } : { turn: { ...turn, heightsAbove }, lost };
}

const isOver = ({ safeMs = 0 }: Turn, openedMs: number, { nowMs }: RolloutView): boolean =>
  nowMs - Math.max(safeMs, openedMs) >= graceMs;
