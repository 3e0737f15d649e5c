// OwnPods: which of the pods with a network's names are its own. A network that is recreated under its name finds the pods of the
//   former one in the cache for a while.
import type { V1Pod } from '@kubernetes/client-node';
import { controllerOf, type KubeObject } from '../../kube/resource.ts';

export class OwnPods {
  readonly #networkUid: string;
  /** The uids of the network's StatefulSets: the pods of one that was replaced are adopted by the next. */
  readonly #statefulSets = new Set<string>();

  constructor(networkUid: string) {
    this.#networkUid = networkUid;
  }

  /** Call with each StatefulSet of the network's name that is known. One that has another owner is ignored. */
  note(statefulSet: KubeObject | undefined): void {
    if (statefulSet === undefined || controllerOf(statefulSet)?.uid !== this.#networkUid) return;
    this.#statefulSets.add(statefulSet.metadata?.uid ?? '');
  }

  /** The pods of the network's StatefulSets, and those without a controller, as while a StatefulSet is replaced. */
  of(pods: readonly V1Pod[]): V1Pod[] {
    return pods.filter(pod => {
      const controller = controllerOf(pod);
      return controller === undefined || this.#statefulSets.has(controller.uid);
    });
  }
}
