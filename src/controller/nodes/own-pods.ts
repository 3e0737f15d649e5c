// OwnPods: which pods are a network's, of those that are named after its StatefulSet. Before it: reconcile.ts with what the cache has. After
//   it: status.ts, bitcoin/peers.ts. A network that is made anew under the name of another finds that one's pods in the cache for a while.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { controllerOf, type KubeObject } from '../../kube/resource.ts';
import { PerNetwork } from '../../runtime/per-object.ts';

export class OwnPods {
  /** The uids of the StatefulSets that a network has had: pods of one that was replaced are adopted by the next. */
  readonly #sets = new PerNetwork(() => new Set<string>());

  /** Call with each StatefulSet of that name that is known; one of another owner is not the network's. */
  note(network: BitcoinNetwork, statefulSet: KubeObject | undefined): void {
    if (statefulSet === undefined || controllerOf(statefulSet)?.uid !== network.metadata.uid) return;
    this.#sets.of(network).add(statefulSet.metadata?.uid ?? '');
  }

  /** Those of its own StatefulSets, and those that nobody controls, as while one is being replaced. */
  of(network: BitcoinNetwork, pods: readonly V1Pod[]): V1Pod[] {
    const sets = this.#sets.of(network);
    return pods.filter(pod => {
      const controller = controllerOf(pod);
      return controller === undefined || sets.has(controller.uid);
    });
  }

  /** Call with the key of a network that is gone. */
  forget(key: string): void {
    this.#sets.forget(key);
  }
}
