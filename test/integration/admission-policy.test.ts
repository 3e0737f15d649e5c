// The chart's admission policy on a real API server: which writes it allows to the controller's account, of those that the roles allow.
// least-privilege.test.ts runs the controller itself under the policy.
import type { V1Service, V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import type { BitcoinExperiment } from '../../src/bitcoin/api/bitcoin-experiment.ts';
import { type BitcoinNetwork, group } from '../../src/bitcoin/api/bitcoin-network.ts';
import {
  configMaps,
  experiments,
  networkPolicies,
  networks,
  persistentVolumeClaims,
  podDisruptionBudgets,
  services,
  statefulSets,
} from '../../src/controller/resource-types.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { experimentFinalizer, fieldManager } from '../../src/bitcoin/api/names.ts';
import { claimCreatedFields } from '../../src/runtime/managed-fields.ts';
import { run } from '../../tools/command.ts';
import { providePrograms } from '../../tools/programs.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { untilEstablished } from '../support/cluster/established.ts';
import { chartFolder, chartNamespace, renderChart, type RenderedObject } from '../support/cluster/chart.ts';
import { clientOf } from '../support/cluster/kube-access.ts';
import { eventually } from '../support/until.ts';
import {
  allowed,
  allowedWithTemplates,
  claimOwners,
  events,
  refused,
  refusedWithTemplates,
  secretEnvironment,
  webPod,
} from './admission-policy/cases.ts';
import {
  account,
  allowedBeginning,
  containersOf,
  create,
  event,
  mirroredImage,
  named,
  namespace,
  richObjects,
  Sender,
  service,
  statefulSet,
  withContainer,
  withMetadata,
  withOwner,
  withPod,
} from './admission-policy/writes.ts';

const policies = { enabled: true, extraImages: [mirroredImage, allowedBeginning], networkNamePattern: '^btc-' };
const isPolicy = ({ kind }: RenderedObject): boolean => kind.startsWith('ValidatingAdmissionPolicy');

/** The roles allow both event APIs, so that only the policy decides. */
const rolesForNewEvents = async (): Promise<readonly RenderedObject[]> => {
  const serviceAccount = { create: false, name: account };
  const objects = await renderChart({ fullnameOverride: 'other', serviceAccount, controller: { eventsApi: 'events' } });
  return objects.filter(({ kind }) => /Role/.test(kind));
};

describe("the chart's admission policy", function () {
  this.timeout(180_000);
  let api: TestControlPlane;
  let admin: KubeClient;
  let asAdmin: Sender;
  let controller: Sender;
  let controllerClient: KubeClient;
  let objects: readonly RenderedObject[];

  const render = (admissionPolicy: object): Promise<readonly RenderedObject[]> =>
    renderChart({
      admissionPolicy,
      rbac: { podEvictions: true, deleteNetworks: true, persistentVolumeClaims: true },
      bitcoind: { podLabels: { team: 'chain' } },
    });
  const apply = (items: readonly RenderedObject[]): Promise<string> =>
    api.kubectlWithInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), 'apply', '--server-side', '-f', '-');

  before(async () => {
    objects = await render(policies);
    api = await startControlPlane();
    admin = clientOf(api.kubeconfigPath);
    asAdmin = new Sender(api.kubeconfigPath);
    for (const name of [chartNamespace, namespace]) await api.kubectl('create', 'namespace', name);
    await apply(objects.filter(object => !isPolicy(object) && object.kind !== 'Deployment'));
    await apply(await rolesForNewEvents());
    await untilEstablished(api, `crd/bitcoinnetworks.${group}`, `crd/bitcoinexperiments.${group}`);
    const kubeconfig = await api.kubeconfigForServiceAccount(chartNamespace, account);
    controller = new Sender(kubeconfig);
    controllerClient = clientOf(kubeconfig);
    await createWorld();
  });
  after(async () => {
    await controllerClient.close();
    await admin.close();
    await api.stop();
  });

  /** Objects that the controller created for networks, some of them changed since, and objects of others. */
  async function createWorld(): Promise<void> {
    await admin.create<BitcoinNetwork>(networks, named('alice'));
    await admin.create<BitcoinNetwork>(networks, named('mayfly', { ttlSecondsAfterCreation: 60 }));
    await admin.create<V1Service>(services, service('alice'));
    const unlabelled = { labels: { app: 'changed' } };
    const onHost = { hostNetwork: true, containers: containersOf('changed').map(one => ({ ...one, ports: [] })) };
    const left = { ownerReferences: [], annotations: { [`${group}/applied`]: 'a-digest' } };
    const sets: readonly V1StatefulSet[] = [
      statefulSet('alice'),
      withMetadata(withPod('changed', onHost), unlabelled),
      withContainer('former', secretEnvironment('former-secret')),
      withMetadata(statefulSet('left'), left),
      withMetadata(statefulSet('database'), { ownerReferences: [] }),
      withOwner(statefulSet('owned'), { apiVersion: 'example.com/v1', kind: 'Database' }),
    ];
    for (const set of sets) await admin.create(statefulSets, set, { fieldManager });
    const { set, rpc, configMap, networkPolicy, budget } = richObjects('alice');
    await admin.create(statefulSets, set, { fieldManager });
    await admin.create(services, rpc, { fieldManager });
    await admin.create(configMaps, configMap, { fieldManager });
    await admin.create(networkPolicies, networkPolicy, { fieldManager });
    await admin.create(podDisruptionBudgets, budget, { fieldManager });
    const selector = { matchLabels: { app: 'web' } };
    await admin.create(configMaps, { metadata: { namespace, name: 'web-conf' }, data: { a: 'b' } });
    await admin.create(networkPolicies, { metadata: { namespace, name: 'web-netpol' }, spec: { podSelector: selector } });
    await admin.create(podDisruptionBudgets, { metadata: { namespace, name: 'web-pdb' }, spec: { selector, minAvailable: 1 } });
    const web = { metadata: { namespace, name: 'web-svc' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } };
    await admin.create<V1Service>(services, web);
    await admin.create(events, event({ metadata: { namespace, name: 'about-alice' } }));
    await createExperiments();
    for (const name of ['data-alice-sts-0', 'web']) await createClaim(name);
    await api.kubectl('-n', namespace, 'create', 'serviceaccount', 'default').catch(() => undefined);
    for (const name of ['alice-sts-0', 'alice-sts-old-100', 'web-0'])
      await api.kubectl('-n', namespace, 'run', name, '--image=pod:1', '--restart=Never');
    await admin.create(events, event({ metadata: { namespace, name: 'about-web' }, involvedObject: webPod }));
  }

  /** A claim that can grow: it has a volume, and its class allows it. */
  async function createClaim(name: string): Promise<void> {
    const storageClass = { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass', metadata: { name: 'grows' } };
    const grows = { ...storageClass, provisioner: 'example.com/none', allowVolumeExpansion: true };
    await api.kubectlWithInput(JSON.stringify(grows), 'apply', '-f', '-');
    const resources = { requests: { storage: '1Gi' } };
    const spec = { storageClassName: 'grows', accessModes: ['ReadWriteOnce'], volumeName: name, resources };
    await admin.create(persistentVolumeClaims, { metadata: { namespace, name, ownerReferences: claimOwners }, spec });
    const status = { phase: 'Bound', capacity: { storage: '1Gi' } };
    const options = { patchType: 'merge', subresource: 'status' } as const;
    await admin.patch(persistentVolumeClaims, { namespace, name }, { status }, options);
  }

  async function createExperiments(): Promise<void> {
    const spec = { network: { name: 'alice' }, steps: [{ name: 'one', wait: { seconds: 1 } }], ttlSecondsAfterFinished: 1 };
    for (const name of ['running', 'ended']) {
      const finalizers = ['example.com/kept', ...(name === 'ended' ? [experimentFinalizer] : [])];
      const experiment = { metadata: { namespace, name, finalizers }, spec };
      await admin.create(experiments, experiment as unknown as BitcoinExperiment);
    }
    const status = { completionTime: '2026-01-01T00:00:00Z' };
    await admin.patch(experiments, { namespace, name: 'ended' }, { status }, { patchType: 'merge', subresource: 'status' });
  }

  it('says which Kubernetes it needs, where that is older', async () => {
    const { helm } = await providePrograms(['helm']);
    for (const value of ['enabled=true', 'networkNamePattern=x']) {
      const args = ['template', chartFolder, '--kube-version=1.29.0', `--set=admissionPolicy.${value}`];
      const refusal = await run(helm, args).catch((error: unknown) => String(error));
      expect(refusal).to.match(/admissionPolicy\.\w+ needs Kubernetes 1\.30 or later, .*; this is v1\.29\.0/);
    }
  });

  it("is what refuses: the chart's roles allow all of it", async () => {
    for (const [what, [write]] of [...Object.entries(refused), ...Object.entries(refusedWithTemplates)])
      expect(await controller.outcomeOf(write), what).to.equal('allowed');
  });

  describe('in force', () => {
    before(async () => {
      await apply(objects.filter(isPolicy));
      // Each policy takes effect after a different delay.
      const oneOfEach = [
        ...['a StatefulSet without an owner', 'a Service without an owner', 'a ConfigMap without an owner'],
        ...['a NetworkPolicy without an owner', 'a PodDisruptionBudget of an application', 'an event about a pod'],
        ...['the deletion of an experiment that runs', 'the eviction of a pod of an application'],
        ...['another Lease', 'a status with the selector of another application', 'a larger volume of an application'],
      ];
      for (const what of oneOfEach) await eventually(async () => (await controller.outcomeOf(refused[what]![0])) !== 'allowed');
      await eventually(async () => (await asAdmin.outcomeOf(create(networks, named('web')))) !== 'allowed');
    });

    for (const [what, write] of Object.entries(allowed))
      it(`lets the controller ${what}`, async () => {
        expect(await controller.outcomeOf(write)).to.equal('allowed');
      });

    it('lets the controller claim the fields of what it created, though others have changed it since', async () => {
      const name = { namespace, name: 'changed-sts' };
      await claimCreatedFields(controllerClient, statefulSets, name, { manager: fieldManager });
      const { metadata } = await admin.get(statefulSets, name);
      expect(metadata?.managedFields?.find(({ manager }) => manager === fieldManager)?.operation).to.equal('Apply');
    });

    for (const [what, [write, answer]] of Object.entries(refused))
      it(`refuses ${what}`, async () => {
        const outcome = await controller.outcomeOf(write);
        expect(outcome, outcome).to.match(answer).and.to.include('403 Forbidden: ');
      });

    it('does not concern what others write', async () => {
      for (const [what, [write]] of Object.entries(refused)) expect(await asAdmin.outcomeOf(write), what).to.equal('allowed');
    });

    it('refuses a network whose name does not match the pattern, for every user', async () => {
      expect(await asAdmin.outcomeOf(create(networks, named('web')))).to.include('the name of a network must match ^btc-');
      expect(await asAdmin.outcomeOf(create(networks, named('btc-web')))).to.equal('allowed');
    });
  });

  describe('in force, for networks with pod templates', () => {
    before(async () => {
      await apply((await render({ ...policies, podTemplates: true })).filter(isPolicy));
      for (const write of Object.values(allowedWithTemplates))
        await eventually(async () => (await controller.outcomeOf(write)) === 'allowed');
    });

    for (const [what, write] of Object.entries(allowedWithTemplates))
      it(`lets the controller ${what}`, async () => {
        expect(await controller.outcomeOf(write)).to.equal('allowed');
      });

    for (const [what, [write, answer]] of Object.entries(refusedWithTemplates))
      it(`refuses ${what}`, async () => {
        const outcome = await controller.outcomeOf(write);
        expect(outcome, outcome).to.match(answer).and.to.include('403 Forbidden: ');
      });
  });
});
