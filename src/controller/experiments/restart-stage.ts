// The stage that restarts nodes: it evicts their pods, each once, and waits until the new ones are ready.
import type { V1Pod } from '@kubernetes/client-node';
import { apiStatusCode, isForbidden, isNotFound } from '../../kube/api-error.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Node } from '../../bitcoin/topology/peer-plan.ts';
import { messageOf } from '../../runtime/controller.ts';
import { isReady } from '../status/pods.ts';
import type { StageContext, StageOutcome } from './stage-work.ts';
import { readyNodes } from './stage-work.ts';
import type { StagePods } from './progress.ts';
import type { Stage } from './step-stages.ts';

const waitMs = 500;
/** A PodDisruptionBudget allows no eviction now. */
const tooManyRequests = 429;

/** @param podOf the pod of a name, as the cache has it */
export type PodOf = (name: string) => V1Pod | undefined;

/** The pods that the stage evicts; recorded before the first eviction, so that no pod that came after it is evicted. */
export const podsToEvict = (
  { observed }: Pick<StageContext, 'observed'>,
  { ordinals }: Extract<Stage, { work: 'restart' }>,
  podOf: PodOf,
): NonNullable<StagePods> =>
  observed.nodes
    .filter(({ ordinal }) => ordinals.includes(ordinal))
    .flatMap(({ name }) => {
      const uid = podOf(name)?.metadata?.uid;
      return uid === undefined ? [] : [{ name, uid }];
    });

/** Call once the status has the pods. */
export async function restartStage(
  context: StageContext,
  { ordinals }: Extract<Stage, { work: 'restart' }>,
  podOf: PodOf,
  client: Pick<KubeClient, 'evict'>,
): Promise<StageOutcome> {
  const { network, position, signal, observed, calls } = context;
  const { namespace } = network.metadata;
  const left = (position.step.pods ?? []).filter(({ name, uid }) => podOf(name)?.metadata?.uid === uid);
  for (const { name, uid } of left) {
    if (podOf(name)?.metadata?.deletionTimestamp !== undefined) continue;
    try {
      await client.evict({ namespace, name }, { preconditions: { uid }, signal, maxTries: 1 });
    } catch (error) {
      signal.throwIfAborted();
      if (isForbidden(error))
        return {
          failed: {
            reason: 'RightMissing',
            message: `the controller may not evict pods (chart value rbac.podEvictions): ${messageOf(error)}`,
          },
        };
      if (apiStatusCode(error) === tooManyRequests)
        return { waitMs: 2 * waitMs, message: `until ${name} may be evicted: ${messageOf(error)}` };
      // Gone, or another pod of its name.
      if (!isNotFound(error) && apiStatusCode(error) !== 409) throw error;
    }
  }
  const ready = readyNodes(observed);
  const isBack = ordinals.every(ordinal => ready.some(node => node.ordinal === ordinal && isItsPod(node, podOf(node.name))));
  if (left.length > 0 || !isBack) return { waitMs, message: 'until the new pods are ready' };
  return { done: { chains: await calls.chains(ready, signal) } };
}

/** The nodes are those of the last reconcile of the network: the pod may be gone since, or be the new one that is not ready yet. */
const isItsPod = ({ ip }: Node, pod: V1Pod | undefined): boolean => pod !== undefined && isReady(pod) && pod.status?.podIP === ip;
