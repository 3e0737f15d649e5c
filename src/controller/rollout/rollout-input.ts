// What the planner of rollouts decides from: the sets as they were applied and observed, their pods, and what the nodes reported.
import type { RolloutSpec } from '../../bitcoin/api/rollout.ts';
import type { Dial } from '../../bitcoin/topology/topology-plan.ts';

/** The latest report of a ready node. */
export interface RolloutReport {
  /** Undefined if the node gave no answer, or none about its chain. */
  readonly height: number | undefined;
  /** The node refuses the credentials. Default: it does not. */
  readonly isRefused?: boolean;
  /** Every connection that the node should have with ready nodes is there. */
  readonly isConnected: boolean;
  /** When it was asked for the report; monotonic milliseconds. */
  readonly askedAtMs: number;
}

export interface RolloutNode {
  /** The name of the pod. */
  readonly name: string;
  readonly ordinal: number;
  /** The pod; undefined while there is none, or while it is being deleted. */
  readonly pod: RolloutPod | undefined;
  /** Why its pod cannot be created, as far as that is known. */
  readonly createProblem?: string | undefined;
}

export interface RolloutPod {
  readonly uid: string;
  /** The revision of the StatefulSet that it was created from. */
  readonly revision: string | undefined;
  readonly isReady: boolean;
  /** For how long it has been ready, as far as the clocks of the machines agree. Default: for long. */
  readonly readyForMs?: number | undefined;
  /** Why it is not ready, as far as that is known. */
  readonly problem: string | undefined;
  /** It was created after this process started, and has reported no block. Default: that is not known. */
  readonly isEmpty?: boolean;
  readonly report: RolloutReport | undefined;
}

/** The revisions in the status of a StatefulSet. */
export interface Revisions {
  /** Of pods below the partition. It follows when all pods have the other one. */
  readonly current: string;
  readonly update: string;
}

export interface RolloutSet {
  readonly name: string;
  /** The partition that it has: an index, and no ordinal. Undefined: there is no such set, or one of an older release. */
  readonly partition: number | undefined;
  /** What is applied now changes more than the partition. */
  readonly isChanging: boolean;
  /** It runs no pod, and its pods are changing: they start in their new version. Default: it is not so. */
  readonly startsChanged?: boolean;
  /** Undefined until the StatefulSet controller has seen the set as it is. */
  readonly revisions: Revisions | undefined;
  /** By index. */
  readonly nodes: readonly RolloutNode[];
  /** Whether a node still has its chain when its pod has been replaced, or finds it again outside the network. */
  readonly keepsChain: boolean;
}

export interface RolloutInput {
  readonly sets: readonly RolloutSet[];
  readonly spec: RolloutSpec;
  /** The ordinals that a node has a path to along the planned connections, itself included. */
  readonly reachable: (ordinal: number) => ReadonlySet<number> | 'all';
  /** The edges that keep the other nodes connected while these are away, by ordinal. */
  readonly detourAround: (absent: ReadonlySet<number>) => readonly Dial[];
  /** Whether an edge is there, or cannot be since a node of it is not ready. */
  readonly isSettled: (edge: Dial) => boolean;
  readonly memory: RolloutMemory;
  /** The height of the chain in the status: an unready node that this process has not asked yet may have it. */
  readonly knownHeight: number;
  /** The rollout was stalled when this process started. */
  readonly wasStalled: boolean;
  /** The node that the rollout waited for when this process started. Default: none. */
  readonly waitedFor?: string | undefined;
  /** What is wrong with the credentials: no node may be restarted with them. Default: nothing. */
  readonly credentialsFault?: string | undefined;
  /** Monotonic milliseconds. */
  readonly nowMs: number;
}

/** What was seen of a node when it was its turn. */
export interface Turn {
  /** The revision that it is updated to. */
  readonly revision: string;
  /** Reports from then on count. */
  readonly sinceMs: number;
  /** Another node of the set was not ready for so long that it is not waited for any more. */
  readonly hasWaited?: boolean;
  /** The height that the node itself had at the last look: another one must have it before this one is replaced. */
  readonly safeHeight?: number | undefined;
  /** When other nodes were last seen to have all blocks that its turn puts at risk. */
  readonly safeMs?: number;
  /**
   * Of a pod that cannot be created: the heights that the nodes above it had at the last look, by name. The pod is created in its new version
   * only if other nodes have these blocks.
   */
  readonly heightsAbove?: ReadonlyMap<string, number | undefined>;
  /** Since when the partition lets it be replaced; undefined until it does. */
  readonly openedMs?: number;
  /** The pod was not ready then. If it becomes ready before it is replaced, it can be asked, and it is decided again. */
  readonly isOfUnready?: boolean;
  /** The height at which it is back: the highest that another node reported when it was replaced. */
  readonly backHeight?: number;
  /** The new pod, and when it was first seen: earlier reports are about the former one. */
  readonly seen?: { readonly uid: string; readonly atMs: number };
  /** It has been back. */
  readonly isBack?: boolean;
}

export interface RolloutMemory {
  /** By the name of the pod. */
  readonly turns: ReadonlyMap<string, Turn>;
  /** The last height that each pod reported, by its uid. */
  readonly heights: ReadonlyMap<string, number>;
}

export const emptyMemory: RolloutMemory = { turns: new Map(), heights: new Map() };

/** Why a rollout is where it is; the reasons of the condition UpToDate. */
export type RolloutReason = 'AllNodesUpdated' | 'RollingOut' | 'Held' | 'Paused' | 'NodeNotBack' | 'WouldLoseChain';

export interface RolloutState {
  readonly reason: RolloutReason;
  readonly message: string;
  readonly updatedNodes: number;
  /** Whether each node has the revision that it should have, by the name of its pod. */
  readonly isUpdated: ReadonlyMap<string, boolean>;
  /** The pod that the rollout waits for. */
  readonly current?: string | undefined;
  readonly detourEdges: number;
}

/** Which pods a StatefulSet replaces. */
export interface Gate {
  /** The lowest index that is replaced. Default: none is. */
  readonly partition: number | undefined;
  /** Default: 1. */
  readonly maxUnavailable?: number | undefined;
}

export interface RolloutPlan {
  /** The partition of each set, by its name. */
  readonly partitions: ReadonlyMap<string, number>;
  /** How many pods of a set may be unavailable, so that it takes those that have their turn, by its name. Default: 1. */
  readonly maxUnavailable: ReadonlyMap<string, number>;
  /** Edges that should be there beside those of the topology. */
  readonly detour: readonly Dial[];
  /** Undefined: not known yet. */
  readonly state: RolloutState | undefined;
  /** The nodes that should be asked now, by name. */
  readonly asks: readonly string[];
  /** After how many milliseconds to plan again; undefined = not before something changes. */
  readonly planAgainMs: number | undefined;
  readonly memory: RolloutMemory;
}
