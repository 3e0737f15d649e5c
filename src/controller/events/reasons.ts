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
  peerListTooLong: 'PeerListTooLong',
  credentialsRejected: 'CredentialsRejected',
  credentialsFound: 'CredentialsFound',
  credentialsMissing: 'CredentialsMissing',
  credentialsForbidden: 'CredentialsForbidden',
  credentialsInvalid: 'CredentialsInvalid',
  defaultCredentials: 'DefaultCredentials',
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
  PeerListTooLong: 'ConnectPeers',
  CredentialsRejected: 'ConnectPeers',
  CredentialsFound: 'ReadCredentials',
  CredentialsMissing: 'ReadCredentials',
  CredentialsForbidden: 'ReadCredentials',
  CredentialsInvalid: 'ReadCredentials',
  DefaultCredentials: 'ReadCredentials',
  ReconcileFailed: 'Reconcile',
};

/** A reason that is not one of this controller's own is also what was done. */
export function actionOf(reason: string): string {
  return (actions as Readonly<Record<string, string>>)[reason] ?? reason;
}
