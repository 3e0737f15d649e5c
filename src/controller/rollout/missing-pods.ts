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
  const known = found.turns.get(missing.name) ?? view.newTurn(set);
  const wait = waitOf(set, missing, known, view, found);
  if (wait === undefined) {
    const turn = { backHeight: view.highestOther(missing), isOfUnready: true, openedMs: view.nowMs, ...known };
    found.turns.set(missing.name, turn);
    noteBusy(missing, turn, 'its pod is being created', view, found);
    return set.nodes.indexOf(missing);
  }
  found.turns.set(missing.name, { revision: known.revision, sinceMs: known.sinceMs });
  found.obstacles.push({ node: missing, ...wait });
  const closed = set.nodes.findLastIndex(node => view.isPending(set, node) && found.turns.get(node.name)?.openedMs === undefined);
  return closed + 1;
}

function waitOf(set: RolloutSet, missing: RolloutNode, turn: Turn, view: RolloutView, found: Findings): Wait | undefined {
  const isAbove = ({ ordinal, pod }: RolloutNode): boolean => ordinal > missing.ordinal && pod !== undefined;
  const above = set.nodes.filter(node => isAbove(node) && view.isPending(set, node));
  // It has its turn, or has been deleted in it.
  if (above.length === 0 && turn.openedMs !== undefined) return undefined;
  const hold = holdOf(missing, above.length === 0, view, found);
  if (hold !== undefined) return { ...hold, why: `${hold.why}; it cannot be created as it was: ${missing.createProblem}` };
  if (set.keepsChain || view.isLossAllowed) return undefined;
  const atRisk = above.filter(node => !hasNothingToLose(set, node, view, found));
  const stale = atRisk.length === 0 ? [] : view.notFresh(turn.sinceMs);
  for (const name of stale) found.asks.add(name);
  if (stale.length > 0)
    return rollingOut(`it cannot be created: ${missing.createProblem}; the nodes are asked for their heights`);
  const lost = atRisk.filter(node => !isElsewhere(node, above, view, found));
  if (lost.length === 0) return undefined;
  const names = lost.map(({ name }) => name).join(', ');
  const why = `it cannot be created as it was: ${missing.createProblem}; Kubernetes may replace ${names} with it`;
  if (view.nowMs - turn.sinceMs >= graceMs) return { reason: 'WouldLoseChain', why };
  for (const { name } of set.nodes) found.asks.add(name);
  return rollingOut(why);
}

/** Whether a node that is not above the missing one has the blocks as well. */
function isElsewhere(node: RolloutNode, above: readonly RolloutNode[], view: RolloutView, found: Findings): boolean {
  const height = view.heightOf(node);
  if (height === undefined) return false;
  return height === 0 || holdersOf(height, node, view, found).some(holder => !above.includes(holder));
}
