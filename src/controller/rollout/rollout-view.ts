// RolloutView: questions about the input of a rollout's plan. Pure.
import type { RolloutSpec } from '../../bitcoin/api/rollout.ts';
import type { Dial } from '../../bitcoin/topology/topology-plan.ts';
import type { RolloutInput, RolloutNode, RolloutPod, RolloutSet, Turn } from './rollout-input.ts';

const defaultDeadlineSeconds = 600;

export class RolloutView {
  readonly nowMs: number;
  /** The last height that each existing pod reported, by its uid. */
  readonly heights: ReadonlyMap<string, number>;
  readonly maxUnavailable: number;
  readonly deadlineMs: number;
  readonly #input: RolloutInput;
  readonly #nodes: readonly RolloutNode[];

  constructor(input: RolloutInput) {
    this.#input = input;
    this.#nodes = input.sets.flatMap(({ nodes }) => nodes);
    this.nowMs = input.nowMs;
    this.maxUnavailable = atATime(input.spec.maxUnavailable, this.#nodes.length);
    this.deadlineMs = this.deadlineSeconds * 1_000;
    this.heights = new Map(
      this.#nodes.flatMap(({ pod }) => {
        const height = pod && (pod.report?.height ?? input.memory.heights.get(pod.uid));
        return pod === undefined || height === undefined ? [] : [[pod.uid, height] as const];
      }),
    );
  }

  get deadlineSeconds(): number {
    return this.#input.spec.progressDeadlineSeconds ?? defaultDeadlineSeconds;
  }

  get isPaused(): boolean {
    return this.#input.spec.paused === true;
  }

  /** Nodes of lower ordinals are held. */
  get heldBelow(): number {
    return this.#input.spec.partition ?? 0;
  }

  /** Why no node that has a pod is given its turn, whatever its chain is; undefined while the credentials are usable. */
  get credentialsHold(): string | undefined {
    const fault = this.#input.credentialsFault;
    return fault === undefined ? undefined : `no node is restarted while ${fault}`;
  }

  get isLossAllowed(): boolean {
    return this.#input.spec.allowChainLoss === true;
  }

  /** Since when a turn counts that this process did not begin. */
  openedEarlierMs(): number {
    return this.#input.wasStalled ? this.nowMs - this.deadlineMs : this.nowMs;
  }

  newTurn({ revisions }: RolloutSet): Turn {
    return { revision: revisions?.update ?? '', sinceMs: this.nowMs };
  }

  turnOf({ revisions }: RolloutSet, { name }: RolloutNode): Turn | undefined {
    const turn = this.#input.memory.turns.get(name);
    return turn?.revision === revisions?.update ? turn : undefined;
  }

  /** Whether the node has yet to be updated. One that does not exist is created in the current revision while the gate is closed. */
  isPending({ revisions }: RolloutSet, { pod }: RolloutNode): boolean {
    if (revisions === undefined) return false;
    return pod === undefined ? revisions.current !== revisions.update : pod.revision !== revisions.update;
  }

  /** Whether all pods that exist and those that will be created have the same revision. */
  isComplete({ revisions, nodes }: RolloutSet): boolean {
    return nodes.length === 0 || revisions?.current === revisions?.update;
  }

  /** Whether the gate is closed, and nothing is behind it. */
  isAtRest(set: RolloutSet): boolean {
    const { nodes, partition } = set;
    return partition === nodes.length && this.isComplete(set) && !nodes.some(node => this.isPending(set, node));
  }

  /** Whether a node of the set had its turn and is not back, as far as this process knows. The status names but one node of all sets. */
  isUnfinished(set: RolloutSet): boolean {
    return this.#input.waitedFor !== undefined || set.nodes.some(node => this.turnOf(set, node)?.isBack === false);
  }

  isNextReady(set: RolloutSet): boolean {
    return set.nodes.findLast(node => this.isPending(set, node))?.pod?.isReady === true;
  }

  /** It has no pod, or one that never reported a chain and cannot become ready. */
  neverWorked({ pod }: RolloutNode): boolean {
    return pod === undefined || (!pod.isReady && pod.problem !== undefined && !this.heights.has(pod.uid));
  }

  /** It has no pod, or one that is not ready and shows no problem. */
  mayBeStarting({ pod }: RolloutNode): boolean {
    return pod === undefined || (!pod.isReady && pod.problem === undefined);
  }

  /** It is not ready, and never reported a chain to this process. */
  isUnknown({ pod }: RolloutNode): boolean {
    return pod?.isReady !== true && (pod === undefined || !this.heights.has(pod.uid));
  }

  /**
   * The height that the node has or may have: what its pod reported last, or if it is not ready and never reported anything to this process,
   * the height of the network. Undefined if it is ready and does not answer.
   */
  heightOf({ pod }: RolloutNode): number | undefined {
    if (pod === undefined) return 0;
    if (pod.isReady) return pod.report?.height;
    return this.heights.get(pod.uid) ?? (pod.isEmpty === true ? 0 : this.#input.knownHeight);
  }

  reportedHeightOf({ pod }: RolloutNode): number | undefined {
    return pod?.isReady === true ? pod.report?.height : undefined;
  }

  /** The ready nodes without a report that is as new. */
  notFresh(sinceMs: number): string[] {
    const isStale = (pod: RolloutPod | undefined): boolean =>
      pod?.isReady === true && (pod.report === undefined || pod.report.askedAtMs < sinceMs);
    return this.#nodes.filter(({ pod }) => isStale(pod)).map(({ name }) => name);
  }

  /** The other ready nodes that have a path to the node along the planned connections. */
  othersWithPath({ name, ordinal }: RolloutNode): RolloutNode[] {
    const reachable = this.#input.reachable(ordinal);
    return this.#nodes.filter(
      other => other.name !== name && other.pod?.isReady === true && (reachable === 'all' || reachable.has(other.ordinal)),
    );
  }

  /** The highest height that another node with a path to the node reports; 0 if none does. */
  highestOther(node: RolloutNode): number {
    return Math.max(0, ...this.othersWithPath(node).map(other => this.reportedHeightOf(other) ?? 0));
  }

  /** Undefined if the node is back from its turn. */
  whyNotBack(node: RolloutNode, { backHeight, seen }: Turn): string | undefined {
    const { pod } = node;
    if (pod === undefined) return 'it has no pod';
    if (!pod.isReady) return 'it is not ready';
    const { report } = pod;
    if (report === undefined || report.askedAtMs < (seen?.atMs ?? Infinity)) return 'it has not answered yet';
    if (report.height === undefined) return whySilent(node);
    if (!report.isConnected) return 'not all of its connections are there';
    if (backHeight === undefined) return 'the other nodes are asked for their heights';
    const goal = this.#isKnownOfOthers(node, seen?.atMs) ? Math.min(backHeight, this.highestOther(node)) : backHeight;
    return report.height < goal ? `it has ${report.height} of ${goal} blocks` : undefined;
  }

  /** Whether all other nodes have reported their heights since: blocks that none of them has are lost, as with allowChainLoss. */
  #isKnownOfOthers({ name }: RolloutNode, sinceMs = Infinity): boolean {
    const isKnown = (pod: RolloutPod | undefined): boolean =>
      pod?.isReady === true && pod.report?.height !== undefined && pod.report.askedAtMs >= sinceMs;
    return this.#nodes.every(other => other.name === name || isKnown(other.pod));
  }

  /** The edges that keep the other nodes connected while these are away, if that is wanted. */
  detourAround(away: ReadonlySet<number>): readonly Dial[] {
    return this.#input.spec.keepConnected === false || away.size === 0 ? [] : this.#input.detourAround(away);
  }

  isSettled(edges: readonly Dial[]): boolean {
    return edges.every(edge => this.#input.isSettled(edge));
  }

  /** Whether each node has the revision that it should have, by the name of its pod. It may not be back yet. */
  updatedPods(): Map<string, boolean> {
    const { sets } = this.#input;
    return new Map(sets.flatMap(set => set.nodes.map(node => [node.name, !this.isPending(set, node)] as const)));
  }

  /** How many nodes there are, and how many of them are updated and back. */
  count(turns: ReadonlyMap<string, Turn>): { readonly total: number; readonly updated: number } {
    const isUpdated = (set: RolloutSet, node: RolloutNode): boolean =>
      node.pod !== undefined && !this.isPending(set, node) && (turns.get(node.name)?.isBack ?? true);
    const updated = this.#input.sets.flatMap(set => set.nodes.filter(node => isUpdated(set, node)));
    return { total: this.#nodes.length, updated: updated.length };
  }
}

/** Why the height of a node that was asked is not known. */
export const whySilent = ({ pod }: RolloutNode): string =>
  pod?.report?.isRefused === true ? 'it refuses the credentials' : 'it does not answer the controller';

/** A percentage is rounded down; at least one node at a time. */
function atATime(maxUnavailable: RolloutSpec['maxUnavailable'] = 1, nodes: number): number {
  if (typeof maxUnavailable === 'number') return maxUnavailable;
  return Math.max(1, Math.floor((nodes * Number.parseInt(maxUnavailable, 10)) / 100));
}
