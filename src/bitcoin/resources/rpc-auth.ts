// The Secret with hashes of the credentials, as the nodes of a network have it. Pure.
import type { V1StatefulSet, V1Volume, V1VolumeMount } from '@kubernetes/client-node';
import { type RpcAuthSpec, rpcAuthKey } from '../api/rpc-auth.ts';

const volumeName = 'rpcauth';

/** The script knows the path. Only the one key: with the password beside it the Secret may be that of `spec.secret`. */
export const rpcAuthVolume = ({ secretName }: RpcAuthSpec): V1Volume => ({
  name: volumeName,
  secret: { secretName, items: [{ key: rpcAuthKey, path: rpcAuthKey }] },
});

export const rpcAuthMount: V1VolumeMount = { name: volumeName, mountPath: '/etc/bitcoin-rpcauth', readOnly: true };

/** The `spec.rpcAuth` that the nodes of a StatefulSet were made with; undefined if it has none. */
export function rpcAuthOf(statefulSet: V1StatefulSet | undefined): RpcAuthSpec | undefined {
  const { containers = [], volumes = [] } = statefulSet?.spec?.template.spec ?? {};
  const isMounted = containers.some(({ volumeMounts = [] }) =>
    volumeMounts.some(({ mountPath }) => mountPath === rpcAuthMount.mountPath),
  );
  const secretName = volumes.find(({ name }) => name === volumeName)?.secret?.secretName;
  return isMounted && secretName !== undefined ? { secretName } : undefined;
}
