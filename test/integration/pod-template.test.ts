// Requirements of a cluster for pods, and foreign pods that look like those of a network: on a real API server, with the controller in
// a process of its own with the arguments of the chart. A played kubelet runs the pods.
import { expect } from 'chai';
import type { BitcoinNetworkSpec } from '../../src/bitcoin/api/bitcoin-network.ts';
import { pods, services, statefulSets } from '../../src/controller/resource-types.ts';
import { type ChartValues, controllerArguments, renderChart } from '../support/cluster/chart.ts';
import { allow } from '../support/cluster/policy.ts';
import { ControllerProcess } from '../support/processes/controller-process.ts';
import { eventually } from '../support/until.ts';
import { World } from './faults/world.ts';

const name = 'net';

/** Arguments of the chart that fit a process of a test. */
async function chartArguments(values: ChartValues): Promise<string[]> {
  const args = controllerArguments(await renderChart(values)).map(one => one.replaceAll('$$(', '$('));
  return [...args, '--leader-elect=false', '--health-address=off'];
}

interface Demand {
  readonly what: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** The objects of the administrator in the namespace. */
  readonly object?: object;
  /** A CEL expression that each pod must fulfil. */
  readonly policy?: string;
  /** Fields of the spec and of the container of a pod that is refused. Default: none. */
  readonly refused?: { readonly spec?: object; readonly container?: object };
  /** The values of the chart that meet it. */
  readonly values: ChartValues;
  /** What in the spec of a network meets it, with the values of the chart as they are. Undefined: only the chart can. */
  readonly spec?: Partial<BitcoinNetworkSpec>;
}

const quota = (hard: object): object => ({ apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'q' }, spec: { hard } });
const limitRange = (limits: object): object => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'l' },
  spec: { limits: [{ type: 'Container', ...limits }] },
});
const limits = (values: object): ChartValues => ({ bitcoind: { resources: { limits: values } } });

const restricted = (containerName: string) => ({
  ...{ name: containerName, image: 'sidecar' },
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
});

const demands: readonly Demand[] = [
  {
    what: 'a quota on limits',
    object: quota({ 'limits.cpu': '4', 'limits.memory': '8Gi' }),
    values: limits({ cpu: 1 }),
    spec: { resources: { limits: { cpu: 1 } } },
  },
  {
    what: 'at least so much memory and at most twice as much',
    object: limitRange({ min: { memory: '128Mi' }, max: { memory: '256Mi' }, maxLimitRequestRatio: { memory: '2' } }),
    refused: { container: { resources: { limits: { memory: '1Gi' } } } },
    values: { bitcoind: { resources: { requests: { memory: '128Mi' }, limits: { memory: '256Mi' } } } },
    spec: { resources: { requests: { memory: '128Mi' }, limits: { memory: '256Mi' } } },
  },
  {
    what: 'a label',
    policy: "has(object.metadata.labels) && 'team' in object.metadata.labels",
    values: { bitcoind: { podLabels: { team: 'chain' } } },
    spec: { podTemplate: { metadata: { labels: { team: 'chain' } } } },
  },
  {
    what: 'an annotation',
    policy: "has(object.metadata.annotations) && object.metadata.annotations[?'owner'].orValue('') == 'a: \"b\" $(c)'",
    values: { bitcoind: { podAnnotations: { owner: 'a: "b" $(c)' } } },
    spec: { podTemplate: { metadata: { annotations: { owner: 'a: "b" $(c)' } } } },
  },
  {
    what: 'no group for volumes, as OpenShift does',
    policy: '!has(object.spec.securityContext.fsGroup)',
    refused: { spec: { securityContext: { fsGroup: 1 } } },
    values: { bitcoind: { securityContext: { fsGroup: null } } },
  },
  {
    what: 'a pull secret, a toleration and a kind of node',
    policy:
      "object.spec.imagePullSecrets.exists(s, s.name == 'pull') && object.spec.tolerations.exists(t, t.key == 'only') && object.spec.nodeSelector == {'kubernetes.io/os': 'linux', 'pool': 'chain'}",
    values: {
      imagePullSecrets: ['pull'],
      bitcoind: { tolerations: [{ key: 'only', operator: 'Exists' }], nodeSelector: { pool: 'chain' } },
    },
    spec: {
      podTemplate: {
        spec: {
          imagePullSecrets: [{ name: 'pull' }],
          tolerations: [{ key: 'only', operator: 'Exists' }],
          nodeSelector: { pool: 'chain' },
        },
      },
    },
  },
  {
    what: 'Pod Security at "restricted"',
    labels: { 'pod-security.kubernetes.io/enforce': 'restricted' },
    refused: { spec: { hostNetwork: true } },
    values: {},
    spec: { podTemplate: { spec: { containers: [restricted('beside')] } }, image: 'registry.example/bitcoin:1' },
  },
];

describe('pods of a network', function () {
  this.timeout(180_000);
  let world: World;
  let controller: ControllerProcess | undefined;
  let count = 0;

  before(async () => {
    world = await World.start();
  });
  after(() => world.stop());
  afterEach(() => controller?.kill());

  async function startIn(labels: Readonly<Record<string, string>>, values: ChartValues): Promise<string> {
    const namespace = `pods-${(count += 1)}`;
    const metadata = { name: namespace, labels };
    await world.controlPlane.kubectlWithInput(
      JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata }),
      'create',
      '-f',
      '-',
    );
    controller = await ControllerProcess.start({
      kubeconfig: world.controlPlane.kubeconfigPath,
      args: [...(await chartArguments(values)), '--namespace', namespace, '--recheck-seconds', '1'],
    });
    await controller.ready();
    return namespace;
  }

  /** Resolves when the API server refuses a pod that does not meet the requirement. */
  async function demand(namespace: string, { object, policy, refused = {} }: Demand): Promise<void> {
    const create = (one: object): Promise<string> =>
      world.controlPlane.kubectlWithInput(JSON.stringify(one), '-n', namespace, 'create', '-f', '-');
    if (object !== undefined) await create(object);
    if (policy !== undefined) {
      const apiVersion = 'admissionregistration.k8s.io/v1';
      const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }];
      const expression = `object.metadata.namespace != '${namespace}' || (${policy})`;
      const constraints = { matchConstraints: { resourceRules }, validations: [{ expression }] };
      const binding = { policyName: namespace, validationActions: ['Deny'] };
      await create({ apiVersion, kind: 'ValidatingAdmissionPolicy', metadata: { name: namespace }, spec: constraints });
      await create({ apiVersion, kind: 'ValidatingAdmissionPolicyBinding', metadata: { name: namespace }, spec: binding });
    }
    const containers = [{ name: 'a', image: 'a', ...refused.container }];
    const probe = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'probe' }, spec: { containers, ...refused.spec } };
    const tried = (): Promise<string> =>
      world.controlPlane.kubectlWithInput(JSON.stringify(probe), '-n', namespace, 'create', '--dry-run=server', '-f', '-');
    await eventually(() =>
      tried().then(
        () => false,
        (error: unknown) => /denied|forbidden/i.test(String(error)) && !/serviceaccount/.test(String(error)),
      ),
    );
  }

  /** Creates a network, which becomes complete without a second change of its pods. */
  async function expectCreated(namespace: string, one: Demand, spec: Partial<BitcoinNetworkSpec>): Promise<void> {
    await demand(namespace, one);
    await world.declare(namespace, name, { nodes: 3, ...spec });
    await world.untilRight(namespace, name);
    const { metadata } = await world.client.get(statefulSets, { namespace, name: `${name}-sts` });
    // The API server returns each value as it was sent: nothing is changed a second time.
    expect(metadata?.generation).to.equal(1);
    expect(await world.eventsOf(namespace, name)).not.to.include.keys('StatefulSetUpdated', 'RepairContested');
    if (one.policy !== undefined) await allow(world.controlPlane, namespace);
  }

  for (const one of demands) {
    const { what, labels = {}, values, spec } = one;
    it(`are created and connected where the cluster requires ${what}`, async () => {
      await expectCreated(await startIn(labels, values), one, {});
    });
    if (spec !== undefined)
      it(`are created and connected, by settings of the network, where the cluster requires ${what}`, async () => {
        await expectCreated(await startIn(labels, {}), one, spec);
      });
  }

  it('are rolled when the controller is started with another template, and the event says so', async () => {
    const namespace = await startIn({}, {});
    await world.createNetwork(namespace, name, 2);
    await world.untilRight(namespace, name);
    await controller?.stop();
    controller = await ControllerProcess.start({
      kubeconfig: world.controlPlane.kubeconfigPath,
      args: [...(await chartArguments({ bitcoind: { podLabels: { team: 'x' } } })), '--namespace', namespace],
    });
    await eventually(async () => {
      const { items } = await world.client.list(pods, { namespace, labelSelector: 'team=x' });
      return items.length === 2;
    });
    await world.untilRight(namespace, name);
    expect((await world.eventsOf(namespace, name)).get('StatefulSetUpdated')).to.have.length(1);
  });

  it('are not confused with a foreign pod of the same app label, in the Service and by the scale selector', async () => {
    const namespace = await startIn({}, {});
    const kubectl = (...args: string[]): Promise<string> => world.controlPlane.kubectl('-n', namespace, ...args);
    const labels = { app: name };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } };
    const spec = { replicas: 1, selector: { matchLabels: labels }, template };
    const web = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec };
    await world.controlPlane.kubectlWithInput(JSON.stringify(web), '-n', namespace, 'create', '-f', '-');
    await kubectl('wait', '--for=condition=Available', 'deployment/web', '--timeout=60s');
    await world.createNetwork(namespace, name, 3);
    await world.untilRight(namespace, name);
    const own = [0, 1, 2].map(ordinal => `${name}-sts-${ordinal}`);
    const selectedBy = async (selector: string): Promise<string[]> => {
      const { items } = await world.client.list(pods, { namespace, labelSelector: selector });
      return items.map(({ metadata }) => metadata?.name ?? '').sort();
    };
    expect(await selectedBy(`app=${name}`)).to.have.length(4);
    const service = await world.client.get(services, { namespace, name: `${name}-svc` });
    const selector = Object.entries(service.spec?.selector ?? {}).map(([key, value]) => `${key}=${value}`);
    expect(await selectedBy(selector.join())).to.deep.equal(own);
    const { status } = JSON.parse(
      await kubectl(
        'get',
        '--raw',
        `/apis/bitcoincontroller.christianb93.github.com/v1/namespaces/${namespace}/bitcoinnetworks/${name}/scale`,
      ),
    ) as { status: { replicas: number; selector: string } };
    expect(status.replicas).to.equal(3);
    expect(await selectedBy(status.selector)).to.deep.equal(own);
  });
});
