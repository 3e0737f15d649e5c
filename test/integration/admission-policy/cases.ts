// What the policy must let the controller do, and what it must refuse. The objects that are not created here are in the test's world.
import type { V1PodSpec, V1StatefulSet } from '@kubernetes/client-node';
import { experimentKind } from '../../../src/bitcoin/api/bitcoin-experiment.ts';
import { apiVersion, group, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { experimentFinalizer } from '../../../src/bitcoin/api/names.ts';
import { configMapFor } from '../../../src/bitcoin/resources/config-map.ts';
import {
  configMaps,
  experiments,
  networkPolicies,
  networks,
  persistentVolumeClaims,
  podDisruptionBudgets,
  services,
  statefulSets,
} from '../../../src/controller/resource-types.ts';
import type { KubeObject, ResourceType } from '../../../src/kube/client.ts';
import { leaseType } from '../../../src/runtime/lease-lock.ts';
import {
  account,
  allowedByBeginning,
  type Container,
  containersOf,
  create,
  event,
  evict,
  image,
  lease,
  listedSecret,
  mirroredImage,
  named,
  namespace,
  newEvent,
  patch,
  remove,
  richObjects,
  service,
  statefulSet,
  withContainer,
  withMetadata,
  withOwner,
  withPod,
  withPodAnnotations,
  withPodLabels,
  withSpec,
  type Write,
} from './writes.ts';

export const events: ResourceType = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };
export const newEvents: ResourceType = { ...events, group: 'events.k8s.io' };

export const webPod = { apiVersion: 'v1', kind: 'Pod', namespace, name: 'web-0' };
export const secretEnvironment = (name: string): Partial<Container> => ({ envFrom: [{ secretRef: { name, optional: true } }] });
const nodeStatus = (nodeName: string) => ({
  ordinal: 0,
  ready: true,
  ip: '10.0.0.1',
  nodeName,
  dnsName: `${nodeName}.alice-svc`,
});
const statusOf = { subresource: 'status' };
const onlyStatusOfExperiments = /writes only the status and its finalizer of experiments/;
const ownLabel = { metadata: { labels: { 'app.kubernetes.io/managed-by': account } } };

const bobs = statefulSet('bob');
const rich = richObjects('bob');
const { set: groupSet } = rich;
/** A container that is as confined as bitcoind. */
const sidecar = {
  name: 'exporter',
  image: mirroredImage,
  command: ['/exporter'],
  env: [{ name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'any', key: 'token' } } }],
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
};
const withContainerOfItsOwn = (fields: object): V1StatefulSet =>
  statefulSet('bob', { podTemplate: { spec: { containers: [{ ...sidecar, ...fields }] } } });

const withHashes = (secretName: string) => ({ secret: listedSecret, rpcAuth: { secretName } });

/** The end of "lets the controller …". */
const otherOwner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'web-conf', uid: 'uid-web-conf' };
/** Like the StatefulSet of the claim, but of another node. */
const webOwner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web-sts', uid: 'uid-web-sts' };
const setOwner = { ...webOwner, name: 'alice-sts', uid: 'uid-alice-sts' };
/** Of the claims that there are. */
export const claimOwners = [setOwner, otherOwner, webOwner];
const largerClaim = { spec: { resources: { requests: { storage: '2Gi' } } } };

export const allowed: Readonly<Record<string, Write>> = {
  'create a StatefulSet': create(statefulSets, statefulSet('bob')),
  'create a StatefulSet with the Secret of its network': create(statefulSets, statefulSet('bob', { secret: listedSecret })),
  'create a StatefulSet of an image that the values allow': create(statefulSets, statefulSet('bob', {}, mirroredImage)),
  'create a StatefulSet with a label of the values': create(statefulSets, withPodLabels('bob', { team: 'chain' })),
  'create a StatefulSet again with the time of kubectl rollout restart': create(
    statefulSets,
    withPodAnnotations('bob', { 'kubectl.kubernetes.io/restartedAt': '2026-01-01T00:00:00Z' }),
  ),
  'create a StatefulSet with an image that begins as the values allow': create(
    statefulSets,
    statefulSet('bob', { image: allowedByBeginning }),
  ),
  'create a StatefulSet with a configuration of its own': create(
    statefulSets,
    statefulSet('bob', {
      ...{ chain: 'signet', signet: { challenge: '51' }, bitcoinConf: ['txindex=1'], zmq: { topics: ['rawblock'] } },
      resources: { limits: { memory: '2Gi' } },
    }),
  ),
  'schedule nodes as a network asks for': create(
    statefulSets,
    statefulSet('bob', {
      podTemplate: {
        spec: {
          ...{ nodeSelector: { disk: 'ssd' }, tolerations: [{ operator: 'Exists' }], schedulerName: 'another' },
          ...{ imagePullSecrets: [{ name: 'registry' }], terminationGracePeriodSeconds: 5, runtimeClassName: 'gvisor' },
          affinity: { nodeAffinity: {} },
          topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }],
        },
      },
    }),
  ),
  'create a StatefulSet with volumes': create(statefulSets, statefulSet('bob', { storage: { size: '1Gi' } })),
  'create a ConfigMap for nodes with volumes': create(configMaps, configMapFor(named('bob', { storage: { size: '1Gi' } }))!),
  'create a StatefulSet with hashes of the credentials': create(statefulSets, statefulSet('bob', withHashes(listedSecret))),
  'create a ConfigMap for nodes with hashes': create(configMaps, configMapFor(named('bob', withHashes(listedSecret)))!),
  'create the StatefulSet of a group': create(statefulSets, groupSet),
  'scale the StatefulSet of a group': patch(statefulSets, 'alice-sts-old', { spec: { replicas: 5 } }),
  'delete the StatefulSet of a group with its pods': remove(statefulSets, 'alice-sts-old', 'Background'),
  'create a Service': create(services, service('bob')),
  'create a Service for RPC': create(services, rich.rpc),
  'create the Service of a node': create(services, rich.p2p),
  'create the Service of a node of a group': create(services, rich.p2pOfGroup),
  'change the type of a Service': patch(services, 'alice-rpc', { spec: { type: 'ClusterIP' } }),
  'delete a Service that a network asks for no more': remove(services, 'alice-rpc', 'Background'),
  'create a ConfigMap': create(configMaps, rich.configMap),
  'change the configuration in a ConfigMap': patch(configMaps, 'alice-conf', { data: { 'bitcoin.conf': 'regtest=1\n' } }),
  'delete a ConfigMap': remove(configMaps, 'alice-conf', 'Background'),
  'create a NetworkPolicy': create(networkPolicies, rich.networkPolicy),
  'change a NetworkPolicy': patch(networkPolicies, 'alice-netpol', { spec: { policyTypes: ['Ingress'], ingress: [] } }),
  'delete a NetworkPolicy': remove(networkPolicies, 'alice-netpol', 'Background'),
  'create a PodDisruptionBudget': create(podDisruptionBudgets, rich.budget),
  'change a PodDisruptionBudget': patch(podDisruptionBudgets, 'alice-pdb', { spec: { maxUnavailable: 2 } }),
  'delete a PodDisruptionBudget': remove(podDisruptionBudgets, 'alice-pdb', 'Background'),
  'scale a StatefulSet': patch(statefulSets, 'alice-sts', { spec: { replicas: 5 } }),
  'delete a StatefulSet to replace it': remove(statefulSets, 'alice-sts'),
  'delete a Service to replace it': remove(services, 'alice-svc'),
  'put its label back': patch(statefulSets, 'changed-sts', ownLabel),
  'scale a StatefulSet whose template others have changed': patch(statefulSets, 'changed-sts', {
    ...ownLabel,
    spec: { replicas: 5 },
  }),
  'update the image of a StatefulSet that keeps a Secret which is no longer listed': patch(statefulSets, 'former-sts', {
    spec: { template: withContainer('former', { image: mirroredImage, ...secretEnvironment('former-secret') }).spec?.template },
  }),
  'adopt a StatefulSet that a network has left behind': patch(statefulSets, 'left-sts', {
    metadata: { ownerReferences: statefulSet('left').metadata?.ownerReferences },
  }),
  'write a status': patch(
    networks,
    'alice',
    { status: { replicas: 1, selector: 'app=alice', nodes: [nodeStatus('alice-sts-0')] } },
    statusOf,
  ),
  'write the status of an experiment': patch(experiments, 'running', { status: { step: 'one' } }, statusOf),
  'hold an experiment until its network is healed': patch(experiments, 'running', {
    metadata: { finalizers: [experimentFinalizer, 'example.com/kept'] },
  }),
  'let an experiment go': patch(experiments, 'ended', { metadata: { finalizers: ['example.com/kept'] } }),
  'delete an experiment whose time after its end is over': remove(experiments, 'ended'),
  'let the volume of a node grow': patch(persistentVolumeClaims, 'data-alice-sts-0', largerClaim),
  'keep the volume of a node whose StatefulSet is deleted': patch(persistentVolumeClaims, 'data-alice-sts-0', {
    metadata: { ownerReferences: [otherOwner, webOwner] },
  }),
  'evict a node': evict('alice-sts-0'),
  'evict a node of a group': evict('alice-sts-old-100'),
  'record an event about a network': create(events, event()),
  'record an event about an experiment': create(
    events,
    event({ involvedObject: { apiVersion, kind: experimentKind, namespace, name: 'running' } }),
  ),
  'record an event of events.k8s.io about a network': create(newEvents, newEvent({ apiVersion, kind, namespace, name: 'alice' })),
  'count an event': patch(events, 'about-alice', { count: 2 }),
  'create its Lease': create(leaseType, lease(account)),
};

/** What is refused, the request, and what the API server answers. */
type Refusals = Readonly<Record<string, readonly [Write, RegExp]>>;

const claimSize = /changes only the size of the claims data-NETWORK-sts-N/;
const ownership = /writes only \w+ that a BitcoinNetwork controls, named NETWORK-/;
const owners: Refusals = Object.fromEntries(
  Object.entries<V1StatefulSet>({
    'named like an application': withMetadata(bobs, { name: 'coredns' }),
    'named after another network': withMetadata(bobs, { name: 'carol-sts' }),
    'named like no group': withMetadata(bobs, { name: 'bob-sts-2' }),
    'of a group of another network': withOwner(groupSet, { name: 'carol' }),
    'of an owner whose name is a pattern': withOwner(withMetadata(bobs, { name: 'coredns-sts' }), { name: '.*' }),
    'without the label': withMetadata(bobs, { labels: { app: 'bob' } }),
    'without an owner': withMetadata(bobs, { ownerReferences: [] }),
    'owned by another kind': withOwner(bobs, { apiVersion: 'apps/v1', kind: 'Deployment' }),
    'owned by that kind of another group': withOwner(bobs, { apiVersion: `${group}.example/v1` }),
    'owned by a network that is not its controller': withOwner(bobs, { controller: false }),
  }).map(([how, set]) => [`a StatefulSet ${how}`, [create(statefulSets, set), ownership]]),
);

const claimTemplate = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } };
const onlyEmptyDir =
  /nodes have no volumes but emptyDir, the network's ConfigMap, the rpcauth\.conf of a Secret that rbac\.secretNames lists/;
const machine = /nodes use nothing of the machine that they run on/;
const noToken = /nodes have no token, and no service account unless the chart's value admissionPolicy.podTemplates is true/;
const images = /nodes run only the images that the chart's values bitcoind.image and admissionPolicy.extraImages name/;
const command = /nodes run bitcoind by the command of its image or by the controller's start script/;
const onlyBitcoind = /nodes have no container but bitcoind, unless the chart's value admissionPolicy.podTemplates is true/;
const noCommands =
  /bitcoind runs no commands, as by startupnotify, unless the chart's value admissionPolicy.podTemplates is true/;
const hashes = (secret: object): Partial<V1PodSpec> => ({
  volumes: [...(bobs.spec?.template.spec?.volumes ?? []), { name: 'rpcauth', secret }],
});
const data = (volume: object): Partial<V1PodSpec> => ({
  volumes: [
    { name: 'data', ...volume },
    { name: 'configuration', emptyDir: {} },
  ],
});
const podFields: Readonly<Record<string, readonly [Partial<V1PodSpec>, RegExp]>> = {
  'a folder of its machine': [data({ hostPath: { path: '/' } }), onlyEmptyDir],
  'a Secret as a volume': [data({ secret: { secretName: listedSecret } }), onlyEmptyDir],
  'a whole Secret as hashes': [hashes({ secretName: listedSecret }), onlyEmptyDir],
  'another key of a Secret as hashes': [
    hashes({ secretName: listedSecret, items: [{ key: 'token', path: 'rpcauth.conf' }] }),
    onlyEmptyDir,
  ],
  'the hashes of a Secret that the values do not list': [
    hashes({ secretName: 'other', items: [{ key: 'rpcauth.conf', path: 'rpcauth.conf' }] }),
    onlyEmptyDir,
  ],
  'a projected token': [data({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }), onlyEmptyDir],
  'the ConfigMap of another': [data({ configMap: { name: 'web' } }), onlyEmptyDir],
  'the ConfigMap of another network as its own': [
    { volumes: [...(bobs.spec?.template.spec?.volumes ?? []), { name: 'conf', configMap: { name: 'carol-conf' } }] },
    onlyEmptyDir,
  ],
  'the claim of another': [data({ persistentVolumeClaim: { claimName: 'database' } }), onlyEmptyDir],
  'the network of its machine': [
    { hostNetwork: true, containers: containersOf('bob').map(container => ({ ...container, ports: [] })) },
    machine,
  ],
  'the processes of its machine': [{ hostPID: true }, machine],
  'the IPC namespace of its machine': [{ hostIPC: true }, machine],
  'a machine that it names': [{ nodeName: 'control-plane' }, machine],
  'another service account': [{ serviceAccountName: 'cluster-admin' }, noToken],
  'the token of a service account': [{ automountServiceAccountToken: true }, noToken],
  'a second container': [
    { containers: ['bitcoind', 'miner'].flatMap(name => containersOf('bob').map(one => ({ ...one, name, ports: [] }))) },
    onlyBitcoind,
  ],
  'no bitcoind': [{ containers: containersOf('bob').map(one => ({ ...one, name: 'miner' })) }, command],
  'an init container': [{ initContainers: [{ ...sidecar, image }] }, onlyBitcoind],
  'a priority class': [{ priorityClassName: 'system-node-critical' }, /nodes have no priority class/],
};

const unprivileged = /nodes run without root, privileges or capabilities/;
const probes = /nodes are probed for readiness alone, over HTTP at their own address/;
const environment =
  /bitcoind takes the RPC credentials from a Secret that rbac.secretNames lists, and its environment from nothing else/;
const secured = (fields: NonNullable<Container['securityContext']>): Partial<Container> => ({
  securityContext: { ...containersOf('bob')[0]?.securityContext, ...fields },
});
const containerFields: Readonly<Record<string, readonly [Partial<Container>, RegExp]>> = {
  'another image': [{ image: 'attacker.example/miner:1' }, images],
  'an image that only looks like one of the values': [{ image: 'registry.example/bitcoin-miner:1' }, images],
  'another command': [{ command: ['/bin/sh', '-c', 'env'] }, command],
  'the command of another script': [{ command: ['/bin/sh', '/run/bitcoin/start.sh'] }, command],
  'an argument that is no option': [{ args: ['-txindex=1', 'stop'] }, command],
  'an option that runs a command': [{ args: ['-startupnotify=env'] }, noCommands],
  'a hook that runs a command': [{ lifecycle: { postStart: { exec: { command: ['env'] } } } }, command],
  'a probe that runs a command': [{ readinessProbe: { exec: { command: ['env'] } } }, probes],
  'a probe of another host': [{ readinessProbe: { httpGet: { host: '169.254.169.254', port: 80 } } }, probes],
  'a port of its machine': [{ ports: [{ name: 'rpc', containerPort: 18443, hostPort: 443 }] }, machine],
  'all privileges': [secured({ privileged: true, allowPrivilegeEscalation: true }), unprivileged],
  'a capability that is added': [secured({ capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } }), unprivileged],
  'capabilities that are not dropped': [secured({ capabilities: {} }), unprivileged],
  'root as its user': [secured({ runAsUser: 0 }), unprivileged],
  'leave to be root': [secured({ runAsNonRoot: false }), unprivileged],
  'no seccomp profile': [secured({ seccompProfile: { type: 'Unconfined' } }), unprivileged],
  'the environment of a Secret that is not listed': [secretEnvironment('database'), environment],
  'the environment of a ConfigMap': [{ envFrom: [{ configMapRef: { name: 'any' } }] }, environment],
  'the credentials of a Secret that is not listed': [
    { env: [{ name: 'BC_RPC_USER', valueFrom: { secretKeyRef: { name: 'database', key: 'BC_RPC_USER' } } }] },
    environment,
  ],
  'another key of a listed Secret': [
    { env: [{ name: 'BC_RPC_USER', valueFrom: { secretKeyRef: { name: listedSecret, key: 'password' } } }] },
    environment,
  ],
  'a key of a Secret': [
    { env: [{ name: 'BC_RPC_SECRET', valueFrom: { secretKeyRef: { name: 'database', key: 'password' } } }] },
    environment,
  ],
  'another field of its pod': [
    { env: [{ name: 'BC_POD_NAME', valueFrom: { fieldRef: { fieldPath: 'spec.serviceAccountName' } } }] },
    environment,
  ],
  'a variable of its own': [{ env: [{ name: 'LD_PRELOAD', value: '/bitcoin/library.so' }] }, environment],
};

const labels = /nodes have the labels and annotations of the controller and of the chart's values, and no others/;
const ofNetwork = /nodes have the labels of their network and group/;
const selection = /a StatefulSet selects the nodes of its network that are in its group/;
const ofWeb = withPodLabels('bob', { app: 'web' });
const groupLabel = `${group}/group`;
const withSelector = (matchLabels: Record<string, string>): V1StatefulSet => withSpec(groupSet, { selector: { matchLabels } });
const templates: Refusals = {
  'a StatefulSet of kube-system with a folder of its machine': [
    create(statefulSets, withMetadata(withPod('bob', data({ hostPath: { path: '/' } })), { namespace: 'kube-system' })),
    onlyEmptyDir,
  ],
  'pods with the label of an application': [create(statefulSets, withPodLabels('bob', { 'k8s-app': 'kube-dns' })), labels],
  'pods with another value of a label of the values': [create(statefulSets, withPodLabels('bob', { team: 'web' })), labels],
  'pods with the `app` of an application': [
    create(
      statefulSets,
      withMetadata({ ...ofWeb, ...{ spec: { ...ofWeb.spec, selector: { matchLabels: { app: 'web' } } } } }, {}),
    ),
    selection,
  ],
  'pods without the label of the controller': [
    patch(statefulSets, 'alice-sts', {
      spec: { template: { metadata: { labels: { 'app.kubernetes.io/managed-by': 'another' } } } },
    }),
    ofNetwork,
  ],
  'pods in no group with the label of a group': [create(statefulSets, withPodLabels('bob', { [groupLabel]: 'old' })), ofNetwork],
  'a StatefulSet of a group that selects all nodes of its network': [
    create(statefulSets, withSelector({ app: 'bob' })),
    selection,
  ],
  'a StatefulSet that selects the nodes of all networks': [
    create(statefulSets, withSelector({ 'app.kubernetes.io/managed-by': account })),
    selection,
  ],
  'what a pod template adds, without its value': [create(statefulSets, withContainerOfItsOwn({})), onlyBitcoind],
  ...Object.fromEntries(
    Object.entries(podFields).map(([what, [fields, answer]]) => [
      `a pod with ${what}`,
      [create(statefulSets, withPod('bob', fields)), answer],
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(containerFields).map(([what, [fields, answer]]) => [
      `a container with ${what}`,
      [create(statefulSets, withContainer('bob', fields)), answer],
    ]),
  ),
};

const foreign = /changes and deletes only \w+ that a BitcoinNetwork controls or has left behind/;
const headless = /the Service NETWORK-svc is headless/;
const serviceType = /a network's Service has a type that a network can ask for, and no address of the controller's choice/;
const contents = /a network's ConfigMap has the controller's start script and bitcoind's configuration, and nothing else/;
const policySelection = /a network's (NetworkPolicy|PodDisruptionBudget) selects the pods of that network/;
const replacing = /deletes \w+ to replace them, and then orphans their dependents, or because the network needs them no more/;
const withData = (data: Record<string, string>): KubeObject => ({
  ...rich.configMap,
  ...{ data: { ...rich.configMap.data, ...data } },
});
const ofAll = { podSelector: {} };
const ofOneApplication = { selector: { matchLabels: { app: 'web' } } };
const selected = /a network's Service selects the pods of that network/;
const owned = (name: string) => ({ metadata: statefulSet(name).metadata });

export const refused: Refusals = {
  ...owners,
  ...templates,
  'another image of a StatefulSet that exists': [
    patch(statefulSets, 'alice-sts', {
      spec: { template: withContainer('alice', { image: 'attacker.example/miner:1' }).spec?.template },
    }),
    images,
  ],
  'the loss of the owner of a StatefulSet of its own': [
    patch(statefulSets, 'alice-sts', { metadata: { ownerReferences: null } }),
    ownership,
  ],
  'a change of a foreign StatefulSet': [patch(statefulSets, 'database-sts', { spec: { replicas: 0 } }), foreign],
  'a network as the owner of a foreign StatefulSet': [patch(statefulSets, 'database-sts', owned('database')), foreign],
  'a network as the owner of a StatefulSet of another controller': [patch(statefulSets, 'owned-sts', owned('owned')), foreign],
  'the deletion of a foreign StatefulSet': [remove(statefulSets, 'database-sts'), foreign],
  'the deletion of a StatefulSet with its pods': [remove(statefulSets, 'alice-sts', 'Background'), replacing],
  'the deletion of a StatefulSet that a network has left behind, with its pods': [
    remove(statefulSets, 'left-sts', 'Background'),
    replacing,
  ],
  'the deletion of the Service of a network in the background': [remove(services, 'alice-svc', 'Background'), replacing],
  'a Service named like an application': [create(services, withMetadata(service('bob'), { name: 'kube-dns' })), ownership],
  'a Service without an owner': [create(services, withMetadata(service('bob'), { ownerReferences: [] })), ownership],
  'another selector of a foreign Service': [patch(services, 'web-svc', { spec: { selector: { app: 'bob' } } }), foreign],
  'the deletion of a foreign Service': [remove(services, 'web-svc'), foreign],
  'a Service of the pods of an application': [create(services, service('bob', { selector: { app: 'web' } })), selected],
  'a Service with the selector of an application': [
    create(services, service('bob', { selector: { app: 'bob', 'k8s-app': 'kube-dns' } })),
    selected,
  ],
  'a Service of the pods of all networks': [
    create(services, service('bob', { selector: { 'app.kubernetes.io/managed-by': account } })),
    selected,
  ],
  'the Service of a node that selects another node': [
    create(
      services,
      withSpec(rich.p2p, { selector: { ...rich.p2p.spec?.selector, 'statefulset.kubernetes.io/pod-name': 'bob-sts-1' } }),
    ),
    selected,
  ],
  'the Service of a node that selects the pods of an application': [
    create(services, withSpec(rich.p2p, { selector: { app: 'web' } })),
    selected,
  ],
  'the Service of a node within the cluster': [create(services, withSpec(rich.p2p, { type: 'ClusterIP' })), serviceType],
  'a Service that is a name outside the cluster': [
    create(services, withSpec(rich.rpc, { type: 'ExternalName', externalName: 'example.com' })),
    serviceType,
  ],
  'a Service with an address outside the cluster': [
    create(services, service('bob', { externalIPs: ['192.0.2.1'] })),
    serviceType,
  ],
  'a Service with an address of a load balancer': [
    create(services, withSpec(rich.rpc, { loadBalancerIP: '192.0.2.1' })),
    serviceType,
  ],
  'a ConfigMap named like that of an application': [
    create(configMaps, withMetadata(rich.configMap, { name: 'kube-root-ca.crt' })),
    ownership,
  ],
  'a ConfigMap without an owner': [create(configMaps, withMetadata(rich.configMap, { ownerReferences: [] })), ownership],
  'a ConfigMap with another script for hashes': [create(configMaps, withData({ 'rpcauth.sh': 'env' })), contents],
  'a ConfigMap with another script for volumes': [create(configMaps, withData({ 'volume.sh': 'env' })), contents],
  'a StatefulSet with another claim': [
    create(statefulSets, withSpec(bobs, { volumeClaimTemplates: [{ ...claimTemplate, metadata: { name: 'other' } }] })),
    onlyEmptyDir,
  ],
  'a StatefulSet with the copy of a claim': [
    create(
      statefulSets,
      statefulSet('bob', { storage: { size: '1Gi', dataSource: { kind: 'PersistentVolumeClaim', name: 'web' } } }),
    ),
    onlyEmptyDir,
  ],
  'a ConfigMap with another script': [create(configMaps, withData({ 'start.sh': 'env' })), contents],
  'a ConfigMap with something else': [create(configMaps, withData({ other: 'x' })), contents],
  'a ConfigMap with an option that runs a command': [
    create(configMaps, withData({ 'bitcoin.conf': 'regtest=1\n\tblocknotify=env\n' })),
    contents,
  ],
  'another script in a ConfigMap that exists': [patch(configMaps, 'alice-conf', { data: { 'start.sh': 'env' } }), contents],
  'a change of a foreign ConfigMap': [patch(configMaps, 'web-conf', { data: { a: 'c' } }), foreign],
  'the deletion of a foreign ConfigMap': [remove(configMaps, 'web-conf', 'Background'), foreign],
  'a NetworkPolicy of all pods': [create(networkPolicies, withSpec(rich.networkPolicy, ofAll)), policySelection],
  'a NetworkPolicy that comes to select all pods': [
    patch(networkPolicies, 'alice-netpol', { spec: { podSelector: { matchLabels: null } } }),
    policySelection,
  ],
  'a NetworkPolicy without an owner': [
    create(networkPolicies, withMetadata(rich.networkPolicy, { ownerReferences: [] })),
    ownership,
  ],
  'the deletion of a foreign NetworkPolicy': [remove(networkPolicies, 'web-netpol', 'Background'), foreign],
  'a PodDisruptionBudget of an application': [
    create(podDisruptionBudgets, withSpec(rich.budget, ofOneApplication)),
    policySelection,
  ],
  'a PodDisruptionBudget named like an application': [
    create(podDisruptionBudgets, withMetadata(rich.budget, { name: 'web' })),
    ownership,
  ],
  'the deletion of a foreign PodDisruptionBudget': [remove(podDisruptionBudgets, 'web-pdb', 'Background'), foreign],
  'a Service of the type LoadBalancer': [
    create(services, service('bob', { type: 'LoadBalancer', clusterIP: undefined })),
    headless,
  ],
  'a status with the pods of another application': [
    patch(networks, 'alice', { status: { nodes: [nodeStatus('web-0')] } }, statusOf),
    /a network's status is about that network's pods and events/,
  ],
  'a status with the selector of another application': [
    patch(networks, 'alice', { status: { selector: 'app=web' } }, statusOf),
    /a network's status is about that network's pods and events/,
  ],
  'a label of an experiment': [patch(experiments, 'running', { metadata: { labels: { a: 'b' } } }), onlyStatusOfExperiments],
  'a finalizer of somebody else on an experiment': [
    patch(experiments, 'running', { metadata: { finalizers: ['example.com/other'] } }),
    onlyStatusOfExperiments,
  ],
  'the deletion of an experiment that runs': [
    remove(experiments, 'running'),
    /deletes only experiments whose ttlSecondsAfterFinished is over/,
  ],
  'a larger volume of an application': [patch(persistentVolumeClaims, 'web', largerClaim), claimSize],
  'other labels of the claim of a node': [
    patch(persistentVolumeClaims, 'data-alice-sts-0', { metadata: { labels: { app: 'web' } } }),
    claimSize,
  ],
  'another owner of the claim of a node': [
    patch(persistentVolumeClaims, 'data-alice-sts-0', {
      metadata: { ownerReferences: [...claimOwners, { ...otherOwner, uid: 'uid-another' }] },
    }),
    claimSize,
  ],
  'the removal of an owner of a claim that is not its StatefulSet': [
    patch(persistentVolumeClaims, 'data-alice-sts-0', { metadata: { ownerReferences: [setOwner, otherOwner] } }),
    claimSize,
  ],
  'the removal of an owner that is no StatefulSet': [
    patch(persistentVolumeClaims, 'data-alice-sts-0', { metadata: { ownerReferences: [setOwner, webOwner] } }),
    claimSize,
  ],
  'the eviction of a pod of an application': [evict('web-0'), /evicts only pods that are named as nodes/],
  'the deletion of a network without a time': [
    remove(networks, 'alice', 'Background'),
    /deletes only those with spec\.ttlSeconds/,
  ],
  'the deletion of whichever network has a name by now': [
    remove(networks, 'mayfly', 'Background'),
    /deletes only those with spec\.ttlSecondsAfterCreation, as the object that it has read/,
  ],
  'an event about a pod': [create(events, event({ involvedObject: webPod })), /records events only about networks/],
  'an event of events.k8s.io about a pod': [create(newEvents, newEvent(webPod)), /records events only about networks/],
  'an event about another Lease': [
    create(events, event({ involvedObject: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: 'other' } })),
    /records events only about networks, experiments and its own Lease/,
  ],
  'a change of an event about a pod': [
    patch(events, 'about-web', { message: 'all is well' }),
    /records events only about networks/,
  ],
  'another Lease': [create(leaseType, lease('another')), /writes only the Lease of its own leader election/],
};

/** With admissionPolicy.podTemplates. */
export const allowedWithTemplates: Readonly<Record<string, Write>> = {
  'create a StatefulSet without a pod template of its own': create(statefulSets, bobs),
  'create a StatefulSet with all that a pod template can have': create(
    statefulSets,
    statefulSet('bob', {
      bitcoinConf: ['startupnotify=touch /bitcoin/started'],
      podTemplate: {
        metadata: { labels: { team: 'any' }, annotations: { note: 'any' } },
        spec: {
          containers: [{ ...sidecar, livenessProbe: { exec: { command: ['true'] } }, volumeMounts: [] }],
          initContainers: [{ ...sidecar, name: 'first' }],
          volumes: [
            { name: 'secret', secret: { secretName: 'any' } },
            { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
            { name: 'claim', persistentVolumeClaim: { claimName: 'any' } },
          ],
          ...{ serviceAccountName: 'any', priorityClassName: 'any' },
        },
      },
    }),
  ),
};

const templateVolumes = /nodes have no volumes of the machine that they run on/;

/** With admissionPolicy.podTemplates. */
export const refusedWithTemplates: Refusals = {
  'a container with an image that the values do not name': [
    create(statefulSets, withContainerOfItsOwn({ image: 'attacker.example/miner:1' })),
    images,
  ],
  'an init container with an image that the values do not name': [
    create(statefulSets, withPod('bob', { initContainers: [{ ...sidecar, image: 'attacker.example/miner:1' }] })),
    images,
  ],
  'a container with all privileges': [
    create(statefulSets, withContainerOfItsOwn({ securityContext: { privileged: true } })),
    unprivileged,
  ],
  'an init container that may become root': [
    create(statefulSets, withPod('bob', { initContainers: [{ ...sidecar, securityContext: {} }] })),
    unprivileged,
  ],
  'a container with a port of its machine': [
    create(statefulSets, withContainerOfItsOwn({ ports: [{ containerPort: 80, hostPort: 80 }] })),
    machine,
  ],
  'a container that is probed at another host': [
    create(statefulSets, withContainerOfItsOwn({ livenessProbe: { tcpSocket: { host: '169.254.169.254', port: 80 } } })),
    probes,
  ],
  'a pod with a folder of its machine': [
    create(statefulSets, withPod('bob', data({ hostPath: { path: '/' } }))),
    templateVolumes,
  ],
  'a pod with the network of its machine': [
    create(statefulSets, withPod('bob', podFields['the network of its machine']![0])),
    machine,
  ],
  'a pod with the token of a service account': [
    create(statefulSets, withPod('bob', { automountServiceAccountToken: true })),
    /nodes have no token/,
  ],
  'bitcoind with another command': [create(statefulSets, withContainer('bob', { command: ['/bin/sh', '-c', 'env'] })), command],
  'bitcoind with a Secret that is not listed': [
    create(statefulSets, withContainer('bob', secretEnvironment('database'))),
    environment,
  ],
  'pods with the labels of a group that is not theirs': [
    create(statefulSets, withPodLabels('bob', { [groupLabel]: 'old' })),
    ofNetwork,
  ],
  'a StatefulSet without an owner': [create(statefulSets, withMetadata(bobs, { ownerReferences: [] })), ownership],
};
