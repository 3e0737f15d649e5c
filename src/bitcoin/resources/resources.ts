// What a network consists of in Kubernetes, as pure functions: a headless Service and a StatefulSet of bitcoind.
// Before it: bitcoin-network.ts. After it: controller/apply.ts, which makes the cluster equal to it.
import type { V1Container, V1OwnerReference, V1Probe, V1Service, V1StatefulSet, V1Volume } from '@kubernetes/client-node';
import { apiVersion, type BitcoinNetwork, group, kind } from '../api/bitcoin-network.ts';

/** bitcoind's ports on regtest (CORE chainparams.cpp and chainparamsbase.cpp). */
export const p2pPort = 18444;
export const rpcPort = 18443;

/** Keys of the Secret that `spec.secret` names, and of the environment of a pod; christianb93/bitcoin-controller's names. */
export const userKey = 'BC_RPC_USER';
export const passwordKey = 'BC_RPC_PASSWORD';

/** Every object that the controller makes carries it, so that it watches those and no others. */
export const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedBy = 'bitcoin-controller';

/** On the pod template: changes when the credentials do, so that the pods are rolled and take the new ones. */
export const credentialsAnnotation = `${group}/credentials`;

/** What the controller's own configuration says about the pods. */
export interface PodOptions {
  readonly image: string;
  readonly imagePullPolicy: string;
}

export const statefulSetName = (network: BitcoinNetwork): string => `${network.metadata.name}-sts`;
export const serviceName = (network: BitcoinNetwork): string => `${network.metadata.name}-svc`;

/** The label selector of a network's pods: `app: NAME`, as christianb93/bitcoin-controller has it. */
export const podSelector = (network: BitcoinNetwork): Record<string, string> => ({ app: network.metadata.name });

const labelsOf = (network: BitcoinNetwork): Record<string, string> => ({ ...podSelector(network), [managedByLabel]: managedBy });

const ownerReference = (network: BitcoinNetwork): V1OwnerReference => ({
  apiVersion,
  kind,
  name: network.metadata.name,
  uid: network.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

const metadataOf = (network: BitcoinNetwork, name: string) => ({
  name,
  namespace: network.metadata.namespace,
  labels: labelsOf(network),
  ownerReferences: [ownerReference(network)],
});

/** The headless Service that gives every node its DNS name, ready or not: a node must be found before it can become ready. */
export function headlessService(network: BitcoinNetwork): V1Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadataOf(network, serviceName(network)),
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: podSelector(network),
      ports: [
        { name: 'rpc', port: rpcPort, protocol: 'TCP', targetPort: 'rpc' },
        { name: 'p2p', port: p2pPort, protocol: 'TCP', targetPort: 'p2p' },
      ],
    },
  };
}

// bitcoind answers REST without credentials and with 503 while it warms up: ready means that RPC answers, and no probe holds a password.
// It must not depend on peers or on the height: nodes could then never become ready together.
const readinessProbe: V1Probe = {
  httpGet: { path: '/rest/chaininfo.json', port: 'rpc', scheme: 'HTTP' },
  // bitcoind takes some 0.4 s to answer. Asked before, nearly every new pod would show a Warning; and it is ready no sooner for that.
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

/** Says to a node which Secret its credentials come from. */
const secretVariable = 'BC_RPC_SECRET';

/** The Secret that a StatefulSet's nodes have their credentials from; undefined if none, or if there is no StatefulSet. */
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
    metadata: metadataOf(network, statefulSetName(network)),
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
