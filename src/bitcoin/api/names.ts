// Names of a network's objects and their inverse, labels, annotations, ports and keys: all that another program must know to find them.
import { group } from './bitcoin-network.ts';

/** What the names depend on. */
export interface NamedNetwork {
  readonly metadata: { readonly name: string };
}

/** bitcoind's ports on regtest (CORE chainparams.cpp and chainparamsbase.cpp). chain-parameters.ts has those of every chain. */
export const p2pPort = 18444;
export const rpcPort = 18443;

/** Keys of the Secret that `spec.secret` names, and of the environment of a pod; christianb93/bitcoin-controller's names. */
export const userKey = 'BC_RPC_USER';
export const passwordKey = 'BC_RPC_PASSWORD';
/** Keys of the Secret: the credentials before, which nodes have until they are restarted. */
export const previousUserKey = 'BC_RPC_USER_PREVIOUS';
export const previousPasswordKey = 'BC_RPC_PASSWORD_PREVIOUS';

/** Every object that the controller creates has it, so that the controller watches those and no others. */
export const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedBy = 'bitcoin-controller';

/** On every object of a network: the name of the network. */
export const networkLabel = 'app';

/** The owner of the fields that the controller writes, as the API server records it. */
export const fieldManager = 'bitcoin-controller';

/** On a network: with the value `true` the controller leaves the network alone. Nothing is created, changed, connected or written. */
export const pausedAnnotation = `${group}/paused`;

/** On an experiment that has started: its deletion waits until the network is healed. */
export const experimentFinalizer = `${group}/heal`;

/** On the pod template: changes when the credentials do, so that the pods are rolled and take the new ones. */
export const credentialsAnnotation = `${group}/credentials`;

/** On the pod template: changes when the ConfigMap of the network does, so that the pods are rolled and read it again. */
export const configurationAnnotation = `${group}/configuration`;

/** On a pod: the revision of its StatefulSet that it was created from. The StatefulSet controller sets it. */
export const revisionLabel = 'controller-revision-hash';

/** On a Service or StatefulSet: a digest of what was applied last, so that a field which is no longer wanted is removed. */
export const appliedAnnotation = `${group}/applied`;

/** On a Service or StatefulSet: the event that reports its last change. */
export const lastEventAnnotation = `${group}/last-event`;

/**
 * On a StatefulSet whose claims are kept when it is deleted, and were not before: claims of nodes that do not run may still have it as an
 * owner, with which they would be deleted.
 */
export const ownedClaimsAnnotation = `${group}/owned-claims`;

/** On an event: the name that the recorder gives it. */
export const eventNameAnnotation = `${group}/event-name`;

/** On the pods and the StatefulSet of a group: its name. Nodes in no group do not have it. */
export const groupLabel = `${group}/group`;

/** The StatefulSet of a group's nodes; without a group, that of the nodes in no group. */
export const statefulSetName = ({ metadata }: NamedNetwork, ofGroup?: string): string =>
  ofGroup === undefined ? `${metadata.name}-sts` : `${metadata.name}-sts-${ofGroup}`;
export const serviceName = ({ metadata }: NamedNetwork): string => `${metadata.name}-svc`;
/** Of the start script and bitcoind's configuration. */
export const configMapName = ({ metadata }: NamedNetwork): string => `${metadata.name}-conf`;
/** Of the Service of one node's P2P port. */
export const nodeServiceName = (podName: string): string => `${podName}-p2p`;
/** Of the Service of the RPC port of all nodes that are ready. */
export const rpcServiceName = ({ metadata }: NamedNetwork): string => `${metadata.name}-rpc`;
export const networkPolicyName = ({ metadata }: NamedNetwork): string => `${metadata.name}-netpol`;
export const podDisruptionBudgetName = ({ metadata }: NamedNetwork): string => `${metadata.name}-pdb`;

/** What the name of a node's pod says. */
export interface NodeName {
  readonly group?: string;
  readonly ordinal: number;
}

/** The node whose pod has that name: undefined if no StatefulSet of the network gives a pod that name. */
export function parseNodeName(network: NamedNetwork, podName: string): NodeName | undefined {
  const prefix = `${statefulSetName(network)}-`;
  if (!podName.startsWith(prefix)) return undefined;
  // Anybody can give a pod our label; the ordinals that a StatefulSet gives have no leading zero.
  const [, group, ordinal] = /^(?:([a-z](?:[-a-z0-9]*[a-z])?)-)?(0|[1-9]\d{0,8})$/.exec(podName.slice(prefix.length)) ?? [];
  if (ordinal === undefined) return undefined;
  return { ...(group === undefined ? {} : { group }), ordinal: Number(ordinal) };
}

/** "namespace/name" of the network whose object it is by its label; anybody can give an object that label. */
export function networkKeyOf({ metadata = {} }: { readonly metadata?: ObjectMetadata }): string | undefined {
  const name = metadata.labels?.[networkLabel];
  return name === undefined ? undefined : `${metadata.namespace ?? ''}/${name}`;
}

interface ObjectMetadata {
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** The label of a network's pods by which its StatefulSet selects them: `app: NAME`, as christianb93/bitcoin-controller has it. */
export const podLabel = ({ metadata }: NamedNetwork): Record<string, string> => ({ [networkLabel]: metadata.name });

/** The labels by which the StatefulSet of a group selects its pods. */
export const groupPodLabels = (network: NamedNetwork, groupName: string): Record<string, string> => ({
  ...podLabel(network),
  [groupLabel]: groupName,
});

/** The labels of every object of a network, pods included. */
export const labelsOf = (network: NamedNetwork): Record<string, string> => ({
  ...podLabel(network),
  [managedByLabel]: managedBy,
});

/**
 * Selects a network's pods, for its Service and its scale subresource. The label of the controller distinguishes them from pods of others
 * that have `app: NAME` as well.
 */
export const podSelector = (network: NamedNetwork): Record<string, string> => labelsOf(network);
