// OwnPods: which pods are nodes of a network. A user who may create pods can give one the name and the labels of a node. A node receives the
// network's credentials, so the name and the labels are not sufficient.
import type { V1Pod, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { parseNodeName, statefulSetName } from '../../bitcoin/api/names.ts';
import { controllerOf } from '../../kube/resource.ts';
import { isNamedAsNode } from '../status/pods.ts';

export class OwnPods {
  readonly #networkUid: string;
  /** The uids of the network's StatefulSets: the pods of one that was replaced are adopted by the next. */
  readonly #statefulSets = new Set<string>();
  /** How many nodes each StatefulSet asks for, by its name. */
  readonly #replicas = new Map<string, number>();
  /** The uids of the pods that were nodes at the last check. */
  #known = new Set<string>();
  /** Those of pods that an earlier process left without their StatefulSet; undefined before the first check. */
  #left: Set<string> | undefined;

  constructor(networkUid: string) {
    this.#networkUid = networkUid;
  }

  /** How many nodes the StatefulSet of that name asks for; 0 if there is none. */
  replicasOf(name: string): number {
    return this.#replicas.get(name) ?? 0;
  }

  /** Call with each StatefulSet of the network by name, undefined if there is none. One that has another owner counts as none. */
  note(name: string, statefulSet: Pick<V1StatefulSet, 'metadata' | 'spec'> | undefined): void {
    const uid = statefulSet?.metadata?.uid;
    const isOwn = statefulSet !== undefined && controllerOf(statefulSet)?.uid === this.#networkUid;
    if (!isOwn || uid === undefined) {
      this.#replicas.delete(name);
      return;
    }
    this.#replicas.set(name, statefulSet.spec?.replicas ?? 1);
    this.#statefulSets.add(uid);
  }

  /**
   * Those of the pods that are nodes: with a node's name and labels, and controlled by a StatefulSet of the network. A pod without a
   * controller is a node only if it was one before, as while its StatefulSet is replaced: the next one adopts it.
   */
  of<P extends V1Pod>(network: BitcoinNetwork, pods: readonly P[]): P[] {
    const left = (this.#left ??= this.#leftBehind(network, pods));
    const own = pods.filter(pod => {
      const owner = controllerOf(pod)?.uid;
      const isOwned = owner === undefined ? this.#known.has(uidOf(pod)) : this.#statefulSets.has(owner);
      return (isOwned || left.has(uidOf(pod))) && isNamedAsNode(network, pod);
    });
    this.#known = new Set(own.map(uidOf));
    return own;
  }

  /** The pods without a StatefulSet that the status shows as nodes: an earlier process ended while it replaced the StatefulSet. */
  #leftBehind(network: BitcoinNetwork, pods: readonly V1Pod[]): Set<string> {
    const shown = new Set(network.status?.nodes?.map(({ nodeName, ip }) => `${nodeName} ${ip}`));
    const isLeft = ({ metadata, status }: V1Pod): boolean => {
      const node = parseNodeName(network, metadata?.name ?? '');
      const isShown = shown.has(`${metadata?.name} ${status?.podIP}`);
      return node !== undefined && isShown && !this.#replicas.has(statefulSetName(network, node.group));
    };
    return new Set(pods.filter(isLeft).map(uidOf));
  }
}

const uidOf = ({ metadata }: V1Pod): string => metadata?.uid ?? '';
