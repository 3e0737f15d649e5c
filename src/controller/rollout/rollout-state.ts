// Where a rollout is, in words: the reason and the message of the condition UpToDate. Pure.
import type { Findings, Obstacle } from './findings.ts';
import type { RolloutReason, RolloutSet, RolloutState } from './rollout-input.ts';
import type { RolloutView } from './rollout-view.ts';

/** Undefined while a set changes, or its controller has not seen the change: then it is not known which pods are up to date. */
export function rolloutState(
  sets: readonly RolloutSet[],
  view: RolloutView,
  found: Findings,
  detourEdges: number,
): RolloutState | undefined {
  if (sets.some(({ isChanging, revisions, nodes }) => nodes.length > 0 && (isChanging || revisions === undefined)))
    return undefined;
  const { total, updated } = view.count(found.turns);
  const counts = `${updated} of ${total} nodes are updated`;
  const isUpdated = view.updatedPods();
  const state = (reason: RolloutReason, message: string, current?: string): RolloutState => ({
    reason,
    message,
    updatedNodes: updated,
    isUpdated,
    current,
    detourEdges,
  });
  const stalled = found.busy.find(({ isStalled }) => isStalled);
  const alsoHeld = view.credentialsHold === undefined ? '' : `; ${view.credentialsHold}`;
  if (stalled !== undefined) {
    const { node } = stalled;
    const why = `${stalled.why}${alsoHeld}`;
    return state('NodeNotBack', `${node.name} has not come back within ${view.deadlineSeconds} s: ${why}; ${counts}`, node.name);
  }
  const [busy] = found.busy;
  if (busy !== undefined)
    return state('RollingOut', `${counts}; waiting for ${busy.node.name}: ${busy.why}${alsoHeld}`, busy.node.name);
  const obstacle = first(found.obstacles);
  if (obstacle === undefined) return state('AllNodesUpdated', `${updated} of ${total} nodes are up to date`);
  const { node, reason, why } = obstacle;
  if (reason !== 'WouldLoseChain') return state(reason, `${counts}; ${node.name} waits: ${why}`, node.name);
  if (node.createProblem !== undefined)
    return state(reason, `${counts}; ${node.name}: ${why}, and their blocks would be lost. ${allowed('allow that')}`, node.name);
  const way = allowed('restart it nevertheless');
  return state(reason, `${counts}; ${node.name} is not restarted, since its blocks would be lost: ${why}. ${way}`, node.name);
}

const allowed = (what: string): string => `To ${what}, set spec.rollout.allowChainLoss to true`;

/** What somebody has to decide comes first. */
const order: readonly RolloutReason[] = ['WouldLoseChain', 'RollingOut', 'Paused', 'Held'];

const first = (obstacles: readonly Obstacle[]): Obstacle | undefined =>
  obstacles.toSorted((one, other) => order.indexOf(one.reason) - order.indexOf(other.reason))[0];
