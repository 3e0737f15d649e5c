// What the cache of experiments keeps, and its index. Pure.
import { type BitcoinExperiment, bitcoinExperimentFields } from '../../bitcoin/api/bitcoin-experiment.ts';
import { definedOnly } from '../../collections/defined-only.ts';
import type { Indexers } from '../../runtime/object-store.ts';
import { keepMetadata, picked, withinBytes } from '../../runtime/transform.ts';

/** The index of the experiments of a network. */
export const experimentsOfNetwork = 'experimentsOfNetwork';

export const experimentIndexers: Indexers<BitcoinExperiment> = {
  [experimentsOfNetwork]: ({ spec }) => [spec.network.name],
};

/** What one write of the status has with 50 steps and the longest messages. */
const maxBytes = 512 * 1024;

/**
 * Name, finalizers, spec and status.
 * @throws TypeError if it names no network, which the definition of the chart refuses: the cache skips it
 */
export function keepExperiment({ apiVersion, kind, metadata, spec, status }: BitcoinExperiment): BitcoinExperiment {
  if (typeof spec.network.name !== 'string') throw new TypeError('spec.network.name must be a string');
  const { creationTimestamp, finalizers } = metadata;
  const kept = {
    metadata: { ...keepMetadata(metadata, {}), ...definedOnly({ creationTimestamp, finalizers }) },
    spec: picked(spec, bitcoinExperimentFields.spec),
    status: status && withinBytes(picked(status, bitcoinExperimentFields.status), maxBytes),
  };
  return { apiVersion, kind, ...definedOnly(kept) } as unknown as BitcoinExperiment;
}
