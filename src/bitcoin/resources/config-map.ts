// The ConfigMap from which the nodes of any image start: a script, and bitcoind's configuration without the credentials.
import { createHash } from 'node:crypto';
import type { V1ConfigMap, V1Volume } from '@kubernetes/client-node';
import { configMapName } from '../api/names.ts';
import { bitcoinConf } from './bitcoin-conf.ts';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import { isManaged, type NodeSet, nodeSetsOf } from './node-sets.ts';
import { ownedMetadata } from './owned-metadata.ts';
import { rpcAuthScript } from './rpc-auth-script.ts';
import { startScript } from './start-script.ts';
import { volumeScript } from './volume-script.ts';

/** Where a pod has the ConfigMap. The script knows the path of the configuration. */
export const configurationMount = {
  script: '/etc/bitcoin-controller/start.sh',
  volumeScript: '/etc/bitcoin-controller/volume.sh',
  volumeMount: { name: 'conf', mountPath: '/etc/bitcoin-controller', readOnly: true },
} as const;

const rpcAuthScriptKey = 'rpcauth.sh';

/** The keys that the ConfigMap may have. */
export const configurationFiles: readonly string[] = ['bitcoin.conf', 'start.sh', 'volume.sh', rpcAuthScriptKey];

/** @param hasStorage whether it is for nodes with persistent volumes. Others need not be restarted for a script that they do not run */
const dataOf = ({ spec }: BitcoinNetwork, hasStorage: boolean): Record<string, string> => ({
  'bitcoin.conf': bitcoinConf(spec),
  'start.sh': startScript,
  ...(hasStorage ? { 'volume.sh': volumeScript } : {}),
  // Beside the other one, for nodes that have yet to be restarted.
  ...(spec.rpcAuth === undefined ? {} : { [rpcAuthScriptKey]: rpcAuthScript }),
});

const hasStorage = ({ settings }: NodeSet): boolean => settings.storage !== undefined;

/** Pure. Undefined if every node starts with what the controller's own image has. Nothing in it is secret. */
export function configMapFor(network: BitcoinNetwork): V1ConfigMap | undefined {
  const sets = nodeSetsOf(network);
  if (!sets.some(set => isManaged(network.spec, set))) return undefined;
  const data = dataOf(network, sets.some(hasStorage));
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: ownedMetadata(network, configMapName(network)), data };
}

/** The volume of the ConfigMap in a pod. The script for hashes of credentials takes the place of the other one. */
export function configurationVolume(network: BitcoinNetwork, set: NodeSet): V1Volume {
  const name = configMapName(network);
  const volume = configurationMount.volumeMount.name;
  if (network.spec.rpcAuth === undefined) return { name: volume, configMap: { name } };
  const files = {
    'bitcoin.conf': 'bitcoin.conf',
    [rpcAuthScriptKey]: 'start.sh',
    ...(hasStorage(set) ? { 'volume.sh': 'volume.sh' } : {}),
  };
  return { name: volume, configMap: { name, items: Object.entries(files).map(([key, path]) => ({ key, path })) } };
}

/** Changes with the data of the ConfigMap that the set uses, so that the pods are rolled and start with the new one. */
export function configurationHash(network: BitcoinNetwork, set: NodeSet): string {
  return createHash('sha256')
    .update(JSON.stringify(dataOf(network, hasStorage(set))))
    .digest('hex')
    .slice(0, 16);
}
