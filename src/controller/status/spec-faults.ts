// What of a spec is not applied, and why: what one object does not show, so that the schema cannot refuse it. Pure.
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { isInvalid, isRefused } from '../../kube/api-error.ts';
import { childKinds, type ChildKindName } from '../child-kinds.ts';
import type { NetworkPlan } from '../network-plan.ts';
import type { AppliedChild } from '../steps/apply-child.ts';

export interface SpecFault {
  readonly reason: string;
  /** Names the field. */
  readonly message: string;
}

/** The field that needs a kind of object, as far as there is one. */
const fieldOf: Partial<Record<ChildKindName, string>> = {
  configMaps: 'the fields of chains, images, groups, bitcoinConf and zmq',
  networkPolicies: 'networkPolicy',
  podDisruptionBudgets: 'podDisruptionBudget',
};

/**
 * @param forbidden the kinds that the network needs and the controller has no right to write
 * @param undeletable why the network will not be deleted when its time is over. Default: it is, or has no such time
 */
export function specFaultsOf(
  plan: Pick<NetworkPlan, 'problems'>,
  children: readonly AppliedChild[],
  forbidden: readonly ChildKindName[],
  undeletable?: SpecFault,
): SpecFault[] {
  return [
    ...forbidden.map(kind => ({
      reason: 'RightMissing',
      message: `${fieldOf[kind] ?? kind}: the controller may not create a ${childKinds[kind].type.kind} (chart value rbac.${kind})`,
    })),
    ...(undeletable === undefined ? [] : [undeletable]),
    ...plan.problems,
    ...children.flatMap(refusalOf),
  ];
}

/** What a further try would not change: an object with an invalid field, or one that a policy, a quota or a webhook of the cluster refuses. */
function refusalOf({ kind, applied, isSurplus = false }: AppliedChild): SpecFault[] {
  if (applied?.outcome !== 'failed' || !isRefused(applied.error)) return [];
  const isTemplate = kind === 'statefulSets' && !isSurplus && isInvalid(applied.error);
  const reason = isTemplate ? 'PodTemplateRefused' : 'ObjectRefused';
  return [{ reason, message: applied.message }];
}

/** Whether the spec has a field besides those that have no such faults. */
export const isDeclared = ({ spec }: BitcoinNetwork): boolean =>
  Object.keys(spec).some(field => field !== 'nodes' && field !== 'secret');
