import type { V1Container, V1PodTemplateSpec, V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import type { NodeSettings } from '../../../../src/bitcoin/api/node-settings.ts';
import type { NetworkPodTemplate } from '../../../../src/bitcoin/api/pod-template.ts';
import { nodeSetsOf } from '../../../../src/bitcoin/resources/node-sets.ts';
import { defaultPodTemplate, type PodTemplate } from '../../../../src/bitcoin/resources/pod-template.ts';
import { secretOf, statefulSetFor, type StatefulSetOptions } from '../../../../src/bitcoin/resources/stateful-set.ts';
import { isNamedAsNode } from '../../../../src/controller/status/pods.ts';
import { defaultSetOf, network, statefulSetOf } from '../../../support/builders.ts';

const image = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };
const ownLabels = { app: 'alice', 'app.kubernetes.io/managed-by': 'bitcoin-controller' };

function podOf(template: Partial<PodTemplate> = {}, version?: string) {
  const options = { ...image, template: { ...defaultPodTemplate, ...template } };
  return statefulSetOf(network({ secret: 'credentials' }), version, options).spec!.template;
}

// What each release has given a network of `nodes` and `secret` so far, but for `updateStrategy`, which earlier releases did not set. A change
// of the pod template restarts every node of every such network.
const pinned =
  '{"apiVersion":"apps/v1","kind":"StatefulSet","metadata":{"name":"alice-sts","namespace":"default","labels":{"app":"alice","app.kubernetes.io/managed-by":"bitcoin-controller"},"ownerReferences":[{"apiVersion":"bitcoincontroller.christianb93.github.com/v1","kind":"BitcoinNetwork","name":"alice","uid":"uid-alice","controller":true,"blockOwnerDeletion":true}]},"spec":{"replicas":3,"serviceName":"alice-svc","podManagementPolicy":"Parallel","updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":3}},"selector":{"matchLabels":{"app":"alice"}},"template":{"metadata":{"labels":{"app":"alice","app.kubernetes.io/managed-by":"bitcoin-controller"},"annotations":{"bitcoincontroller.christianb93.github.com/credentials":"v1"}},"spec":{"automountServiceAccountToken":false,"enableServiceLinks":false,"nodeSelector":{"kubernetes.io/os":"linux"},"securityContext":{"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"},"fsGroup":10001},"terminationGracePeriodSeconds":60,"containers":[{"name":"bitcoind","image":"bitcoind:1","imagePullPolicy":"IfNotPresent","terminationMessagePolicy":"FallbackToLogsOnError","ports":[{"name":"rpc","containerPort":18443,"protocol":"TCP"},{"name":"p2p","containerPort":18444,"protocol":"TCP"}],"env":[{"name":"BC_RPC_SECRET","value":"credentials"}],"envFrom":[{"secretRef":{"name":"credentials","optional":true}}],"readinessProbe":{"httpGet":{"path":"/rest/chaininfo.json","port":"rpc","scheme":"HTTP"},"initialDelaySeconds":1,"periodSeconds":1,"timeoutSeconds":5,"failureThreshold":5,"successThreshold":1},"resources":{"requests":{"cpu":"10m","memory":"64Mi"},"limits":{"memory":"1Gi"}},"securityContext":{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"readOnlyRootFilesystem":true},"volumeMounts":[{"name":"data","mountPath":"/bitcoin"},{"name":"configuration","mountPath":"/run/bitcoin"}]}],"volumes":[{"name":"data","emptyDir":{"sizeLimit":"5Gi"}},{"name":"configuration","emptyDir":{"medium":"Memory","sizeLimit":"1Mi"}}]}}}}';

describe('statefulSetFor', () => {
  it('is for a network of two fields what it has always been, byte for byte', () => {
    expect(JSON.stringify(statefulSetOf(network({ secret: 'credentials' }), 'v1', image))).to.equal(pinned);
  });

  it('lets a change of the pod template replace no pod unless it is given another partition', () => {
    const partitionOf = (options: object) =>
      statefulSetOf(network({ nodes: 5 }), 'v1', { ...image, ...options }).spec?.updateStrategy;
    expect(partitionOf({})).to.deep.equal({ type: 'RollingUpdate', rollingUpdate: { partition: 5 } });
    expect(partitionOf({ partition: 2 })).to.deep.equal({ type: 'RollingUpdate', rollingUpdate: { partition: 2 } });
    for (const maxUnavailable of [1, 3]) {
      const rollingUpdate = { partition: 2, maxUnavailable };
      expect(partitionOf(rollingUpdate)).to.deep.equal({ type: 'RollingUpdate', rollingUpdate });
    }
  });

  it('has the same pod template for a network whose other fields concern no pod', () => {
    const { template } = (JSON.parse(pinned) as V1StatefulSet).spec!;
    const others = network({
      secret: 'credentials',
      externalPeers: [{ address: 'peer.example:18444' }],
      services: { rpc: { type: 'ClusterIP' } },
      networkPolicy: {},
      podDisruptionBudget: {},
      groups: [{ name: 'old', nodes: 1, ordinals: { start: 100 }, image: 'core:27' }],
    });
    const { spec } = statefulSetFor(others, defaultSetOf(others), 'v1', image);
    expect(spec?.replicas).to.equal(2);
    expect(JSON.stringify(spec?.template)).to.equal(JSON.stringify(template));
  });

  it('only raises maxconnections where more connections are planned than bitcoind accepts', () => {
    const { spec } = (JSON.parse(pinned) as V1StatefulSet).spec!.template;
    const raised = statefulSetOf(network({ secret: 'credentials' }), 'v1', { ...image, largestInbound: 200 });
    const [{ args, ...container }, ...more] = raised.spec!.template.spec!.containers as [V1Container];
    expect(args).to.deep.equal(['-maxconnections=250']);
    expect([container, ...more]).to.deep.equal(spec?.containers);
  });

  it('is the same with the default pod template as without one', () => {
    expect(statefulSetOf(network(), 'v', { ...image, template: defaultPodTemplate })).to.deep.equal(
      statefulSetOf(network(), 'v', image),
    );
  });

  it('adds the pod template to what the controller itself sets, which stays', () => {
    const { metadata, spec } = podOf(
      {
        labels: { team: 'x' },
        annotations: { note: 'y' },
        imagePullSecrets: ['pull'],
        nodeSelector: { disk: 'ssd' },
        tolerations: [{ operator: 'Exists' }],
        securityContext: { runAsUser: 7 },
        resources: { limits: { cpu: '1' } },
        dataSizeLimit: '1Gi',
      },
      'version',
    );
    expect(metadata?.labels).to.deep.equal({ ...ownLabels, team: 'x' });
    expect(metadata?.annotations).to.deep.equal({
      note: 'y',
      'bitcoincontroller.christianb93.github.com/credentials': 'version',
    });
    expect(spec).to.deep.include({
      imagePullSecrets: [{ name: 'pull' }],
      nodeSelector: { 'kubernetes.io/os': 'linux', disk: 'ssd' },
      tolerations: [{ operator: 'Exists' }],
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' }, runAsUser: 7 },
    });
    expect(spec?.containers[0]?.resources).to.deep.equal({ limits: { cpu: '1' } });
    expect(spec?.volumes?.[0]).to.deep.equal({ name: 'data', emptyDir: { sizeLimit: '1Gi' } });
  });

  it('limits the memory and the data of a node by default, and does not where the template says so', () => {
    expect(podOf().spec?.containers[0]?.resources?.limits).to.deep.equal({ memory: '1Gi' });
    expect(podOf().spec?.volumes?.[0]?.emptyDir).to.deep.equal({ sizeLimit: '5Gi' });
    const unlimited = podOf({ resources: {}, dataSizeLimit: '' }).spec;
    expect(unlimited?.containers[0]?.resources).to.deep.equal({});
    expect(unlimited?.volumes?.[0]?.emptyDir).to.deep.equal({});
  });

  it('maps the Secret into a node as christianb93/bitcoin-controller does, and starts without the Secret too', () => {
    const [container] = podOf().spec?.containers ?? [];
    expect(container?.env).to.deep.equal([{ name: 'BC_RPC_SECRET', value: 'credentials' }]);
    expect(container?.envFrom).to.deep.equal([{ secretRef: { name: 'credentials', optional: true } }]);
    expect(secretOf(statefulSetOf(network({ secret: 'credentials' }), 'v', image))).to.equal('credentials');
  });

  it('does not take the variable of another container for the Secret of the nodes', () => {
    const set = statefulSetOf(
      network({
        podTemplate: { spec: { containers: [{ name: 'a', image: 'a', env: [{ name: 'BC_RPC_SECRET', value: 'x' }] }] } },
      }),
      'v',
      image,
    );
    expect(set.spec?.template.spec?.containers.map(({ name }) => name)).to.include('a');
    expect(secretOf(set)).to.equal(undefined);
  });

  it('selects by the label that christianb93/bitcoin-controller has, since a selector cannot change', () => {
    expect(statefulSetOf(network(), undefined, image).spec?.selector).to.deep.equal({ matchLabels: { app: 'alice' } });
  });
});

describe('the pod template of a network with settings', () => {
  const templateOf = (spec: Partial<BitcoinNetworkSpec>, options: StatefulSetOptions = image) => {
    const declared = network(spec);
    return statefulSetFor(declared, defaultSetOf(declared), undefined, options).spec!.template;
  };
  const containerOf = (spec: Partial<BitcoinNetworkSpec>, options?: StatefulSetOptions) =>
    templateOf(spec, options).spec!.containers[0]!;

  it('starts any image by the script of the ConfigMap, as a user that may write to the volumes', () => {
    const { metadata, spec } = templateOf({ image: 'core:31', imagePullPolicy: 'Always' });
    const [container] = spec!.containers;
    expect(container).to.deep.include({
      image: 'core:31',
      imagePullPolicy: 'Always',
      command: ['/bin/sh', '/etc/bitcoin-controller/start.sh'],
    });
    expect(container).not.to.have.property('args');
    expect(container?.volumeMounts?.at(-1)).to.deep.equal({
      name: 'conf',
      mountPath: '/etc/bitcoin-controller',
      readOnly: true,
    });
    expect(spec?.volumes?.at(-1)).to.deep.equal({ name: 'conf', configMap: { name: 'alice-conf' } });
    expect(spec?.securityContext).to.deep.include({ runAsNonRoot: true, runAsUser: 10_001, runAsGroup: 10_001, fsGroup: 10_001 });
    expect(metadata?.annotations?.['bitcoincontroller.christianb93.github.com/configuration']).to.match(/^[0-9a-f]{16}$/);
  });

  it('leaves the user to the cluster where the configuration of the controller leaves fsGroup to it, and to the network if it names one', () => {
    const template = { ...defaultPodTemplate, securityContext: {} };
    expect(templateOf({ image: 'core:31' }, { ...image, template }).spec?.securityContext).to.deep.equal({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    const podTemplate = { spec: { securityContext: { runAsUser: 7 } } };
    expect(templateOf({ image: 'core:31', podTemplate }).spec?.securityContext?.runAsUser).to.equal(7);
  });

  it('has the ports of the chain, and the port of ZMQ', () => {
    const portsOf = (spec: Partial<BitcoinNetworkSpec>) =>
      containerOf(spec).ports?.map(({ name, containerPort }) => [name, containerPort]);
    expect(portsOf({ chain: 'testnet4' })).to.deep.equal([
      ['rpc', 48332],
      ['p2p', 48333],
    ]);
    expect(portsOf({ zmq: { topics: ['rawtx'] } })?.at(-1)).to.deep.equal(['zmq', 28332]);
  });

  it('names the pod to bitcoind in a closed network only', () => {
    const namesOf = (spec: Partial<BitcoinNetworkSpec>) => containerOf(spec).env?.map(({ name }) => name);
    expect(namesOf({ chain: 'regtest', secret: 's' })).to.deep.equal(['BC_RPC_SECRET', 'BC_POD_NAME']);
    expect(namesOf({ chain: 'main', secret: 's' })).to.deep.equal(['BC_RPC_SECRET']);
    expect(namesOf({ chain: 'main' })).to.equal(undefined);
    expect(namesOf({ chain: 'main', peerDiscovery: 'Disabled' })).to.deep.equal(['BC_POD_NAME']);
  });

  it('gives bitcoind ten minutes to write its caches on main, and as long as the network says', () => {
    const graceOf = (spec: Partial<BitcoinNetworkSpec>) => templateOf(spec).spec?.terminationGracePeriodSeconds;
    expect(graceOf({ chain: 'main' })).to.equal(600);
    expect(graceOf({ chain: 'testnet4' })).to.equal(60);
    expect(graceOf({ chain: 'main', podTemplate: { spec: { terminationGracePeriodSeconds: 5 } } })).to.equal(5);
  });

  it('changes when the ConfigMap does, and not when the network grows', () => {
    const hashOf = (spec: Partial<BitcoinNetworkSpec>) => templateOf(spec).metadata?.annotations;
    expect(hashOf({ chain: 'regtest' })).not.to.deep.equal(hashOf({ chain: 'regtest', peerDiscovery: 'Enabled' }));
    expect(templateOf({ chain: 'regtest', nodes: 3 })).to.deep.equal(templateOf({ chain: 'regtest', nodes: 4 }));
  });
});

describe('resources of a network', () => {
  const resourcesOf = (resources: NodeSettings['resources']) => {
    const declared = network(resources === undefined ? {} : { resources });
    return statefulSetFor(declared, defaultSetOf(declared), undefined, image).spec!.template.spec!.containers[0]!.resources;
  };

  for (const [what, given, expected] of [
    ['none: the defaults of the controller', undefined, { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '1Gi' } }],
    [
      'merged over the defaults by resource, in the form in which the API server returns them',
      { requests: { cpu: 0.5 }, limits: { memory: '2048Mi' } },
      { requests: { cpu: '500m', memory: '64Mi' }, limits: { memory: '2Gi' } },
    ],
    ['a request above the default limit: no limit', { requests: { memory: '2Gi' } }, { requests: { cpu: '10m', memory: '2Gi' } }],
    [
      'a limit below the default request: Kubernetes requests the limit',
      { limits: { memory: '32Mi' } },
      { requests: { cpu: '10m' }, limits: { memory: '32Mi' } },
    ],
    [
      'a contradiction of its own: left for the API server to refuse',
      { requests: { memory: '2Gi' }, limits: { memory: '1Gi' } },
      { requests: { cpu: '10m', memory: '2Gi' }, limits: { memory: '1Gi' } },
    ],
    [
      'other resources, and an exponent as it is, beside which no default stays',
      { limits: { 'hugepages-2Mi': '4Mi', memory: '1e9' } },
      { requests: { cpu: '10m' }, limits: { memory: '1e9', 'hugepages-2Mi': '4Mi' } },
    ],
  ] as const)
    it(`are ${what}`, () => {
      expect(resourcesOf(given)).to.deep.equal(expected);
    });
});

describe('the podTemplate of a network', () => {
  const template = {
    ...defaultPodTemplate,
    labels: { team: 'admins', zone: 'a' },
    imagePullSecrets: ['chart'],
    nodeSelector: { pool: 'chain' },
    tolerations: [{ operator: 'Exists' as const }],
  };
  const podOfNetwork = (podTemplate: NetworkPodTemplate, options: StatefulSetOptions = { ...image, template }) => {
    const declared = network({ podTemplate });
    return statefulSetFor(declared, defaultSetOf(declared), 'v1', options).spec!.template;
  };

  it('is merged over that of the controller: maps by key, and lists as a whole', () => {
    const { metadata, spec } = podOfNetwork({
      metadata: { labels: { team: 'x' }, annotations: { note: 'y' } },
      spec: {
        nodeSelector: { disk: 'ssd' },
        tolerations: [],
        imagePullSecrets: [{ name: 'own' }],
        securityContext: { supplementalGroups: [5] },
      },
    });
    expect(metadata?.labels).to.deep.equal({ ...ownLabels, team: 'x', zone: 'a' });
    expect(metadata?.annotations).to.include({ note: 'y' });
    expect(spec?.nodeSelector).to.deep.equal({ 'kubernetes.io/os': 'linux', pool: 'chain', disk: 'ssd' });
    expect(spec).not.to.have.property('tolerations');
    expect(spec?.imagePullSecrets).to.deep.equal([{ name: 'own' }]);
    expect(spec?.securityContext).to.deep.equal({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
      fsGroup: 10_001,
      supplementalGroups: [5],
    });
  });

  it('cannot replace the labels and annotations by which the controller knows its pods', () => {
    const { metadata } = podOfNetwork({
      metadata: { labels: { app: 'x' }, annotations: { 'bitcoincontroller.christianb93.github.com/credentials': 'x' } },
    });
    expect(metadata?.labels).to.include(ownLabels);
    expect(metadata?.annotations).to.deep.equal({ 'bitcoincontroller.christianb93.github.com/credentials': 'v1' });
  });

  it('gives a pod no label and no annotation of the controller or of a StatefulSet that the pod does not have', () => {
    const keys = ['group', 'credentials', 'configuration', 'other'].map(
      key => `bitcoincontroller.christianb93.github.com/${key}`,
    );
    const reserved = [...keys, 'controller-revision-hash', 'statefulset.kubernetes.io/pod-name', 'apps.kubernetes.io/pod-index'];
    const given = { ...Object.fromEntries(reserved.map(key => [key, 'x'])), team: 'x' };
    const declared = network({ podTemplate: { metadata: { labels: given, annotations: given } } });
    const { metadata } = statefulSetOf(declared, undefined, image).spec!.template;
    expect(metadata).to.deep.equal({ labels: { ...ownLabels, team: 'x' }, annotations: { team: 'x' } });
    const made = { metadata: { ...metadata, name: 'alice-sts-0' } };
    expect(isNamedAsNode(declared, made)).to.equal(true);
  });

  it('adds containers after bitcoind and volumes beside its own, and changes nothing of these', () => {
    const plain = podOfNetwork({}).spec!;
    const { spec } = podOfNetwork({
      spec: {
        containers: [{ name: 'lnd', image: 'lnd:1', resources: { limits: { cpu: '1.0', memory: '1024Mi' } } }],
        initContainers: [{ name: 'wait', image: 'busybox' }],
        volumes: [{ name: 'lnd', emptyDir: {} }],
      },
    });
    expect(spec?.containers).to.deep.equal([
      ...plain.containers,
      { name: 'lnd', image: 'lnd:1', resources: { limits: { cpu: '1', memory: '1Gi' } } },
    ]);
    expect(spec?.initContainers).to.deep.equal([{ name: 'wait', image: 'busybox' }]);
    expect(spec?.volumes).to.deep.equal([...plain.volumes!, { name: 'lnd', emptyDir: {} }]);
  });

  it('writes containers as the API server returns them', () => {
    const container = {
      name: 'lnd',
      env: [
        { name: 'EMPTY', value: '' },
        { name: 'FULL', value: 'x' },
      ],
      volumeMounts: [
        { name: 'a', mountPath: '/a', readOnly: false },
        { name: 'b', mountPath: '/b', readOnly: true },
      ],
    };
    expect(podOfNetwork({ spec: { containers: [container] } }).spec?.containers.at(-1)).to.deep.equal({
      name: 'lnd',
      env: [{ name: 'EMPTY' }, { name: 'FULL', value: 'x' }],
      volumeMounts: [
        { name: 'a', mountPath: '/a' },
        { name: 'b', mountPath: '/b', readOnly: true },
      ],
    });
  });

  it('leaves out lists that are empty, as the API server does, also those that a group empties', () => {
    const empty = { args: [], command: [], env: [], envFrom: [], ports: [], volumeMounts: [] };
    const lists = { tolerations: [], imagePullSecrets: [], topologySpreadConstraints: [] };
    const container = { name: 'lnd', image: 'lnd' };
    const given = { ...container, ...empty };
    const plain = podOfNetwork({ spec: { ...lists, containers: [container], initContainers: [container] } }).spec;
    expect(podOfNetwork({ spec: { ...lists, containers: [given], initContainers: [given] } }).spec).to.deep.equal(plain);
    expect(plain).not.to.have.any.keys(...Object.keys(lists));
    const spread = [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway' as const }];
    const groups = [{ name: 'old', nodes: 1, ordinals: { start: 9 }, podTemplate: { spec: lists } }];
    const declared = network({ podTemplate: { spec: { topologySpreadConstraints: spread } }, groups });
    const [own, old] = nodeSetsOf(declared).map(set => statefulSetFor(declared, set, 'v1', image).spec?.template.spec);
    expect(own?.topologySpreadConstraints).to.deep.equal(spread);
    expect(old).not.to.have.property('topologySpreadConstraints');
  });

  for (const fields of [
    { env: { FOO: 'bar' } },
    { env: 'x' },
    { env: ['FOO=bar', null, { name: 'A', value: 'b' }] },
    { env: 0 },
    {
      env: [
        { name: 'A', value: false },
        { name: 'B', value: 0 },
      ],
    },
    { volumeMounts: { data: '/data' } },
    { volumeMounts: [null, 'data:/data', { name: 'a', mountPath: '/a', readOnly: 0 }] },
    { resources: 'small' },
    { resources: ['small'] },
    { resources: { limits: '1Gi', requests: 5 } },
    { resources: { limits: { memory: { value: '1Gi' }, cpu: true } } },
    { ports: 80 },
    { args: ['a', null] },
  ])
    it(`leaves fields of a container that have another type for the API server to refuse: ${JSON.stringify(fields)}`, () => {
      const container = { name: 'lnd', image: 'lnd', ...fields } as unknown as V1Container;
      const { spec } = podOfNetwork({ spec: { containers: [container], initContainers: [container] } });
      expect(spec?.containers.at(-1)).to.deep.equal(container);
      expect(spec?.initContainers).to.deep.equal([container]);
    });

  it('names a service account, whose token no container gets without mounting it', () => {
    const { spec } = podOfNetwork({ spec: { serviceAccountName: 'builder', priorityClassName: 'high', schedulerName: 'own' } });
    expect(spec).to.deep.include({
      automountServiceAccountToken: false,
      serviceAccountName: 'builder',
      priorityClassName: 'high',
      schedulerName: 'own',
    });
  });

  it('names the service account in both fields that have it, and in neither without one, so that it can be removed', () => {
    const aliases = ({ spec }: V1PodTemplateSpec) => [spec?.serviceAccountName, spec?.serviceAccount];
    expect(aliases(podOfNetwork({ spec: { serviceAccountName: 'builder' } }))).to.deep.equal(['builder', 'builder']);
    expect(podOfNetwork({ spec: {} }).spec).not.to.have.any.keys('serviceAccountName', 'serviceAccount');
  });

  it('loses fields that are null, which the API server would drop', () => {
    const given = '{ "affinity": { "nodeAffinity": null }, "containers": [{ "name": "a", "image": "a", "env": null }] }';
    const { spec } = podOfNetwork({ spec: JSON.parse(given) as NonNullable<NetworkPodTemplate['spec']> });
    expect(spec?.affinity).to.deep.equal({});
    expect(spec?.containers.at(-1)).to.deep.equal({ name: 'a', image: 'a' });
  });
});

describe('the StatefulSet of a group', () => {
  it('has its own name, selector and first ordinal, and the Service of the network', () => {
    const declared = network({
      nodes: 5,
      groups: [{ name: 'old', nodes: 2, ordinals: { start: 100 }, image: 'core:27' }],
    });
    const [, old] = nodeSetsOf(declared) as [unknown, ReturnType<typeof defaultSetOf>];
    const { metadata, spec } = statefulSetFor(declared, old, undefined, image);
    const groupLabels = { 'bitcoincontroller.christianb93.github.com/group': 'old' };
    expect(metadata).to.deep.include({ name: 'alice-sts-old', labels: ownLabels });
    expect(spec).to.deep.include({
      replicas: 2,
      serviceName: 'alice-svc',
      ordinals: { start: 100 },
      selector: { matchLabels: { app: 'alice', ...groupLabels } },
    });
    expect(spec?.template.metadata?.labels).to.deep.equal({ ...ownLabels, ...groupLabels });
    expect(spec?.template.spec?.containers[0]?.image).to.equal('core:27');
  });
});
