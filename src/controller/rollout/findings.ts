// What the plan of a rollout has found so far.
import type { RolloutNode, RolloutReason, Turn } from './rollout-input.ts';
import type { RolloutView } from './rollout-view.ts';

/** Why a node waits for its turn. */
export interface Wait {
  readonly reason: RolloutReason;
  readonly why: string;
}

/** Why a node does not get its turn. */
export interface Obstacle extends Wait {
  readonly node: RolloutNode;
}

/** What a plan has found so far. */
export interface Findings {
  /** The nodes that have their turn and are not back. */
  readonly busy: { readonly node: RolloutNode; readonly why: string; readonly isStalled: boolean }[];
  readonly obstacles: Obstacle[];
  /** By the name of the pod. */
  readonly turns: Map<string, Turn>;
  readonly asks: Set<string>;
  /** The ordinals of the nodes that are away, or will be when the detour around them is there. */
  readonly away: Set<number>;
}

export const isIn = (busy: Findings['busy'], node: RolloutNode): boolean => busy.some(entry => entry.node === node);

export const rollingOut = (why: string): Wait => ({ reason: 'RollingOut', why });

export function noteBusy(node: RolloutNode, { openedMs = 0 }: Turn, why: string, view: RolloutView, found: Findings): void {
  const isStalled = view.nowMs - openedMs >= view.deadlineMs;
  found.busy.push({ node, why: node.pod?.problem ?? node.createProblem ?? why, isStalled });
  found.away.add(node.ordinal);
}

/** Takes back what `noteBusy` has noted of these nodes, so that they are judged as those that wait. */
export function forgetBusy(nodes: readonly RolloutNode[], found: Findings): void {
  const others = found.busy.filter(({ node }) => !nodes.includes(node));
  found.busy.splice(0, Infinity, ...others);
  for (const { ordinal } of nodes) found.away.delete(ordinal);
}
