// Makes the input of a rollout's plan from what the controller knows of a network. Pure.
import type { V1StatefulSet } from '@kubernetes/client-node';
import { revisionLabel } from '../../bitcoin/api/names.ts';
import type { NodeSet } from '../../bitcoin/resources/node-sets.ts';
import { keepsData } from '../../bitcoin/resources/storage.ts';
import { BitcoinTransportError } from '../../bitcoin/rpc/rpc-errors.ts';
import { componentsOf } from '../../bitcoin/topology/components.ts';
import { isUnauthorized, type NodeReport } from '../../bitcoin/topology/connect-node.ts';
import { detourAround } from '../../bitcoin/topology/detour.ts';
import { pairOf } from '../../bitcoin/topology/topology-plan.ts';
import type { Problem } from '../diagnosis/pod-problems.ts';
import { reasons } from '../events/reasons.ts';
import type { PeerPlan } from '../nodes/node-target.ts';
import type { ObservedPod } from '../pod-cache.ts';
import { isReady, isTerminating } from '../status/pods.ts';
import type { Revisions, RolloutInput, RolloutNode, RolloutPod, RolloutReport, RolloutSet } from './rollout-input.ts';

/** A set that is about to be applied. */
export interface AppliedSet {
  readonly set: NodeSet;
  /** Undefined if there is none. */
  readonly current: V1StatefulSet | undefined;
  /** What is applied now changes more than the partition. */
  readonly isChanging: boolean;
  /** It runs no pod, and its pods are changing. Default: it is not so. */
  readonly startsChanged?: boolean;
  /** It has no partition yet, and gets one with its next change. Default: it has one. */
  readonly isUngated?: boolean;
  /** It is not applied, and no pod of it is replaced: nobody knows which of its pods are as the spec wants them. Default: it is applied. */
  readonly isLeftOut?: boolean;
}

export interface ObservedRollout {
  /** The network's own. */
  readonly pods: readonly ObservedPod[];
  readonly reports: readonly NodeReport[];
  readonly problems: readonly Problem[];
  readonly peers: PeerPlan;
  /** Nodes find the chain outside the network again. Default: they do not. */
  readonly isPublicChain?: boolean;
  /** Whether a pod, by its uid, has no blocks. Default: that is not known of any. */
  readonly isEmpty?: (uid: string) => boolean;
  /** What is wrong with the credentials. Default: nothing. */
  readonly credentialsFault?: string | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export function observeRollout(
  sets: readonly AppliedSet[],
  observed: ObservedRollout,
): Pick<RolloutInput, 'sets' | 'reachable' | 'detourAround' | 'isSettled'> {
  const pods = new Map(observed.pods.map(pod => [pod.metadata?.name ?? '', pod]));
  const reports = new Map(observed.reports.map(report => [report.node.name, report]));
  const lasting = observed.problems.filter(({ mayPass }) => mayPass !== true);
  const problems = new Map(lasting.map(({ subject, cause }) => [subject, cause]));
  // Of the nodes of the sets: a pod that is about to stop may have the ordinal of a node of another set.
  let found: ReadonlySet<number> | undefined;
  const ready = (): ReadonlySet<number> => (found ??= readyOrdinals(rolloutSets));
  const isConnected = connectedIn(observed.peers, ready);
  const podOf = (name: string): RolloutPod | undefined => {
    const pod = pods.get(name);
    if (pod === undefined || isTerminating(pod)) return undefined;
    const report = reports.get(name);
    const isCurrent = report !== undefined && report.node.ip === pod.status?.podIP && isReady(pod);
    const uid = pod.metadata?.uid ?? '';
    return {
      uid,
      isEmpty: observed.isEmpty?.(uid) ?? false,
      revision: pod.metadata?.labels?.[revisionLabel],
      isReady: isReady(pod),
      readyForMs: pod.readySinceMs && observed.nowMs - pod.readySinceMs,
      problem: isReady(pod) ? undefined : (pod.problem?.cause ?? problems.get(name)),
      report: isCurrent ? reportOf(report, isConnected) : undefined,
    };
  };
  const createProblems = createProblemsIn(lasting, pods);
  const nodeOf = (name: string, ordinal: number): RolloutNode => {
    return { name, ordinal, pod: podOf(name), createProblem: createProblems.get(name) };
  };
  const rolloutSets = sets.map(applied => setOf(applied, observed.isPublicChain ?? false, nodeOf));
  return {
    sets: rolloutSets,
    reachable: reachableIn(observed.peers),
    detourAround: absent => detourAround(observed.peers.topology?.edges ?? [], absent),
    isSettled: settledIn(observed.reports, ready),
  };
}

/** Why pods that do not exist cannot be created, by name. */
function createProblemsIn(problems: readonly Problem[], pods: ReadonlyMap<string, ObservedPod>): Map<string, string> {
  const refused = problems.filter(({ reason, subject }) => reason === reasons.podCreateFailed && !pods.has(subject));
  return new Map(refused.map(({ subject, cause }) => [subject, cause]));
}

function setOf(
  { set, current, isChanging, startsChanged = false, isUngated = false, isLeftOut = false }: AppliedSet,
  isPublicChain: boolean,
  nodeOf: (name: string, ordinal: number) => RolloutNode,
): RolloutSet {
  const ordinals = Array.from({ length: set.nodes }, (_, index) => set.start + index);
  const nodes = ordinals.map(ordinal => nodeOf(`${set.name}-${ordinal}`, ordinal));
  const revisions = isLeftOut ? undefined : revisionsOf(current);
  // As long as nobody changes its pods it is at rest, as with a closed gate.
  const isLeftAlone = isUngated && revisions?.current === revisions?.update;
  const partition = isLeftAlone ? set.nodes : partitionOf(current);
  const keepsChain = isPublicChain || keepsData(current);
  return { name: set.name, partition, isChanging, startsChanged, revisions, nodes, keepsChain };
}

/** The partition of a StatefulSet; undefined if there is none. */
export const partitionOf = (statefulSet: V1StatefulSet | undefined): number | undefined =>
  statefulSet && (statefulSet.spec?.updateStrategy?.rollingUpdate?.partition ?? 0);

/** Whether the StatefulSet controller has seen the set as it is. */
export const isObserved = (statefulSet: V1StatefulSet | undefined): boolean =>
  (statefulSet?.status?.observedGeneration ?? 0) >= (statefulSet?.metadata?.generation ?? 0);

function revisionsOf(statefulSet: V1StatefulSet | undefined): Revisions | undefined {
  const { currentRevision: current, updateRevision: update } = statefulSet?.status ?? {};
  return isObserved(statefulSet) && current !== undefined && update !== undefined ? { current, update } : undefined;
}

const reportOf = (report: NodeReport, isConnected: (report: NodeReport) => boolean): RolloutReport => ({
  // The monitor keeps the chain of a node that does not answer any more: nobody knows whether it still has it.
  height: report.failure instanceof BitcoinTransportError ? undefined : report.chain?.height,
  isRefused: isUnauthorized(report),
  askedAtMs: report.askedAtMs ?? 0,
  // Only for the nodes that a rollout waits for: there may be thousands of edges.
  get isConnected() {
    return isConnected(report);
  },
});

/** Whether every connection that a node should have with ready nodes is there, whoever dials. */
function connectedIn({ topology }: PeerPlan, ready: () => ReadonlySet<number>): (report: NodeReport) => boolean {
  if (topology === undefined) return ({ isComplete }) => isComplete;
  return ({ node: { ordinal }, isComplete, connections = [] }) => {
    const connected = new Set(connections.map(connection => connection.ordinal));
    const peers = topology.edges.flatMap(({ from, to }) => (from === ordinal ? [to] : to === ordinal ? [from] : []));
    return isComplete && peers.every(peer => !ready().has(peer) || connected.has(peer));
  };
}

function settledIn(reports: readonly NodeReport[], ready: () => ReadonlySet<number>): RolloutInput['isSettled'] {
  let connected: ReadonlySet<string> | undefined;
  return edge => {
    connected ??= new Set(reports.flatMap(pairsIn));
    return !ready().has(edge.from) || !ready().has(edge.to) || connected.has(pairOf(edge));
  };
}

const readyOrdinals = (sets: readonly RolloutSet[]): Set<number> =>
  new Set(sets.flatMap(({ nodes }) => nodes.filter(({ pod }) => pod?.isReady === true).map(({ ordinal }) => ordinal)));

const pairsIn = ({ node, connections = [] }: NodeReport): string[] =>
  connections.map(({ ordinal }) => pairOf({ from: node.ordinal, to: ordinal }));

function reachableIn({ topology, cutInto }: PeerPlan): RolloutInput['reachable'] {
  if (topology === undefined)
    return ordinal => (cutInto === undefined ? 'all' : new Set(cutInto.partOf.get(ordinal)?.ordinals ?? [ordinal]));
  let components: ReadonlyMap<number, ReadonlySet<number>> | undefined;
  return ordinal => {
    components ??= componentsOf(topology.edges);
    return components.get(ordinal) ?? new Set([ordinal]);
  };
}
