// The StatefulSet of bitcoind, and its pod template.
import type { V1Container, V1Probe, V1StatefulSet, V1Volume } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import { credentialsAnnotation, labelsOf, p2pPort, podSelector, rpcPort, serviceName, statefulSetName } from '../api/names.ts';
import { ownedMetadata } from './owned-metadata.ts';

/** The settings of the controller that the pods depend on. */
export interface PodOptions {
  readonly image: string;
  readonly imagePullPolicy: string;
}

// bitcoind answers REST without credentials and with 503 while it warms up: ready means that RPC answers, and no probe holds a password.
// Readiness must not depend on peers or on the height: nodes could then never become ready together.
const readinessProbe: V1Probe = {
  httpGet: { path: '/rest/chaininfo.json', port: 'rpc', scheme: 'HTTP' },
  // bitcoind takes some 0.4 s to answer. An earlier probe would fail and give nearly every new pod a Warning, and make it ready no sooner.
  initialDelaySeconds: 1,
  periodSeconds: 1,
  timeoutSeconds: 5,
  failureThreshold: 5,
  successThreshold: 1,
};

const writableVolumes: Readonly<Record<string, { readonly mountPath: string; readonly volume: Omit<V1Volume, 'name'> }>> = {
  data: { mountPath: '/bitcoin', volume: { emptyDir: {} } },
  // In memory, since the start script writes the configuration, and with it the password, there.
  configuration: { mountPath: '/run/bitcoin', volume: { emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } } },
};

/** Names the Secret of the credentials to the start script. */
const secretVariable = 'BC_RPC_SECRET';

/** The Secret that a StatefulSet's nodes read their credentials from; undefined if none, or if there is no StatefulSet. */
export function secretOf(statefulSet: V1StatefulSet | undefined): string | undefined {
  const containers = statefulSet?.spec?.template.spec?.containers ?? [];
  return containers.flatMap(({ env = [] }) => env).find(({ name }) => name === secretVariable)?.value;
}

function bitcoindContainer(network: BitcoinNetwork, options: PodOptions): V1Container {
  const { secret } = network.spec;
  return {
    name: 'bitcoind',
    image: options.image,
    imagePullPolicy: options.imagePullPolicy,
    ports: [
      { name: 'rpc', containerPort: rpcPort, protocol: 'TCP' },
      { name: 'p2p', containerPort: p2pPort, protocol: 'TCP' },
    ],
    // secretVariable makes the start script refuse the default credentials if the Secret is gone when a container restarts.
    ...(secret
      ? { env: [{ name: secretVariable, value: secret }], envFrom: [{ secretRef: { name: secret, optional: true } }] }
      : {}),
    readinessProbe,
    resources: { requests: { cpu: '10m', memory: '64Mi' } },
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    volumeMounts: Object.entries(writableVolumes).map(([name, { mountPath }]) => ({ name, mountPath })),
  };
}

/**
 * The StatefulSet of bitcoind.
 * @param credentialsVersion changes when the credentials do; undefined with the default credentials
 */
export function statefulSetFor(
  network: BitcoinNetwork,
  credentialsVersion: string | undefined,
  options: PodOptions,
): V1StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMetadata(network, statefulSetName(network)),
    spec: {
      replicas: network.spec.nodes,
      serviceName: serviceName(network),
      // Nodes do not wait for one another: a node that cannot start must not keep the others from starting.
      podManagementPolicy: 'Parallel',
      selector: { matchLabels: podSelector(network) },
      template: {
        metadata: {
          labels: labelsOf(network),
          ...(credentialsVersion === undefined ? {} : { annotations: { [credentialsAnnotation]: credentialsVersion } }),
        },
        spec: {
          automountServiceAccountToken: false,
          enableServiceLinks: false,
          securityContext: { runAsNonRoot: true, fsGroup: 10001, seccompProfile: { type: 'RuntimeDefault' } },
          // bitcoind flushes its caches at the end; killed earlier it loses the newest blocks.
          terminationGracePeriodSeconds: 60,
          containers: [bitcoindContainer(network, options)],
          volumes: Object.entries(writableVolumes).map(([name, { volume }]) => ({ name, ...volume })),
        },
      },
    },
  };
}
