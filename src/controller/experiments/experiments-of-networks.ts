// ExperimentsOfNetworks: where the loops of networks and of experiments meet. A network asks what its experiment demands; an experiment asks
// whether the network does it. A network without experiments costs a look into an index.
import { type BitcoinExperiment, bitcoinExperimentFields } from '../../bitcoin/api/bitcoin-experiment.ts';
import type { BitcoinNetwork } from '../../bitcoin/api/bitcoin-network.ts';
import { definedOnly } from '../../collections/defined-only.ts';
import { apiStatusCode } from '../../kube/api-error.ts';
import { keyOf } from '../../kube/resource.ts';
import type { SyncState } from '../../runtime/cache-set.ts';
import type { Indexers } from '../../runtime/object-store.ts';
import { keepMetadata, picked, withinBytes } from '../../runtime/transform.ts';
import type { ReadableCache } from '../caches.ts';
import { type Demand, demandOf } from './demands.ts';

/** A cache of experiments, of which it is known whether it has listed them. Default: it has. */
export type ExperimentCache = ReadableCache<BitcoinExperiment> & {
  informer?(namespace: string): Pick<SyncState, 'hasSynced' | 'failure'> | undefined;
};

const experimentsOfNetwork = 'experimentsOfNetwork';

export const experimentIndexers: Indexers<BitcoinExperiment> = {
  [experimentsOfNetwork]: ({ spec }) => [spec.network.name],
};

/** What one write of the status has with 50 steps and the longest messages. */
const maxBytes = 512 * 1024;

/** Name, finalizers, spec and status. */
export function keepExperiment({ apiVersion, kind, metadata, spec, status }: BitcoinExperiment): BitcoinExperiment {
  const { creationTimestamp, finalizers } = metadata;
  const kept = {
    metadata: { ...keepMetadata(metadata, {}), ...definedOnly({ creationTimestamp, finalizers }) },
    spec: picked(spec, bitcoinExperimentFields.spec),
    status: status && withinBytes(picked(status, bitcoinExperimentFields.status), maxBytes),
  };
  return { apiVersion, kind, ...definedOnly(kept) } as unknown as BitcoinExperiment;
}

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
