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
  reconcileFailed: 'ReconcileFailed',
} as const;

export type Reason = (typeof reasons)[keyof typeof reasons];
