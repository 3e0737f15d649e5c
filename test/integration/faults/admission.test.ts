// Admission that changes the objects that the controller writes, as GKE Autopilot and registry mirrors do, is no drift, even after a restart. A
// change of the same fields by another writer is drift.
import { expect } from 'chai';
import { statefulSets } from '../../../src/controller/resource-types.ts';
import { AuditLog } from '../../support/cluster/audit-log.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const nodes = 2;
const container = '/spec/template/spec/containers/0';

/** What a mutation of the StatefulSet does, as JSON patch operations in CEL. */
const mutations: Readonly<Record<string, string>> = {
  'raises requests': `[JSONPatch{op: "replace", path: "${container}/resources/requests/cpu", value: "50m"}]`,
  'rewrites the image': `[JSONPatch{op: "replace", path: "${container}/image", value: "mirror.example.com/bitcoind:1"}]`,
  'removes a field': `has(object.spec.template.spec.containers[0].readinessProbe)
    ? [JSONPatch{op: "remove", path: "${container}/readinessProbe"}] : []`,
  'takes an annotation away': `[JSONPatch{op: "remove", path: "/metadata/annotations"}]`,
};

describe('admission that changes what the controller writes', function () {
  this.timeout(180_000);
  let world: World;
  let controller: ControllerProcess | undefined;
  let namespace: string;
  let count = 0;

  before(async () => {
    world = await World.start();
  });
  after(() => world.stop());
  beforeEach(async () => {
    namespace = `admission-${(count += 1)}`;
    await world.createNamespace(namespace);
  });
  afterEach(() => controller?.kill());

  const start = async (): Promise<ControllerProcess> => {
    const args = ['--namespace', namespace, '--recheck-seconds', '1'];
    controller = await ControllerProcess.start({ kubeconfig: world.controlPlane.kubeconfigPath, args });
    await controller.ready();
    return controller;
  };
  const statefulSet = () => world.client.get(statefulSets, { namespace, name: 'alice-sts' });
  const containerOf = async () => (await statefulSet()).spec?.template.spec?.containers[0];
  const mutate = async (expression: string): Promise<void> => {
    const apiVersion = 'admissionregistration.k8s.io/v1';
    const resourceRules = [
      { apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['statefulsets'] },
    ];
    const policy = {
      apiVersion,
      kind: 'MutatingAdmissionPolicy',
      metadata: { name: namespace },
      spec: {
        matchConstraints: { resourceRules, namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
        matchConditions: [
          { name: 'applied', expression: "object.metadata.name == 'alice-sts' && has(object.metadata.annotations)" },
        ],
        reinvocationPolicy: 'IfNeeded',
        mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }],
      },
    };
    const kind = 'MutatingAdmissionPolicyBinding';
    const binding = { apiVersion, kind, metadata: { name: namespace }, spec: { policyName: namespace } };
    for (const object of [policy, binding])
      await world.controlPlane.kubectlWithInput(JSON.stringify(object), 'create', '-f', '-');
    // A policy takes effect some time after its creation.
    const probe = JSON.stringify({ ...(await probeSet()), metadata: { name: 'alice-sts', namespace, annotations: { a: 'b' } } });
    await eventually(async () => {
      const made = await world.controlPlane.kubectlWithInput(probe, 'create', '--dry-run=server', '-f', '-', '-o', 'json');
      const { spec, metadata } = JSON.parse(made) as Awaited<ReturnType<typeof statefulSet>>;
      const [first] = spec?.template.spec?.containers ?? [];
      return (
        first?.resources?.requests?.['cpu'] === '50m' ||
        first?.image?.startsWith('mirror') === true ||
        first?.readinessProbe === undefined ||
        metadata?.annotations === undefined
      );
    });
  };
  const probeSet = () =>
    Promise.resolve({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: {
            containers: [
              {
                name: 'c',
                image: 'i',
                resources: { requests: { cpu: '10m' } },
                readinessProbe: { httpGet: { path: '/', port: 1 } },
              },
            ],
          },
        },
      },
    });
  /** Resolves when the controller has asked each node for its peers so many more times. */
  const rechecks = async (times: number): Promise<void> => {
    const asked = () =>
      [...world.bitcoind.nodes.values()].reduce((sum, { calls }) => sum + (calls.get('getaddednodeinfo') ?? 0), 0);
    const enough = asked() + times * nodes;
    await eventually(() => asked() >= enough);
  };

  for (const [what, expression] of Object.entries(mutations))
    it(`is not reverted where it ${what}: one write, no RepairContested, and no write after a restart`, async () => {
      await mutate(expression);
      const first = await start();
      await world.createNetwork(namespace, 'alice', nodes);
      await world.untilRight(namespace, 'alice');
      const log = new AuditLog(world.controlPlane.auditLogPath, 'bitcoin-controller/');
      // The events of its start have been written by then.
      await rechecks(5);
      await log.read();
      await rechecks(5);
      expect((await log.read()).writes).to.equal(0);
      const { metadata } = await statefulSet();
      expect(metadata?.generation).to.equal(1);
      await first.stop();
      await start();
      await rechecks(5);
      const events = await world.eventsOf(namespace, 'alice');
      expect(events.has('RepairContested')).to.equal(false);
      // A field that admission removed has no owner by which a new process could recognize it, so the controller writes it once.
      const isRemoved = expression.includes('remove');
      expect(events.get('StatefulSetUpdated') ?? []).to.have.length.at.most(isRemoved ? 1 : 0);
      await log.read();
      await rechecks(5);
      expect((await log.read()).writes).to.equal(0);
    });

  for (const [what, restarts] of [
    ['by the process that wrote it', false],
    ['by the next process', true],
  ] as const)
    it(`does not hide drift in the same field: a change by another writer is reverted ${what}`, async () => {
      await mutate(mutations['rewrites the image'] ?? '');
      const first = await start();
      await world.createNetwork(namespace, 'alice', nodes);
      await world.untilRight(namespace, 'alice');
      // Without the policy, which would otherwise change the other writer's request too.
      await world.controlPlane.kubectl('delete', 'mutatingadmissionpolicybinding', namespace);
      if (restarts) await first.stop();
      const path = container.replace('/0', '/0/image');
      const patch = [{ op: 'replace', path, value: 'another-writers:1' }];
      await eventually(async () => {
        await world.client.patch(statefulSets, { namespace, name: 'alice-sts' }, patch, { patchType: 'json' });
        return true;
      });
      if (restarts) await start();
      await eventually(async () => (await containerOf())?.image !== 'another-writers:1');
    });
});
