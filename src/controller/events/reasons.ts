// Every event reason, one a cause, in the past tense of the fact. The README's table of events says what each means; a test compares the two.

export const reasons = {
  serviceCreated: 'ServiceCreated',
  serviceRepaired: 'ServiceRepaired',
  statefulSetCreated: 'StatefulSetCreated',
  statefulSetScaled: 'StatefulSetScaled',
  statefulSetUpdated: 'StatefulSetUpdated',
  statefulSetRecreated: 'StatefulSetRecreated',
  nameTaken: 'NameTaken',
  repairContested: 'RepairContested',
  nodeReady: 'NodeReady',
  nodeLost: 'NodeLost',
  nodeStopped: 'NodeStopped',
  peersConnected: 'PeersConnected',
  peerConnectFailed: 'PeerConnectFailed',
  credentialsRejected: 'CredentialsRejected',
  credentialsFound: 'CredentialsFound',
  credentialsMissing: 'CredentialsMissing',
  credentialsForbidden: 'CredentialsForbidden',
  credentialsInvalid: 'CredentialsInvalid',
  defaultCredentials: 'DefaultCredentials',
  podCreateFailed: 'PodCreateFailed',
  podUnschedulable: 'PodUnschedulable',
  imagePullFailed: 'ImagePullFailed',
  containerNotStarted: 'ContainerNotStarted',
  volumeMountFailed: 'VolumeMountFailed',
  podFailed: 'PodFailed',
  probeFailed: 'ProbeFailed',
  nodeExited: 'NodeExited',
  waitingForDeletion: 'WaitingForDeletion',
  definitionUnusable: 'DefinitionUnusable',
  paused: 'Paused',
  resumed: 'Resumed',
  reconcileFailed: 'ReconcileFailed',
} as const;

export type Reason = (typeof reasons)[keyof typeof reasons];

/** What the controller did, or tried to, when it came to tell of a reason: events.k8s.io/v1 asks for it. */
const actions: Readonly<Record<Reason, string>> = {
  ServiceCreated: 'CreateService',
  ServiceRepaired: 'RepairService',
  StatefulSetCreated: 'CreateStatefulSet',
  StatefulSetScaled: 'ScaleStatefulSet',
  StatefulSetUpdated: 'UpdateStatefulSet',
  StatefulSetRecreated: 'ReplaceStatefulSet',
  NameTaken: 'CreateResource',
  RepairContested: 'RepairResource',
  NodeReady: 'ObserveNodes',
  NodeLost: 'ObserveNodes',
  NodeStopped: 'ObserveNodes',
  PeersConnected: 'ConnectPeers',
  PeerConnectFailed: 'ConnectPeers',
  CredentialsRejected: 'ConnectPeers',
  CredentialsFound: 'ReadCredentials',
  CredentialsMissing: 'ReadCredentials',
  CredentialsForbidden: 'ReadCredentials',
  CredentialsInvalid: 'ReadCredentials',
  DefaultCredentials: 'ReadCredentials',
  PodCreateFailed: 'ObserveNodes',
  PodUnschedulable: 'ObserveNodes',
  ImagePullFailed: 'ObserveNodes',
  ContainerNotStarted: 'ObserveNodes',
  VolumeMountFailed: 'ObserveNodes',
  PodFailed: 'ObserveNodes',
  ProbeFailed: 'ObserveNodes',
  NodeExited: 'ObserveNodes',
  WaitingForDeletion: 'CreateResource',
  DefinitionUnusable: 'WriteStatus',
  Paused: 'Pause',
  Resumed: 'Resume',
  ReconcileFailed: 'Reconcile',
};

/** A reason that is not one of this controller's own is also what was done. */
export function actionOf(reason: string): string {
  return (actions as Readonly<Record<string, string>>)[reason] ?? reason;
}
