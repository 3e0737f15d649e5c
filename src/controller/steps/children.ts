// Step: the objects that a network owns, in their order, and the credentials that their nodes start with.
import type { V1Service, V1StatefulSet } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { serviceName, statefulSetName } from '../../bitcoin/api/names.ts';
import type { PodOptions } from '../../bitcoin/resources/stateful-set.ts';
import { controllerOf, keyOf } from '../../kube/resource.ts';
import type { Applied, ApplyClient } from '../../runtime/apply.ts';
import { ConcurrencyLimit } from '../../runtime/concurrency-limit.ts';
import type { ReadableCaches } from '../caches.ts';
import { isCurrent } from '../lifecycle.ts';
import type { NetworkState } from '../network-state.ts';
import { type CredentialsState, NetworkCredentials } from './credentials.ts';
import { applyService } from './service.ts';
import { applyStatefulSet } from './stateful-set.ts';

export interface ChildrenOptions {
  readonly client: ApplyClient;
  readonly caches: ReadableCaches;
  readonly pods: PodOptions;
  readonly recheckMs: number;
}

export interface Children {
  readonly credentials: CredentialsState;
  /** The outcomes of the Service and the StatefulSet. */
  readonly children: readonly (Applied<unknown> | undefined)[];
}

/**
 * How many networks have their objects applied at the same time. With more the API server would not write more a second; with as few, the
 * pods of the first networks start while the others wait.
 */
const maxApplying = 10;
/** Many times what it usually takes. When a webhook or the read of a Secret hangs, other networks proceed after it. */
const longestApplyMs = 1_000;

export class ChildrenStep {
  readonly #options: ChildrenOptions;
  readonly #applying = new ConcurrencyLimit(maxApplying, longestApplyMs);
  readonly #credentials: NetworkCredentials;

  constructor(options: ChildrenOptions) {
    this.#options = options;
    // Younger than a recheck: each recheck reads the Secret, and the reconciles between them do not.
    this.#credentials = new NetworkCredentials({ client: options.client, maxAgeMs: options.recheckMs / 2 });
  }

  /** Undefined if the network has been deleted, paused or changed while it waited: its key is queued again then. */
  apply(network: BitcoinNetwork, state: NetworkState, signal: AbortSignal): Promise<Children | undefined> {
    return this.#applying.run(() => this.#apply(network, state, signal));
  }

  /** The Service and the StatefulSet as the controller knows them, whatever their owner. */
  known(network: BitcoinNetwork, { service, statefulSet }: NetworkState) {
    return [service.writes.newest(this.#service(network)), statefulSet.writes.newest(this.#statefulSet(network))];
  }

  /** The network's own StatefulSet, as the cache has it. */
  statefulSetOf(network: BitcoinNetwork): V1StatefulSet | undefined {
    const cached = this.#statefulSet(network);
    return cached !== undefined && controllerOf(cached)?.uid === network.metadata.uid ? cached : undefined;
  }

  /** Call when a node refuses the credentials: the Secret is read again. */
  rejectCredentials(network: BitcoinNetwork, state: NetworkState): void {
    this.#credentials.reject(network, state.credentials);
  }

  async #apply(network: BitcoinNetwork, state: NetworkState, signal: AbortSignal): Promise<Children | undefined> {
    const { caches, client, pods } = this.#options;
    if (!isCurrent(network, caches.networks.get(keyOf(network)))) return undefined;
    const context = { client, network, outbox: state.outbox, signal };
    const service = await applyService(context, state, this.#service(network));
    const cached = this.#statefulSet(network);
    const current = state.statefulSet.writes.newest(cached);
    const credentials = await this.#credentials.of(network, state.credentials, current, signal);
    const statefulSet = await applyStatefulSet(context, state, cached, credentials, pods);
    return { credentials, children: [service, statefulSet] };
  }

  #service(network: BitcoinNetwork): V1Service | undefined {
    return this.#options.caches.services.get(`${network.metadata.namespace}/${serviceName(network)}`);
  }

  #statefulSet(network: BitcoinNetwork): V1StatefulSet | undefined {
    return this.#options.caches.statefulSets.get(`${network.metadata.namespace}/${statefulSetName(network)}`);
  }
}
