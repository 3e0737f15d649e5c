// The StatefulSet of a set of nodes, and its pod template.
import type { V1Container, V1PodTemplateSpec, V1Probe, V1StatefulSet, V1Volume } from '@kubernetes/client-node';
import { configurationAnnotation, credentialsAnnotation, groupPodLabels, labelsOf, podLabel, serviceName } from '../api/names.ts';
import { bitcoindContainerName } from '../api/pod-template.ts';
import { bitcoindArguments } from './bitcoind-arguments.ts';
import { chainParametersOf } from './chain-parameters.ts';
import { configurationHash, configurationMount, configurationVolume } from './config-map.ts';
import type { BitcoinNetwork } from '../api/bitcoin-network.ts';
import { isManaged, type NodeSet, zmqPortOf } from './node-sets.ts';
import { ownedMetadata } from './owned-metadata.ts';
import { defaultPodTemplate, type PodTemplate } from './pod-template.ts';
import { rpcAuthMount, rpcAuthVolume } from './rpc-auth.ts';
import { type SetPodTemplate, setPodTemplateOf } from './set-pod-template.ts';
import { chainOfVolume, dataVolume, storageFields } from './storage.ts';

/** The settings of the controller that the pods depend on. */
export interface PodOptions {
  readonly image: string;
  readonly imagePullPolicy: string;
  /** What is added to the pods of all networks. */
  readonly template?: PodTemplate;
}

export interface StatefulSetOptions extends PodOptions {
  /** The most connections that other nodes of the network are planned to open to one node of the set. Default: 0. */
  readonly largestInbound?: number;
  /** Only pods whose index is at least this are replaced when the template changes. Default: the number of nodes, so that none is. */
  readonly partition?: number | undefined;
  /** So many pods may be unavailable while pods are replaced. Default: it is not written, and Kubernetes takes 1. */
  readonly maxUnavailable?: number | undefined;
  /** What new claims ask for, while those that exist have not grown to the size of the spec. Default: that size. */
  readonly claimSize?: string | undefined;
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

/** Of what the start script writes. */
export const configurationVolumeName = 'configuration';

/** Where each volume is mounted. The root file system is read-only. */
const mountPaths = { [dataVolume]: '/bitcoin', [configurationVolumeName]: '/run/bitcoin' } as const;

/** The user and group of the controller's own image. */
const ownUser = 10_001;

const ephemeral = (dataSizeLimit: string): V1Volume => ({
  name: dataVolume,
  emptyDir: dataSizeLimit === '' ? {} : { sizeLimit: dataSizeLimit },
});

/** The volume of a claim is not in the template: the StatefulSet controller adds it. */
const volumesOf = ({ settings: { storage } }: NodeSet, dataSizeLimit: string): V1Volume[] => [
  ...(storage === undefined ? [ephemeral(dataSizeLimit)] : []),
  // In memory, since the start script writes the configuration, and with it the password, there.
  { name: configurationVolumeName, emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
];

/** Names the Secret of the credentials to the start script. */
const secretVariable = 'BC_RPC_SECRET';

/** The Secret that a StatefulSet's nodes read their credentials from; undefined if none, or if there is no StatefulSet. */
export function secretOf(statefulSet: V1StatefulSet | undefined): string | undefined {
  // Containers of a user may have such a variable too.
  const own = statefulSet?.spec?.template.spec?.containers.find(({ name }) => name === bitcoindContainerName);
  return own?.env?.find(({ name }) => name === secretVariable)?.value;
}

/** What the pod template is made of. */
interface Parts {
  readonly network: BitcoinNetwork;
  readonly set: NodeSet;
  readonly options: StatefulSetOptions;
  readonly template: SetPodTemplate;
  readonly isManaged: boolean;
}

/**
 * The Secret as christianb93/bitcoin-controller maps it, and its name. The pod can start without the Secret; the start script then
 * refuses the default credentials.
 */
function environmentOf({ network: { spec }, set, isManaged: managed }: Parts): Pick<V1Container, 'env' | 'envFrom'> {
  // On a public chain the name would show strangers how the cluster names its pods.
  const isNamed = managed && chainParametersOf(spec).isClosed;
  // With hashes the nodes get nothing of the Secret that has the password.
  const secret = spec.rpcAuth === undefined ? spec.secret : undefined;
  const env = [
    ...(secret ? [{ name: secretVariable, value: secret }] : []),
    ...(isNamed ? [{ name: 'BC_POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] : []),
    ...(set.settings.storage === undefined ? [] : [{ name: 'BC_VOLUME_CHAIN', value: chainOfVolume(spec) }]),
  ];
  return {
    ...(env.length === 0 ? {} : { env }),
    ...(secret ? { envFrom: [{ secretRef: { name: secret, optional: true } }] } : {}),
  };
}

const scriptOf = ({ settings: { storage } }: NodeSet): string =>
  storage === undefined ? configurationMount.script : configurationMount.volumeScript;

function bitcoindContainer(parts: Parts): V1Container {
  const { network, set, options, template } = parts;
  const { rpcPort, p2pPort } = chainParametersOf(network.spec);
  const args = bitcoindArguments(network.spec, set, options.largestInbound ?? 0);
  const zmqPort = zmqPortOf(set);
  const ownMounts = Object.entries(mountPaths).map(([name, mountPath]) => ({ name, mountPath }));
  return {
    name: bitcoindContainerName,
    image: set.settings.image ?? options.image,
    imagePullPolicy: set.settings.imagePullPolicy ?? options.imagePullPolicy,
    ...(parts.isManaged ? { command: ['/bin/sh', scriptOf(set)] } : {}),
    ...(args.length === 0 ? {} : { args }),
    // The end of the log of a container that exits with an error is in its status: the controller reports it.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ports: [
      { name: 'rpc', containerPort: rpcPort, protocol: 'TCP' },
      { name: 'p2p', containerPort: p2pPort, protocol: 'TCP' },
      ...(zmqPort === undefined ? [] : [{ name: 'zmq', containerPort: zmqPort, protocol: 'TCP' }]),
    ],
    ...environmentOf(parts),
    readinessProbe,
    resources: template.resources,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, readOnlyRootFilesystem: true },
    volumeMounts: [
      ...ownMounts,
      ...(parts.isManaged ? [configurationMount.volumeMount] : []),
      ...(network.spec.rpcAuth === undefined ? [] : [rpcAuthMount]),
    ],
  };
}

/**
 * An image of another maker may run as root, which is refused, or name its user, which cannot be checked. Where the configuration of the
 * controller leaves fsGroup out, as on OpenShift, the cluster gives a pod its user.
 */
function podSecurityContext({ set, template, options, isManaged: managed }: Parts): object {
  const isAssigned = (options.template ?? defaultPodTemplate).securityContext.fsGroup === undefined;
  return {
    runAsNonRoot: true,
    seccompProfile: { type: 'RuntimeDefault' },
    ...(managed && !isAssigned ? { runAsUser: ownUser, runAsGroup: ownUser } : {}),
    // A volume that has the right owner is not gone through again at each start.
    ...(set.settings.storage !== undefined && !isAssigned ? { fsGroupChangePolicy: 'OnRootMismatch' } : {}),
    ...template.securityContext,
  };
}

function podTemplateFor(parts: Parts, credentialsVersion: string | undefined): V1PodTemplateSpec {
  const { network, set, template } = parts;
  const annotations = {
    ...template.annotations,
    ...(credentialsVersion === undefined ? {} : { [credentialsAnnotation]: credentialsVersion }),
    ...(parts.isManaged ? { [configurationAnnotation]: configurationHash(network, set) } : {}),
  };
  const groupLabels = set.group === undefined ? {} : groupPodLabels(network, set.group);
  const { rpcAuth } = network.spec;
  const ownVolumes = [
    ...volumesOf(set, template.dataSizeLimit),
    ...(parts.isManaged ? [configurationVolume(network, set)] : []),
    ...(rpcAuth === undefined ? [] : [rpcAuthVolume(rpcAuth)]),
  ];
  return {
    metadata: {
      labels: { ...template.labels, ...labelsOf(network), ...groupLabels },
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...template.scheduling,
      securityContext: podSecurityContext(parts),
      // bitcoind flushes its caches at the end; killed earlier it loses the newest blocks.
      terminationGracePeriodSeconds:
        template.terminationGracePeriodSeconds ?? (chainParametersOf(network.spec).chain === 'main' ? 600 : 60),
      ...(template.initContainers.length === 0 ? {} : { initContainers: template.initContainers }),
      containers: [bitcoindContainer(parts), ...template.containers],
      volumes: [...ownVolumes, ...template.volumes],
    },
  };
}

const rollingUpdateOf = (set: NodeSet, { partition = set.nodes, maxUnavailable }: StatefulSetOptions) =>
  maxUnavailable === undefined ? { partition } : { partition, maxUnavailable };

/**
 * The StatefulSet of the nodes of a set.
 * @param credentialsVersion changes when the credentials do; undefined with the default credentials
 */
export function statefulSetFor(
  network: BitcoinNetwork,
  set: NodeSet,
  credentialsVersion: string | undefined,
  options: StatefulSetOptions,
): V1StatefulSet {
  const template = setPodTemplateOf(set, options.template ?? defaultPodTemplate);
  const parts: Parts = { network, set, options, template, isManaged: isManaged(network.spec, set) };
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMetadata(network, set.name),
    spec: {
      replicas: set.nodes,
      serviceName: serviceName(network),
      // Nodes do not wait for one another: a node that cannot start must not keep the others from starting.
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: rollingUpdateOf(set, options) },
      // It cannot be changed, so that of the nodes in no group stays what christianb93/bitcoin-controller has.
      selector: { matchLabels: set.group === undefined ? podLabel(network) : groupPodLabels(network, set.group) },
      ...(set.group === undefined ? {} : { ordinals: { start: set.start } }),
      template: podTemplateFor(parts, credentialsVersion),
      ...storageFields(network, set, options.claimSize),
    },
  };
}
