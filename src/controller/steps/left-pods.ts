// The pods that a process left without their StatefulSet when it ended between its deletion and its creation. Of the former StatefulSet only
//   they know with what other writers, and versions of the credentials, they were created.
import type { V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { parseNodeName, podLabel, statefulSetName } from '../../bitcoin/api/names.ts';
import type { KubeClient } from '../../kube/client.ts';
import { controllerOf } from '../../kube/resource.ts';
import { pods } from '../resource-types.ts';

interface LeftPodsContext {
  readonly client: Pick<KubeClient, 'list'>;
  readonly network: BitcoinNetwork;
  readonly signal: AbortSignal;
}

/**
 * What is known of a StatefulSet that is gone: the pod template of its newest pod. Makes no request unless pods are left.
 * @param cached the pods of the network, as the cache has them
 * @throws ApiError if the API server refuses or cannot be reached
 */
export async function formerSetOf(
  { client, network, signal }: LeftPodsContext,
  name: string,
  cached: readonly V1Pod[],
): Promise<V1StatefulSet | undefined> {
  const shown = new Set(network.status?.nodes?.map(({ nodeName }) => nodeName));
  const isLeft = (pod: V1Pod): boolean => {
    const node = parseNodeName(network, pod.metadata?.name ?? '');
    const isOfSet = node !== undefined && statefulSetName(network, node.group) === name;
    return isOfSet && controllerOf(pod) === undefined && shown.has(pod.metadata?.name ?? '');
  };
  if (!cached.some(isLeft)) return undefined;
  const { namespace } = network.metadata;
  const labelSelector = Object.entries(podLabel(network))
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  const { items } = await client.list(pods, { namespace, labelSelector, signal });
  const createdMs = ({ metadata }: V1Pod): number => new Date(metadata?.creationTimestamp ?? 0).getTime();
  const newest = items.filter(isLeft).toSorted((one, other) => createdMs(other) - createdMs(one))[0];
  if (newest?.spec === undefined) return undefined;
  const template = { metadata: { annotations: newest.metadata?.annotations ?? {} }, spec: newest.spec };
  return { metadata: { namespace, name }, spec: { selector: {}, serviceName: '', template } };
}
