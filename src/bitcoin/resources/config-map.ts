// The ConfigMap from which the nodes of any image start: a script, and bitcoind's configuration without the credentials.
import { createHash } from 'node:crypto';
import type { V1ConfigMap } from '@kubernetes/client-node';
import { configMapName } from '../api/names.ts';
import { bitcoinConf } from './bitcoin-conf.ts';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import { isManaged, nodeSetsOf } from './node-sets.ts';
import { ownedMetadata } from './owned-metadata.ts';
import { startScript } from './start-script.ts';

/** Where a pod has the ConfigMap. The script knows the path of the configuration. */
export const configurationMount = {
  script: '/etc/bitcoin-controller/start.sh',
  volumeMount: { name: 'conf', mountPath: '/etc/bitcoin-controller', readOnly: true },
} as const;

const dataOf = ({ spec }: BitcoinNetwork): Record<string, string> => ({
  'bitcoin.conf': bitcoinConf(spec),
  'start.sh': startScript,
});

/** Pure. Undefined if every node starts with what the controller's own image has. Nothing in it is secret. */
export function configMapFor(network: BitcoinNetwork): V1ConfigMap | undefined {
  if (!nodeSetsOf(network).some(set => isManaged(network.spec, set))) return undefined;
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: ownedMetadata(network, configMapName(network)), data: dataOf(network) };
}

/** Changes with the data of the ConfigMap, so that the pods are rolled and start with the new one. */
export function configurationHash(network: BitcoinNetwork): string {
  return createHash('sha256')
    .update(JSON.stringify(dataOf(network)))
    .digest('hex')
    .slice(0, 16);
}
