// What the plan of a rollout has found so far.
import type { RolloutNode, RolloutReason, Turn } from './rollout-input.ts';

/** Why a node does not get its turn. */
export interface Obstacle {
  readonly node: RolloutNode;
  readonly reason: RolloutReason;
  readonly why: string;
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
