// OwnPods: which pods are a network's, of those that are named after its StatefulSet. Before it: reconcile.ts with what the cache has. After
//   it: status.ts, bitcoin/peers.ts. A network that is made anew under the name of another finds that one's pods in the cache for a while.
import type { V1Pod } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../bitcoin/bitcoin-network.ts';
import { controllerOf, keyOf, type KubeObject } from '../kube-resource.ts';

export class OwnPods {
  /** By network, the uids of the StatefulSets that it has had: pods of one that was replaced are adopted by the next. */
  readonly #sets = new Map<string, { readonly uid: string; readonly sets: Set<string> }>();

  /** Call with each StatefulSet of that name that is known; one of another owner is not the network's. */
  note(network: BitcoinNetwork, statefulSet: KubeObject | undefined): void {
    if (statefulSet === undefined || controllerOf(statefulSet)?.uid !== network.metadata.uid) return;
    this.#setsOf(network).add(statefulSet.metadata?.uid ?? '');
  }

  /** Those of its own StatefulSets, and those that nobody controls, as while one is being replaced. */
  of(network: BitcoinNetwork, pods: readonly V1Pod[]): V1Pod[] {
    const sets = this.#setsOf(network);
    return pods.filter(pod => {
      const controller = controllerOf(pod);
      return controller === undefined || sets.has(controller.uid);
    });
  }

  /** Call with the key of a network that is gone. */
  forget(key: string): void {
    this.#sets.delete(key);
  }

  #setsOf(network: BitcoinNetwork): Set<string> {
    const key = keyOf(network);
    const { uid } = network.metadata;
    const known = this.#sets.get(key);
    if (known?.uid === uid) return known.sets;
    const sets = new Set<string>();
    this.#sets.set(key, { uid, sets });
    return sets;
  }
}
