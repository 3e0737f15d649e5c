// Names of a network's objects and their inverse, labels, annotations, ports and keys: all that another program must know to find them.
import { group } from './bitcoin-network.ts';

/** What the names depend on. */
export interface NamedNetwork {
  readonly metadata: { readonly name: string };
}

/** bitcoind's ports on regtest (CORE chainparams.cpp and chainparamsbase.cpp). */
export const p2pPort = 18444;
export const rpcPort = 18443;

/** Keys of the Secret that `spec.secret` names, and of the environment of a pod; christianb93/bitcoin-controller's names. */
export const userKey = 'BC_RPC_USER';
export const passwordKey = 'BC_RPC_PASSWORD';

/** Every object that the controller creates has it, so that the controller watches those and no others. */
export const managedByLabel = 'app.kubernetes.io/managed-by';
export const managedBy = 'bitcoin-controller';

/** The owner of the fields that the controller writes, as the API server records it. */
export const fieldManager = 'bitcoin-controller';

/** On a network: with the value `true` the controller leaves the network alone. Nothing is created, changed, connected or written. */
export const pausedAnnotation = `${group}/paused`;

/** On the pod template: changes when the credentials do, so that the pods are rolled and take the new ones. */
export const credentialsAnnotation = `${group}/credentials`;

/** On a Service or StatefulSet: a digest of what was applied last, so that a field which is no longer wanted is removed. */
export const appliedAnnotation = `${group}/applied`;

/** On a Service or StatefulSet: the event that reports its last change. */
export const lastEventAnnotation = `${group}/last-event`;

/** On an event: the name that the recorder gives it. */
export const eventNameAnnotation = `${group}/event-name`;

const statefulSetSuffix = '-sts';
const serviceSuffix = '-svc';

export const statefulSetName = ({ metadata }: NamedNetwork): string => `${metadata.name}${statefulSetSuffix}`;
export const serviceName = ({ metadata }: NamedNetwork): string => `${metadata.name}${serviceSuffix}`;

/** The inverse of `statefulSetName`: the network's name; undefined for a name that no network's StatefulSet has. */
export const networkOfStatefulSet = (name: string): string | undefined => withoutSuffix(name, statefulSetSuffix);

/** The inverse of `serviceName`. */
export const networkOfService = (name: string): string | undefined => withoutSuffix(name, serviceSuffix);

const withoutSuffix = (name: string, suffix: string): string | undefined =>
  name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;

/** The StatefulSet that a pod is named after: its name without the ordinal. */
export const statefulSetOfPod = (name: string): string => name.replace(/-\d+$/, '');

/** The ordinal of the network's node in the pod of that name: undefined if the network's StatefulSet gives no pod that name. */
export function ordinalOfPod(network: NamedNetwork, name: string): number | undefined {
  const prefix = `${statefulSetName(network)}-`;
  const ordinal = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  // Anybody can give a pod our label; the ordinals that a StatefulSet gives have no leading zero.
  return /^(0|[1-9]\d{0,8})$/.test(ordinal) ? Number(ordinal) : undefined;
}

/** The label of a network's pods by which its StatefulSet selects them: `app: NAME`, as christianb93/bitcoin-controller has it. */
export const podLabel = ({ metadata }: NamedNetwork): Record<string, string> => ({ app: metadata.name });

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
