// What the plan of a rollout has found so far.
import type { RolloutNode, RolloutReason, Turn } from './rollout-input.ts';

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
