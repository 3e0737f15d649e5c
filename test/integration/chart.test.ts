// The chart with each of its options: a real API server accepts the rendered objects, the option is in them, and the controller
// accepts the arguments that it would receive.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { readConfig } from '../../src/app/config.ts';
import { defaultPodTemplate } from '../../src/bitcoin/resources/pod-template.ts';
import { run } from '../../tools/command.ts';
import { providePrograms } from '../../tools/programs.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import {
  chartFolder,
  chartNamespace,
  type ChartValues,
  controllerArguments,
  rendered,
  renderChart,
  type RenderedObject,
} from '../support/cluster/chart.ts';
import { eventually } from '../support/until.ts';

const { version: packageVersion } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
const digest = `sha256:${'ab'.repeat(32)}`;
const rightsForSecrets = 'resourceNames';

type Look = (objects: readonly RenderedObject[]) => unknown;
const podSpec: Look = objects => rendered(objects, 'Deployment')['spec'];
const pod =
  (field: string): Look =>
  objects =>
    at(podSpec(objects), `template.spec.${field}`);
const container =
  (field: string): Look =>
  objects =>
    at(podSpec(objects), `template.spec.containers.0.${field}`);
const argument =
  (name: string): Look =>
  objects =>
    controllerArguments(objects)
      .filter(one => one.startsWith(`--${name}=`))
      .map(one => one.slice(name.length + 3))
      .join(',');
/** A field of the pod template that the controller receives for the pods of all networks. */
const nodes =
  (field: string): Look =>
  objects => {
    const config = readConfig(unescaped(controllerArguments(objects)), 'host', {});
    return typeof config === 'string' ? undefined : at(config.bitcoindPodTemplate, field);
  };
/** The arguments as Kubernetes passes them to a container. */
const unescaped = (args: readonly string[]): string[] => args.map(one => one.replaceAll('$$(', '$('));
const ownLabels = { 'app.kubernetes.io/name': 'bitcoin-controller', 'app.kubernetes.io/instance': 'bitcoin-controller' };
const spread = (fields: object, labels: object = {}): object => ({
  maxSkew: 1,
  ...fields,
  labelSelector: { matchLabels: { ...ownLabels, ...labels } },
});
/** The fields of values.yaml for the pods of all networks. */
const { bitcoind: bitcoindValues, imagePullSecrets } = parse(readFileSync(path.join(chartFolder, 'values.yaml'), 'utf8')) as {
  bitcoind: Record<string, unknown>;
  imagePullSecrets: unknown;
};
const defaultsOfChart = {
  labels: bitcoindValues['podLabels'],
  annotations: bitcoindValues['podAnnotations'],
  imagePullSecrets,
  nodeSelector: bitcoindValues['nodeSelector'],
  tolerations: bitcoindValues['tolerations'],
  securityContext: bitcoindValues['securityContext'],
  resources: bitcoindValues['resources'],
  dataSizeLimit: bitcoindValues['dataSizeLimit'],
};
const zones = { maxSkew: 1, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' };
const kinds =
  (kind: string): Look =>
  objects =>
    objects.filter(object => object.kind === kind).map(({ metadata }) => metadata.name);
const text = (objects: readonly RenderedObject[]): string => JSON.stringify(objects);

function at(value: unknown, place: string): unknown {
  return place.split('.').reduce((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
}

const withoutKinds = { configMaps: false, networkPolicies: false, podDisruptionBudgets: false };
/** The kinds that only some networks ask for, as far as the roles name them. */
const rightsOnKinds: Look = objects =>
  ['configmaps', 'networkpolicies', 'poddisruptionbudgets'].filter(plural => text(objects.filter(isRole)).includes(plural));
const isRole = ({ kind }: RenderedObject): boolean => kind === 'Role' || kind === 'ClusterRole';

/** Values, a path into the rendered objects, and the expected value there. */
const options: readonly (readonly [ChartValues, Look, unknown])[] = [
  [{}, kinds('Deployment'), ['bitcoin-controller']],
  [{ image: { repository: 'r.example/c', tag: '9' } }, container('image'), 'r.example/c:9'],
  [{ image: { digest } }, container('image'), `bitcoin-controller@${digest}`],
  [{ image: { pullPolicy: 'Always' } }, container('imagePullPolicy'), 'Always'],
  [{ bitcoind: { image: { repository: 'r.example/b', tag: '8' } } }, argument('bitcoind-image'), 'r.example/b:8'],
  [{ bitcoind: { image: { digest } } }, argument('bitcoind-image'), `bitcoin-controller-bitcoind@${digest}`],
  [{ bitcoind: { image: { pullPolicy: 'Never' } } }, argument('bitcoind-image-pull-policy'), 'Never'],
  [{ imagePullSecrets: ['one', 'two'] }, pod('imagePullSecrets'), [{ name: 'one' }, { name: 'two' }]],
  [{ replicas: 0 }, kinds('PodDisruptionBudget'), []],
  [{ replicas: 1 }, kinds('PodDisruptionBudget'), []],
  [{ replicas: 3 }, kinds('PodDisruptionBudget'), ['bitcoin-controller']],
  [{ podDisruptionBudget: false }, kinds('PodDisruptionBudget'), []],
  [{ crds: { enabled: false } }, kinds('CustomResourceDefinition'), []],
  [{ crds: { keep: false } }, objects => text(objects), /^((?!resource-policy).)*$/],
  [{ watchNamespaces: ['one', 'two'] }, argument('namespace'), 'one,two'],
  [{ watchNamespaces: ['one', 'two'] }, kinds('ClusterRoleBinding'), []],
  [
    { watchNamespaces: ['one', 'two'] },
    kinds('Role'),
    ['bitcoin-controller', 'bitcoin-controller', 'bitcoin-controller-leader-election'],
  ],
  [{ rbac: { create: false } }, objects => objects.filter(({ kind }) => /Role/.test(kind)), []],
  [{ rbac: { secretNames: ['one', 'two'] } }, objects => text(objects), /"resourceNames":\["one","two"\]/],
  [
    { rbac: { secretNames: [] } },
    objects => JSON.stringify(rendered(objects, 'ClusterRole', 'bitcoin-controller')),
    new RegExp(`^((?!${rightsForSecrets}).)*$`),
  ],
  [{}, argument('without-kinds'), ''],
  [{ rbac: { configMaps: false } }, argument('without-kinds'), 'configMaps'],
  [{ rbac: { networkPolicies: false } }, argument('without-kinds'), 'networkPolicies'],
  [{ rbac: { podDisruptionBudgets: false } }, argument('without-kinds'), 'podDisruptionBudgets'],
  [{ rbac: withoutKinds }, argument('without-kinds'), 'configMaps,networkPolicies,podDisruptionBudgets'],
  [{ rbac: withoutKinds }, rightsOnKinds, []],
  [{}, argument('expand-volumes'), ''],
  [{ rbac: { persistentVolumeClaims: true } }, argument('expand-volumes'), 'true'],
  [{}, rightsOnKinds, ['configmaps', 'networkpolicies', 'poddisruptionbudgets']],
  [{ watchNamespaces: ['one'] }, rightsOnKinds, ['configmaps', 'networkpolicies', 'poddisruptionbudgets']],
  [{ rbac: { aggregate: false } }, kinds('ClusterRole'), ['bitcoin-controller']],
  [{}, kinds('ValidatingAdmissionPolicy'), []],
  [
    { admissionPolicy: { enabled: true } },
    kinds('ValidatingAdmissionPolicyBinding'),
    [
      ...['statefulsets', 'services', 'configmaps', 'networkpolicies', 'poddisruptionbudgets'],
      ...['networks', 'experiments', 'evictions', 'events', 'leases'],
    ].map(what => `bitcoin-controller-${what}`),
  ],
  [{ admissionPolicy: { enabled: true, extraImages: ['m.example/b:1'] } }, text, /c\.image in \[[^\]]*\\"m\.example\/b:1\\"\]/],
  [
    { admissionPolicy: { enabled: true, extraImages: ['m.example/*'] } },
    text,
    /\|\| \[\\"m\.example\/\\"\]\.exists\(b, c\.image\.startsWith\(b\)\)/,
  ],
  [{ admissionPolicy: { enabled: true, podTemplates: true } }, text, /^((?!no container but bitcoind).)*$/],
  [{ admissionPolicy: { networkNamePattern: '^btc-"' } }, kinds('ValidatingAdmissionPolicy'), ['bitcoin-controller-names']],
  [
    { admissionPolicy: { enabled: true }, serviceAccount: { name: 'other' } },
    text,
    /username == \\"system:serviceaccount:bitcoin-controller-system:other\\"/,
  ],
  [{ serviceAccount: { name: 'other' } }, pod('serviceAccountName'), 'other'],
  [{ serviceAccount: { create: false, name: 'other' } }, kinds('ServiceAccount'), []],
  [
    { serviceAccount: { annotations: { role: 'arn' } } },
    objects => at(rendered(objects, 'ServiceAccount'), 'metadata.annotations.role'),
    'arn',
  ],
  [{ controller: { logLevel: 'debug' } }, argument('log-level'), 'debug'],
  [{ controller: { logFormat: 'text' } }, argument('log-format'), 'text'],
  [{ controller: { eventsApi: 'events' } }, argument('events-api'), 'events'],
  [{ controller: { eventsApi: 'events' } }, objects => text(objects), /"apiGroups":\["events.k8s.io"\]/],
  [{ controller: { concurrency: 7 } }, argument('concurrency'), '7'],
  [{ controller: { recheckSeconds: 7 } }, argument('recheck-seconds'), '7'],
  [{ controller: { kubeApiQps: 7 } }, argument('kube-api-qps'), '7'],
  [{ controller: { kubeApiBurst: 100_000 } }, argument('kube-api-burst'), '100000'],
  [{ controller: { extraArgs: ['--log-level=warn'] } }, argument('log-level'), 'info,warn'],
  [{ metrics: { service: false } }, kinds('Service'), []],
  [{ resources: { limits: { cpu: '1' } } }, container('resources.limits.cpu'), '1'],
  [{ podAnnotations: { note: 'x' } }, objects => at(podSpec(objects), 'template.metadata.annotations'), { note: 'x' }],
  [{ podLabels: { team: 'x' } }, objects => at(podSpec(objects), 'template.metadata.labels.team'), 'x'],
  [{}, pod('nodeSelector'), { 'kubernetes.io/os': 'linux' }],
  [{ nodeSelector: { disk: 'ssd' } }, pod('nodeSelector'), { 'kubernetes.io/os': 'linux', disk: 'ssd' }],
  [{ tolerations: [{ operator: 'Exists' }] }, pod('tolerations'), [{ operator: 'Exists' }]],
  [{ affinity: { nodeAffinity: {} } }, pod('affinity'), { nodeAffinity: {} }],
  [
    {},
    pod('topologySpreadConstraints'),
    [spread({ topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' })],
  ],
  [
    { nameOverride: 'other', topologySpreadConstraints: [zones] },
    pod('topologySpreadConstraints'),
    [spread(zones, { 'app.kubernetes.io/name': 'other' })],
  ],
  [
    { topologySpreadConstraints: [{ ...zones, labelSelector: { matchLabels: { its: 'own' } } }] },
    pod('topologySpreadConstraints'),
    [{ ...zones, labelSelector: { matchLabels: { its: 'own' } } }],
  ],
  [{ topologySpreadConstraints: [] }, pod('topologySpreadConstraints'), undefined],
  [{ bitcoind: { resources: { limits: { cpu: 1 } } } }, nodes('resources.limits'), { cpu: '1', memory: '1Gi' }],
  [{ bitcoind: { resources: { limits: { memory: null } } } }, nodes('resources.limits'), {}],
  [{ bitcoind: { dataSizeLimit: '1024Mi' } }, nodes('dataSizeLimit'), '1Gi'],
  [{ bitcoind: { dataSizeLimit: '' } }, nodes('dataSizeLimit'), ''],
  [{ bitcoind: { podLabels: { team: 'x' } } }, nodes('labels'), { team: 'x' }],
  [{}, objects => text(objects), /^((?!bitcoind-pod-template).)*$/],
  [{}, () => defaultPodTemplate, defaultsOfChart],
  // Kubernetes would replace $(POD_NAME) in an argument.
  [{ bitcoind: { podAnnotations: { note: '"$(POD_NAME)" <&> é' } } }, nodes('annotations'), { note: '"$(POD_NAME)" <&> é' }],
  [{ bitcoind: { nodeSelector: { disk: 'ssd' } } }, nodes('nodeSelector'), { disk: 'ssd' }],
  [{ bitcoind: { tolerations: [{ operator: 'Exists' }] } }, nodes('tolerations'), [{ operator: 'Exists' }]],
  [{ bitcoind: { securityContext: { fsGroup: null } } }, nodes('securityContext'), {}],
  [{ bitcoind: { securityContext: { fsGroup: 1000680000 } } }, nodes('securityContext.fsGroup'), 1_000_680_000],
  [{ imagePullSecrets: ['one', 'two'] }, nodes('imagePullSecrets'), ['one', 'two']],
  [{ enabled: false }, kinds('Deployment'), ['bitcoin-controller']],
  [{ priorityClassName: 'system-cluster-critical' }, pod('priorityClassName'), 'system-cluster-critical'],
  [{ nameOverride: 'other' }, kinds('Deployment'), ['bitcoin-controller-other']],
  [{ fullnameOverride: 'other' }, argument('leader-elect-lease-name'), 'other'],
  // Unquoted, YAML reads it as a number.
  [{ fullnameOverride: '123', priorityClassName: 'true' }, kinds('Deployment'), ['123']],
  [{ fullnameOverride: 'x'.repeat(80) }, kinds('Deployment'), ['x'.repeat(55)]],
  [{ resources: null }, container('resources'), null],
  [{ global: { shared: 'with other charts' } }, kinds('Deployment'), ['bitcoin-controller']],
];

describe('the chart', () => {
  let api: TestControlPlane;
  before(async () => {
    api = await startControlPlane();
    for (const name of [chartNamespace, 'one', 'two']) await api.kubectl('create', 'namespace', name);
  });
  after(() => api.stop());

  for (const [values, look, expected] of options)
    it(`is accepted by the API server with ${JSON.stringify(values).slice(0, 90)}`, async () => {
      const objects = await renderChart(values);
      const seen = look(objects);
      if (expected instanceof RegExp) expect(seen).to.match(expected);
      else expect(seen).to.deep.equal(expected);
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
      await api.kubectlWithInput(list, 'apply', '--dry-run=server', '-f', '-');
      const config = readConfig(unescaped(controllerArguments(objects)), 'host', {});
      expect(config).to.include({ leaderElect: true, healthAddress: ':8080' });
    });

  it('passes each value to the controller, and nothing else', async () => {
    const defaults = readConfig([], 'host', {});
    const config = readConfig(controllerArguments(await renderChart()), 'host', {});
    if (typeof config === 'string' || typeof defaults === 'string') throw new Error('no configuration');
    expect(config).to.deep.include({
      ...defaults,
      identity: config.identity,
      leaderElect: true,
      healthAddress: ':8080',
      logLevelAddress: '127.0.0.1:8081',
      bitcoindImage: `bitcoin-controller-bitcoind:${packageVersion}`,
    });
  });

  it('names its own pods to the controller, which lets them in where a network has a NetworkPolicy', async () => {
    const objects = await renderChart({ nameOverride: 'other', podLabels: { team: 'x' } });
    const env = container('env')(objects) as { name: string; value?: string }[];
    const environment = Object.fromEntries(env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])));
    const config = readConfig(controllerArguments(objects), 'host', environment);
    const labels = { ...ownLabels, 'app.kubernetes.io/name': 'other' };
    expect(config).to.deep.include({ podLabels: labels });
    expect(at(podSpec(objects), 'template.metadata.labels')).to.include(labels);
  });

  it('renders the same with null for any of its values as without it', async () => {
    const nothing = {
      bitcoind: {
        image: null,
        resources: null,
        dataSizeLimit: null,
        podLabels: null,
        podAnnotations: null,
        nodeSelector: null,
        tolerations: null,
        securityContext: null,
      },
      replicas: null,
      crds: { enabled: null, keep: null },
      rbac: {
        ...{ create: null, secretNames: null, aggregate: null },
        ...{ configMaps: null, networkPolicies: null, podDisruptionBudgets: null },
      },
      admissionPolicy: { enabled: null, extraImages: null, podTemplates: null, networkNamePattern: null },
      metrics: { service: null },
      podDisruptionBudget: null,
      topologySpreadConstraints: null,
      controller: {
        logLevel: null,
        logFormat: null,
        concurrency: null,
        recheckSeconds: null,
        eventsApi: null,
        kubeApiQps: null,
        kubeApiBurst: null,
        extraArgs: null,
      },
      image: { repository: null, tag: null, digest: null, pullPolicy: null },
      imagePullSecrets: null,
      watchNamespaces: null,
      serviceAccount: { create: null, name: null, annotations: null },
      podAnnotations: null,
      podLabels: null,
      nodeSelector: null,
      tolerations: null,
      affinity: null,
      priorityClassName: null,
      nameOverride: null,
      fullnameOverride: null,
    };
    expect(await renderChart(nothing)).to.deep.equal(await renderChart());
    const sections = ['image', 'bitcoind', 'crds', 'rbac', 'admissionPolicy', 'serviceAccount', 'controller', 'metrics'];
    expect(await renderChart(Object.fromEntries(sections.map(name => [name, null])))).to.deep.equal(await renderChart());
  });

  it('shares no object with another release, without the definition and in other namespaces', async () => {
    const first = await renderChart({ watchNamespaces: ['one'] });
    const second = await renderChart({ fullnameOverride: 'second', crds: { enabled: false }, watchNamespaces: ['two'] });
    const identity = ({ kind, metadata }: RenderedObject) => [kind, metadata.namespace, metadata.name].join('/');
    const both = [...first, ...second].map(identity);
    expect(both).to.have.lengthOf(new Set(both).size);
    expect(argument('leader-elect-lease-name')(second)).to.equal('second');
  });

  it('is refused with a value that its schema does not know, by Helm', async () => {
    const refused = await renderChart({ controller: { logLevel: 'loud' } }).catch((error: unknown) => String(error));
    expect(refused).to.match(/logLevel/);
  });

  it('needs the name of a service account that it does not create', async () => {
    const refused = await renderChart({ serviceAccount: { create: false } }).catch((error: unknown) => String(error));
    expect(refused).to.include('serviceAccount.name is needed when serviceAccount.create is false');
  });

  it('keeps the networks and their definition when it is uninstalled, except with crds.keep=false, and is upgraded in place', async () => {
    const { helm } = await providePrograms(['helm']);
    const environment = { KUBECONFIG: api.kubeconfigPath, NO_PROXY: '*', no_proxy: '*' };
    const call = (...args: string[]): Promise<string> => run(helm, [...args, '--namespace', chartNamespace], { environment });
    const definitions = (): Promise<string> => api.kubectl('get', 'crds', '-o', 'name');
    await call('install', 'bitcoin-controller', chartFolder);
    await call('upgrade', 'bitcoin-controller', chartFolder, '--set', 'replicas=3');
    expect(await api.kubectl('-n', chartNamespace, 'get', 'deployment', '-o', 'jsonpath={.items[*].spec.replicas}')).to.equal(
      '3',
    );
    await call('uninstall', 'bitcoin-controller');
    expect(await definitions()).to.include('bitcoinnetworks');
    expect(await api.kubectl('-n', chartNamespace, 'get', 'deployments,services,roles', '-o', 'name')).to.equal('');
    await call('install', 'bitcoin-controller', chartFolder, '--set', 'crds.keep=false');
    await call('uninstall', 'bitcoin-controller');
    // The API server deletes the objects of a definition before the definition itself.
    await eventually(async () => !(await definitions()).includes('bitcoinnetworks'));
  });

  it('passes helm lint', async () => {
    const { helm } = await providePrograms(['helm']);
    expect(await run(helm, ['lint', '--strict', chartFolder])).to.include('1 chart(s) linted, 0 chart(s) failed');
  });
});
