// What the policy must let the controller do, and what it must refuse. The objects that are not created here are in the test's world.
import type { V1PodSpec, V1StatefulSet } from '@kubernetes/client-node';
import { apiVersion, group, kind } from '../../../src/bitcoin/api/bitcoin-network.ts';
import { networks, services, statefulSets } from '../../../src/controller/resource-types.ts';
import type { ResourceType } from '../../../src/kube/client.ts';
import { leaseType } from '../../../src/runtime/lease-lock.ts';
import {
  account,
  type Container,
  containersOf,
  create,
  event,
  image,
  lease,
  listedSecret,
  mirroredImage,
  namespace,
  newEvent,
  patch,
  remove,
  service,
  statefulSet,
  withContainer,
  withMetadata,
  withOwner,
  withPod,
  withPodLabels,
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
const ownLabel = { metadata: { labels: { 'app.kubernetes.io/managed-by': account } } };

/** The end of "lets the controller …". */
export const allowed: Readonly<Record<string, Write>> = {
  'create a StatefulSet': create(statefulSets, statefulSet('bob')),
  'create a StatefulSet with the Secret of its network': create(statefulSets, statefulSet('bob', { secret: listedSecret })),
  'create a StatefulSet of an image that the values allow': create(statefulSets, statefulSet('bob', {}, mirroredImage)),
  'create a StatefulSet with a label of the values': create(statefulSets, withPodLabels('bob', { team: 'chain' })),
  'create a Service': create(services, service('bob')),
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
  'record an event about a network': create(events, event()),
  'record an event of events.k8s.io about a network': create(newEvents, newEvent({ apiVersion, kind, namespace, name: 'alice' })),
  'count an event': patch(events, 'about-alice', { count: 2 }),
  'create its Lease': create(leaseType, lease(account)),
};

/** What is refused, the request, and what the API server answers. */
type Refusals = Readonly<Record<string, readonly [Write, RegExp]>>;

const ownership = /writes only (StatefulSets|Services) that a BitcoinNetwork controls, named NETWORK-/;
const bobs = statefulSet('bob');
const owners: Refusals = Object.fromEntries(
  Object.entries<V1StatefulSet>({
    'named like an application': withMetadata(bobs, { name: 'coredns' }),
    'named after another network': withMetadata(bobs, { name: 'carol-sts' }),
    'without the label': withMetadata(bobs, { labels: { app: 'bob' } }),
    'without an owner': withMetadata(bobs, { ownerReferences: [] }),
    'owned by another kind': withOwner(bobs, { apiVersion: 'apps/v1', kind: 'Deployment' }),
    'owned by that kind of another group': withOwner(bobs, { apiVersion: `${group}.example/v1` }),
    'owned by a network that is not its controller': withOwner(bobs, { controller: false }),
  }).map(([how, set]) => [`a StatefulSet ${how}`, [create(statefulSets, set), ownership]]),
);

const onlyEmptyDir = /nodes have no volumes but emptyDir/;
const machine = /nodes use nothing of the machine that they run on/;
const noToken = /nodes have no service account and no token/;
const command = /nodes run the image that the chart names, and its own command/;
const data = (volume: object): Partial<V1PodSpec> => ({
  volumes: [
    { name: 'data', ...volume },
    { name: 'configuration', emptyDir: {} },
  ],
});
const podFields: Readonly<Record<string, readonly [Partial<V1PodSpec>, RegExp]>> = {
  'a folder of its machine': [data({ hostPath: { path: '/' } }), onlyEmptyDir],
  'a Secret as a volume': [data({ secret: { secretName: listedSecret } }), onlyEmptyDir],
  'a projected token': [data({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }), onlyEmptyDir],
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
    command,
  ],
  'an init container': [{ initContainers: [{ name: 'first', image }] }, command],
  'a priority class': [{ priorityClassName: 'system-node-critical' }, /nodes have no priority class/],
};

const unprivileged = /nodes run without root, privileges or capabilities/;
const probes = /nodes are probed for readiness alone, over HTTP at their own address/;
const environment =
  /nodes take the RPC credentials from a Secret that rbac.secretNames lists, and their environment from nothing else/;
const secured = (fields: NonNullable<Container['securityContext']>): Partial<Container> => ({
  securityContext: { ...containersOf('bob')[0]?.securityContext, ...fields },
});
const containerFields: Readonly<Record<string, readonly [Partial<Container>, RegExp]>> = {
  'another image': [{ image: 'attacker.example/miner:1' }, command],
  'another command': [{ command: ['/bin/sh', '-c', 'env'] }, command],
  'arguments of its own': [{ args: ['-server=0'] }, command],
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
  'a variable of its own': [{ env: [{ name: 'LD_PRELOAD', value: '/bitcoin/library.so' }] }, environment],
};

const labels = /nodes have the labels and annotations of the controller and of the chart's values, and no others/;
const ofWeb = withPodLabels('bob', { app: 'web' });
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
    labels,
  ],
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

const foreign = /changes and deletes only (StatefulSets|Services) that a BitcoinNetwork controls or has left behind/;
const headless = /a network's Service is headless/;
const selected = /a network's Service selects the pods of that network/;
const owned = (name: string) => ({ metadata: statefulSet(name).metadata });

export const refused: Refusals = {
  ...owners,
  ...templates,
  'another image of a StatefulSet that exists': [
    patch(statefulSets, 'alice-sts', {
      spec: { template: withContainer('alice', { image: 'attacker.example/miner:1' }).spec?.template },
    }),
    command,
  ],
  'the loss of the owner of a StatefulSet of its own': [
    patch(statefulSets, 'alice-sts', { metadata: { ownerReferences: null } }),
    ownership,
  ],
  'a change of a foreign StatefulSet': [patch(statefulSets, 'database-sts', { spec: { replicas: 0 } }), foreign],
  'a network as the owner of a foreign StatefulSet': [patch(statefulSets, 'database-sts', owned('database')), foreign],
  'a network as the owner of a StatefulSet of another controller': [patch(statefulSets, 'owned-sts', owned('owned')), foreign],
  'the deletion of a foreign StatefulSet': [remove(statefulSets, 'database-sts'), foreign],
  'the deletion of a StatefulSet with its pods': [
    remove(statefulSets, 'alice-sts', 'Background'),
    /deletes StatefulSets only to replace them, and orphans their dependents/,
  ],
  'a Service named like an application': [create(services, withMetadata(service('bob'), { name: 'kube-dns' })), ownership],
  'a Service without an owner': [create(services, withMetadata(service('bob'), { ownerReferences: [] })), ownership],
  'another selector of a foreign Service': [patch(services, 'web-svc', { spec: { selector: { app: 'bob' } } }), foreign],
  'the deletion of a foreign Service': [remove(services, 'web-svc'), foreign],
  'a Service of the pods of an application': [create(services, service('bob', { selector: { app: 'web' } })), selected],
  'a Service with the selector of an application': [
    create(services, service('bob', { selector: { app: 'bob', 'k8s-app': 'kube-dns' } })),
    selected,
  ],
  'a Service with an address outside the cluster': [create(services, service('bob', { externalIPs: ['192.0.2.1'] })), headless],
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
  'an event about a pod': [create(events, event({ involvedObject: webPod })), /records events only about networks/],
  'an event of events.k8s.io about a pod': [create(newEvents, newEvent(webPod)), /records events only about networks/],
  'an event about another Lease': [
    create(events, event({ involvedObject: { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace, name: 'other' } })),
    /records events only about networks and about its own Lease/,
  ],
  'a change of an event about a pod': [
    patch(events, 'about-web', { message: 'all is well' }),
    /records events only about networks/,
  ],
  'another Lease': [create(leaseType, lease('another')), /writes only the Lease of its own leader election/],
};
