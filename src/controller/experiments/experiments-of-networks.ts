// ExperimentsOfNetworks: where the loops of networks and of experiments meet. A network asks what its experiment demands; an experiment asks
// whether the network does it. A network without experiments costs a look into an index.
import type { BitcoinExperiment } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { apiStatusCode } from '../../kube/api-error.ts';
import { keyOf } from '../../kube/resource.ts';
import type { ExperimentCache } from '../caches.ts';
import { type Demand, demandOf } from './demands.ts';
import { experimentsOfNetwork } from './kept-experiment.ts';

interface Named {
  readonly metadata: Pick<BitcoinNetwork['metadata'], 'namespace' | 'name'>;
}

export class ExperimentsOfNetworks {
  readonly #cache: ExperimentCache | undefined;
  readonly #newest: (experiment: BitcoinExperiment) => BitcoinExperiment;
  /** By the key of a network: the demand that its last reconcile has met. */
  readonly #met = new Map<string, string>();

  /**
   * @param cache undefined: there are no experiments
   * @param newest the last write of an experiment, until the cache has it
   */
  constructor(cache: ExperimentCache | undefined, newest: (experiment: BitcoinExperiment) => BitcoinExperiment) {
    this.#cache = cache;
    this.#newest = newest;
  }

  of(namespace: string, network: string): BitcoinExperiment[] {
    return (this.#cache?.byIndex(namespace, experimentsOfNetwork, network) ?? []).map(experiment => this.#newest(experiment));
  }

  /**
   * Whether the experiments of the namespace are known. Without the definition or the right to read them there are none; any other failure of
   * the first list passes.
   */
  isKnown(namespace: string): boolean {
    const informer = this.#cache?.informer?.(namespace);
    if (informer === undefined || informer.hasSynced) return true;
    const code = apiStatusCode(informer.failure);
    return code === 403 || code === 404;
  }

  demandOn({ metadata }: Named): Demand | undefined {
    return demandOf(this.of(metadata.namespace, metadata.name));
  }

  /** Call when the nodes of the network are asked as the demand wants it. */
  noteMet(network: Named, demand: Demand | undefined): void {
    if (demand === undefined) this.#met.delete(keyOf(network));
    else this.#met.set(keyOf(network), demand.id);
  }

  /** Whether the network does what its experiment demands at present. */
  isMet(network: Named): boolean {
    return this.#met.get(keyOf(network)) === this.demandOn(network)?.id;
  }
}
