// The StatefulSet of bitcoind, and its pod template.
import type { V1Container, V1PodTemplateSpec, V1Probe, V1StatefulSet, V1Volume } from '@kubernetes/client-node';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import { credentialsAnnotation, labelsOf, p2pPort, podLabel, rpcPort, serviceName } from '../api/names.ts';
import type { NodeSet } from './node-sets.ts';
import { ownedMetadata } from './owned-metadata.ts';
import { defaultPodTemplate, type PodTemplate } from './pod-template.ts';

/** The settings of the controller that the pods depend on. */
export interface PodOptions {
  readonly image: string;
  readonly imagePullPolicy: string;
  /** What is added to the pods of all networks. */
  readonly template?: PodTemplate;
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

/** Where each volume is mounted. The root file system is read-only. */
const mountPaths = { data: '/bitcoin', configuration: '/run/bitcoin' } as const;

const volumesOf = ({ dataSizeLimit }: PodTemplate): V1Volume[] => [
  { name: 'data', emptyDir: dataSizeLimit === '' ? {} : { sizeLimit: dataSizeLimit } },
  // In memory, since the start script writes the configuration, and with it the password, there.
  { name: 'configuration', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
];

/** Names the Secret of the credentials to the start script. */
const secretVariable = 'BC_RPC_SECRET';

/** The Secret that a StatefulSet's nodes read their credentials from; undefined if none, or if there is no StatefulSet. */
export function secretOf(statefulSet: V1StatefulSet | undefined): string | undefined {
  const containers = statefulSet?.spec?.template.spec?.containers ?? [];
  return containers.flatMap(({ env = [] }) => env).find(({ name }) => name === secretVariable)?.value;
}

/**
 * The Secret as christianb93/bitcoin-controller maps it, and its name. The pod can start without the Secret; the start script then
 * refuses the default credentials.
 */
const environmentFrom = (secret: string): Pick<V1Container, 'env' | 'envFrom'> => ({
  env: [{ name: secretVariable, value: secret }],
  envFrom: [{ secretRef: { name: secret, optional: true } }],
});

function bitcoindContainer({ spec }: BitcoinNetwork, options: PodOptions, { resources }: PodTemplate): V1Container {
  return {
    name: 'bitcoind',
    image: options.image,
    imagePullPolicy: options.imagePullPolicy,
    // The end of the log of a container that exits with an error is in its status: the controller reports it.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ports: [
      { name: 'rpc', containerPort: rpcPort, protocol: 'TCP' },
      { name: 'p2p', containerPort: p2pPort, protocol: 'TCP' },
    ],
    ...(spec.secret ? environmentFrom(spec.secret) : {}),
    readinessProbe,
    resources,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    volumeMounts: Object.entries(mountPaths).map(([name, mountPath]) => ({ name, mountPath })),
  };
}

function podTemplateFor(network: BitcoinNetwork, credentialsVersion: string | undefined, options: PodOptions): V1PodTemplateSpec {
  const template = options.template ?? defaultPodTemplate;
  const { imagePullSecrets, tolerations } = template;
  const ownAnnotations = credentialsVersion === undefined ? {} : { [credentialsAnnotation]: credentialsVersion };
  const annotations = { ...template.annotations, ...ownAnnotations };
  return {
    metadata: {
      labels: { ...template.labels, ...labelsOf(network) },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      // The image is for Linux alone.
      nodeSelector: { 'kubernetes.io/os': 'linux', ...template.nodeSelector },
      ...(tolerations.length === 0 ? {} : { tolerations }),
      ...(imagePullSecrets.length === 0 ? {} : { imagePullSecrets: imagePullSecrets.map(name => ({ name })) }),
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' }, ...template.securityContext },
      // bitcoind flushes its caches at the end; killed earlier it loses the newest blocks.
      terminationGracePeriodSeconds: 60,
      containers: [bitcoindContainer(network, options, template)],
      volumes: volumesOf(template),
    },
  };
}

/**
 * The StatefulSet of bitcoind.
 * @param credentialsVersion changes when the credentials do; undefined with the default credentials
 */
export function statefulSetFor(
  network: BitcoinNetwork,
  set: NodeSet,
  credentialsVersion: string | undefined,
  options: PodOptions,
): V1StatefulSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMetadata(network, set.name),
    spec: {
      replicas: set.nodes,
      serviceName: serviceName(network),
      // Nodes do not wait for one another: a node that cannot start must not keep the others from starting.
      podManagementPolicy: 'Parallel',
      // It cannot be changed, so it stays what christianb93/bitcoin-controller has.
      selector: { matchLabels: podLabel(network) },
      template: podTemplateFor(network, credentialsVersion, options),
    },
  };
}
