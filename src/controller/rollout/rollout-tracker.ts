// RolloutTracker: the rollout of one network between reconciles. What it forgets with its process is only when a node's turn began.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { isPublicChain } from '../../bitcoin/resources/chain-parameters.ts';
import { type Dial, pairOf } from '../../bitcoin/topology/topology-plan.ts';
import type { Problem } from '../diagnosis/pod-problems.ts';
import type { PeerPlan } from '../nodes/node-target.ts';
import { type AppliedSet, type ObservedRollout, observeRollout } from './observe-rollout.ts';
import { planRollout } from './plan-rollout.ts';
import { emptyMemory, type RolloutMemory, type RolloutPlan } from './rollout-input.ts';

export class RolloutTracker {
  /** What the last reconcile found to be wrong with pods. */
  problems: readonly Problem[] = [];
  readonly #nowMs: () => number;
  #memory: RolloutMemory | undefined;
  #detoured: { readonly from: PeerPlan; readonly key: string; readonly plan: PeerPlan } | undefined;

  /** @param nowMs monotonic milliseconds. Default: performance.now */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  plan(
    { spec, status }: BitcoinNetwork,
    sets: readonly AppliedSet[],
    observed: Omit<ObservedRollout, 'problems' | 'nowMs'>,
  ): RolloutPlan {
    const wasStalled = status?.conditions?.some(({ type, reason }) => type === 'UpToDate' && reason === 'NodeNotBack') ?? false;
    const known = { problems: this.problems, isPublicChain: isPublicChain(spec), nowMs: Date.now() };
    const plan = planRollout({
      ...observeRollout(sets, { ...observed, ...known }),
      spec: spec.rollout ?? {},
      knownHeight: status?.chain?.height ?? 0,
      memory: this.#memory ?? emptyMemory,
      wasStalled: this.#memory === undefined && wasStalled,
      waitedFor: this.#memory === undefined ? status?.rollout?.current : undefined,
      credentialsFault: observed.credentialsFault,
      nowMs: this.#nowMs(),
    });
    this.#memory = plan.memory;
    return plan;
  }

  /** The plan with the edges of a detour: the same object as long as both are the same. */
  withDetour(from: PeerPlan, detour: readonly Dial[]): PeerPlan {
    if (from.topology === undefined || detour.length === 0) return from;
    const key = detour.map(pairOf).join();
    if (this.#detoured?.from !== from || this.#detoured.key !== key) {
      // Not listed: the controller dials them, and they end with their turn.
      const edges = [...from.topology.edges, ...detour.map(edge => ({ ...edge, isListed: false }))];
      this.#detoured = { from, key, plan: { ...from, topology: { ...from.topology, edges } } };
    }
    return this.#detoured.plan;
  }
}
