// The objects of networks with each feature, on a real API server: it accepts them, and returns them without a difference that a later
// reconcile would take for drift.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { KubeConfig, type V1StatefulSet } from '@kubernetes/client-node';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { BitcoinNetwork, BitcoinNetworkSpec } from '../../src/bitcoin/api/bitcoin-network.ts';
import { configMapFor } from '../../src/bitcoin/resources/config-map.ts';
import { networkPolicyFor } from '../../src/bitcoin/resources/network-policy.ts';
import { nodeSetsOf } from '../../src/bitcoin/resources/node-sets.ts';
import { podDisruptionBudgetFor } from '../../src/bitcoin/resources/pod-disruption-budget.ts';
import { headlessService, nodeServices, rpcService } from '../../src/bitcoin/resources/service.ts';
import { statefulSetFor } from '../../src/bitcoin/resources/stateful-set.ts';
import {
  configMaps,
  networkPolicies,
  podDisruptionBudgets,
  services,
  statefulSets,
} from '../../src/controller/resource-types.ts';
import { isInvalid } from '../../src/kube/api-error.ts';
import { KubeClient } from '../../src/kube/client.ts';
import type { KubeObject, ResourceType } from '../../src/kube/resource.ts';
import { apply, plan } from '../../src/runtime/apply.ts';
import { withDigest } from '../../src/runtime/digest.ts';
import { network } from '../support/builders.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { thrownBy } from '../support/fakes/fake-api-server.ts';
import { RecordingLogger } from '../support/fakes/recording-logger.ts';

const digestAnnotation = 'example.org/applied';
const options = { fieldManager: 'bitcoin-controller', digestAnnotation, recreate: true };
const pods = { image: 'bitcoind:1', imagePullPolicy: 'IfNotPresent' };
const controllerPods = [{ podSelector: { matchLabels: { app: 'bitcoin-controller' } }, namespaceSelector: {} }];

const inPods = (fields: object): object => ({ podTemplate: { spec: fields } });

/** Each row builds on the one before: applied in this order, each is a change of a network that exists. */
const specs: readonly (readonly [string, Partial<BitcoinNetworkSpec>])[] = [
  ['two fields', { secret: 'credentials' }],
  [
    'a chain, an image and lines of bitcoinConf',
    { chain: 'regtest', image: 'core:31', bitcoinConf: ['txindex=1', 'debug=$(x)'] },
  ],
  [
    'resources in forms that the API server rewrites',
    { resources: { requests: { cpu: 0.5, memory: '1024Mi' }, limits: { cpu: '1000m', memory: '1.5Gi' } } },
  ],
  [
    'groups with settings of their own, one of which has the ordinals from 0',
    {
      nodes: 5,
      zmq: { topics: ['rawblock', 'sequence'] },
      groups: [
        { name: 'old', nodes: 3, ordinals: { start: 0 }, image: 'core:27', zmq: { topics: ['rawtx'], port: 3000 } },
        { name: 'knots', nodes: 2, ordinals: { start: 200 }, bitcoinConf: ['datacarriersize=42'], imagePullPolicy: 'Always' },
      ],
    },
  ],
  [
    'every field of the pod template',
    {
      podTemplate: {
        metadata: { labels: { team: 'x' }, annotations: { note: 'y' } },
        spec: {
          nodeSelector: { disk: 'ssd' },
          tolerations: [{ key: 'only', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 30 }, { operator: 'Exists' }],
          affinity: {
            podAntiAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 1, podAffinityTerm: { topologyKey: 'zone', labelSelector: { matchLabels: { app: 'alice' } } } },
              ],
            },
          },
          topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' }],
          priorityClassName: 'high',
          runtimeClassName: 'gvisor',
          schedulerName: 'own',
          serviceAccountName: 'builder',
          imagePullSecrets: [{ name: 'pull' }],
          securityContext: { runAsUser: 7, fsGroup: 8, supplementalGroups: [9], sysctls: [{ name: 'net.a', value: '1' }] },
          terminationGracePeriodSeconds: 5,
          initContainers: [{ name: 'wait', image: 'busybox', command: ['true'], restartPolicy: 'Always' }],
          containers: [
            {
              name: 'lnd',
              image: 'lnd',
              ports: [{ containerPort: 9735 }, { containerPort: 10009, name: 'grpc' }],
              env: [
                { name: 'A', value: '' },
                { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
              ],
              resources: { limits: { cpu: '1.0', memory: '1024Mi' }, requests: { cpu: '0.1' } },
              livenessProbe: { tcpSocket: { port: 9735 } },
              lifecycle: { preStop: { exec: { command: ['true'] } } },
              volumeMounts: [
                { name: 'lnd', mountPath: '/lnd', readOnly: false },
                { name: 'token', mountPath: '/token', readOnly: true },
              ],
            },
          ],
          volumes: [
            { name: 'lnd', emptyDir: { sizeLimit: '1Gi' } },
            { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
            { name: 'certificates', secret: { secretName: 'tls' } },
          ],
        },
      },
    },
  ],
  [
    'Services, a policy and a budget',
    {
      services: {
        p2pPerNode: { type: 'LoadBalancer', annotations: { lb: 'internal' }, externalTrafficPolicy: 'Local' },
        rpc: { type: 'NodePort' },
      },
      networkPolicy: {
        egress: 'Restricted',
        rpcFrom: [{ namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['a'] }] } }],
        p2pFrom: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['10.1.0.0/16'] } }],
      },
      externalPeers: [{ address: 'peer.example:5000' }],
      podDisruptionBudget: { maxUnavailable: '25%' },
    },
  ],
  [
    'defaults of all of them',
    { services: { p2pPerNode: { type: 'NodePort' }, rpc: { type: 'ClusterIP' } }, networkPolicy: {}, podDisruptionBudget: {} },
  ],
  ...(['main', 'testnet4', 'signet'] as const).map((chain): [string, Partial<BitcoinNetworkSpec>] => [
    `chain ${chain}`,
    { chain },
  ]),
  [
    'empty lists in the pod template',
    inPods({
      ...{ tolerations: [], imagePullSecrets: [], topologySpreadConstraints: [], volumes: [] },
      containers: [{ name: 'lnd', image: 'lnd', args: [], command: [], env: [], envFrom: [], ports: [], volumeMounts: [] }],
      initContainers: [],
    }),
  ],
  ['a signet of its own', { chain: 'signet', signet: { challenge: '51', blockTimeSeconds: 30 }, peerDiscovery: 'Enabled' }],
];

const sidecar = (fields: object): object => ({
  podTemplate: { spec: { containers: [{ name: 'lnd', image: 'lnd', ...fields }] } },
});

/** Values of another type than in the API of Kubernetes, which the schema of networks does not check: the spec, and what the answer names. */
const mistyped: readonly (readonly [string, object, RegExp])[] = [
  ['a number as text', inPods({ securityContext: { runAsUser: '1000' } }), /runAsUser/],
  ['memory in a unit that there is not', sidecar({ resources: { limits: { memory: '64MB' } } }), /quantities must match/],
  [
    'a size in a unit that there is not',
    inPods({ volumes: [{ name: 'a', emptyDir: { sizeLimit: '1GB' } }] }),
    /quantities must match/,
  ],
  ['truth as memory', sidecar({ resources: { limits: { memory: true } } }), /memory|quantities must match/],
  ['a number as image', sidecar({ image: 5 }), /image/],
  ['a map of variables', sidecar({ env: { FOO: 'bar' } }), /env/],
  ['variables as text', sidecar({ env: 'x' }), /env/],
  ['a variable as text', sidecar({ env: ['FOO=bar'] }), /env/],
  ['a variable that is null', sidecar({ env: [null] }), /env/],
  ['truth as the value of a variable', sidecar({ env: [{ name: 'X', value: false }] }), /value/],
  ['a number as the value of a variable', sidecar({ env: [{ name: 'X', value: 0 }] }), /value/],
  ['a map of mounts', sidecar({ volumeMounts: { data: '/data' } }), /volumeMounts/],
  ['a number as truth', sidecar({ volumeMounts: [{ name: 'data', mountPath: '/x', readOnly: 0 }] }), /readOnly/],
  ['resources as text', sidecar({ resources: 'small' }), /resources/],
  ['limits as text', sidecar({ resources: { limits: '1Gi' } }), /limits/],
  ['a port as text', sidecar({ ports: ['80'] }), /ports/],
  ['a list as affinity', inPods({ affinity: { nodeAffinity: [] } }), /nodeAffinity/],
  ['text as skew', inPods({ topologySpreadConstraints: [{ maxSkew: '1', topologyKey: 'a' }] }), /maxSkew/],
  ['a block of addresses as text', { networkPolicy: { rpcFrom: [{ ipBlock: '10.0.0.0/8' }] } }, /ipBlock/],
];

/** The spec of a file in examples/. */
const exampleOf = (file: string): Partial<BitcoinNetworkSpec> =>
  (parse(readFileSync(path.resolve(import.meta.dirname, '../../examples', file), 'utf8')) as BitcoinNetwork).spec;
const examples = ['two-versions.yaml', 'own-signet.yaml', 'shaped-pods.yaml', 'sidecar.yaml'];

type Child = readonly [ResourceType, KubeObject];

/** Every object of the network. The API server sees only metadata and spec: the type of each is the builder's. */
function childrenOf(spec: Partial<BitcoinNetworkSpec>, of = network(spec)): Child[] {
  const children: (readonly [unknown, unknown])[] = [
    [configMaps, configMapFor(of)],
    ...nodeSetsOf(of).map(set => [statefulSets, statefulSetFor(of, set, 'v1', { ...pods, largestInbound: 200 })] as const),
    ...[headlessService(of), ...nodeServices(of), rpcService(of)].map(service => [services, service] as const),
    [networkPolicies, networkPolicyFor(of, controllerPods)],
    [podDisruptionBudgets, podDisruptionBudgetFor(of)],
  ];
  return children.filter(([, object]) => object !== undefined) as unknown as Child[];
}

describe('the objects of a network with a real API server', function () {
  this.timeout(60_000);
  let controlPlane: TestControlPlane;
  let client: KubeClient;
  before(async () => {
    controlPlane = await startControlPlane();
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromFile(controlPlane.kubeconfigPath);
    client = new KubeClient({ kubeConfig, logger: new RecordingLogger() });
  });
  after(async () => {
    await client.close();
    await controlPlane.stop();
  });

  async function current([type, { metadata }]: Child): Promise<KubeObject | undefined> {
    const found = await controlPlane.kubectl('get', type.plural, metadata?.name ?? '', '-o', 'json', '--ignore-not-found');
    return found === '' ? undefined : (JSON.parse(found) as KubeObject);
  }

  /** What a later reconcile does about the object. */
  const plannedAgain = async (child: Child): Promise<string> =>
    plan(child[0], withDigest(child[1], digestAnnotation), { current: await current(child) }, options).kind;

  let merged: Partial<BitcoinNetworkSpec> = {};
  for (const [what, spec] of specs) {
    merged = spec.chain === undefined || spec.image !== undefined ? { ...merged, ...spec } : spec;
    const full = merged;
    it(`are accepted with ${what}, known as they are by strict validation, and not written again`, async () => {
      for (const child of childrenOf(full)) {
        const [type, object] = child;
        const label = `${type.kind} ${object.metadata?.name ?? ''}`;
        await controlPlane
          .kubectlWithInput(JSON.stringify(object), 'create', '--dry-run=server', '--validate=strict', '-f', '-')
          .catch((error: unknown) => {
            if (!/AlreadyExists/.test(String(error))) throw error;
          });
        const first = await apply(client, type, object, await current(child), options);
        expect(first.outcome, `${label}: ${JSON.stringify(first)}`).to.be.oneOf(['created', 'updated', 'unchanged']);
        expect(await plannedAgain(child), label).to.equal('none');
      }
    });
  }

  it('have persistent volumes once the set is recreated, and are not written again with every field of storage', async () => {
    const everyField = {
      size: '1024Mi',
      storageClassName: 'fast',
      accessMode: 'ReadWriteOncePod',
      dataSource: { kind: 'VolumeSnapshot', name: 'backup' },
      retention: { whenDeleted: 'Delete', whenScaled: 'Delete' },
    } as const;
    const without = [{ name: 'old', nodes: 1, ordinals: { start: 100 } }];
    const groups = without.map(group => ({ ...group, storage: { size: '1500M' } }));
    const whenScaled = (object: KubeObject) => (object as V1StatefulSet).spec?.persistentVolumeClaimRetentionPolicy?.whenScaled;
    for (const [spec, outcome, retained] of [
      [{ groups: without, suspend: true }, 'created', ['Retain', 'Retain']],
      [{ groups, suspend: true, storage: everyField }, 'pending', ['Retain', 'Retain']],
      [{ groups, suspend: false, storage: everyField }, 'updated', ['Delete', 'Retain']],
      [{ groups, suspend: true, storage: everyField }, 'updated', ['Retain', 'Retain']],
    ] as const) {
      const of = network({ nodes: 2, ...spec, groups: [...spec.groups] }, { name: 'stored' });
      const sets = childrenOf(of.spec, of).filter(([type]) => type.kind === 'StatefulSet');
      for (const [index, child] of sets.entries()) {
        const [type, object] = child;
        const first = await apply(client, type, object, await current(child), options);
        expect(first.outcome, JSON.stringify(first)).to.equal(outcome);
        if (outcome === 'pending') {
          // Here no garbage collector orphans what the deleted set owns.
          const withoutFinalizers = ['--type=merge', '-p', '{"metadata":{"finalizers":null}}'];
          await controlPlane.kubectl('patch', type.plural, object.metadata?.name ?? '', ...withoutFinalizers);
          expect((await apply(client, type, object, undefined, options)).outcome).to.equal('created');
        }
        expect(await plannedAgain(child)).to.equal('none');
        expect(whenScaled((await current(child)) ?? {})).to.equal(retained[index]);
      }
    }
  });

  it('lose a service account that the network no longer names, also one that was added to a set that existed', async () => {
    const accountOf = async (child: Child) => {
      const { serviceAccountName, serviceAccount } = ((await current(child)) as V1StatefulSet).spec?.template.spec ?? {};
      return { serviceAccountName, serviceAccount };
    };
    const builder = { serviceAccountName: 'builder' };
    const none = { serviceAccountName: undefined, serviceAccount: undefined };
    const named = { serviceAccountName: 'builder', serviceAccount: 'builder' };
    for (const [fields, expected] of [
      [{}, none],
      [builder, named],
      [{ ...builder, priorityClassName: 'high' }, named],
      [{ priorityClassName: 'high' }, none],
    ] as const) {
      const of = network({ podTemplate: { spec: fields } }, { name: 'accounts' });
      const [child] = childrenOf(of.spec, of).filter(([type]) => type.kind === 'StatefulSet') as [Child];
      await apply(client, ...child, await current(child), options);
      expect(await accountOf(child)).to.deep.equal(expected);
      expect(await plannedAgain(child)).to.equal('none');
    }
  });

  it('leave the pod template as it is when the alias of a service account is applied that an earlier release did not own', async () => {
    const of = network({ podTemplate: { spec: { serviceAccountName: 'builder' } } }, { name: 'upgraded' });
    const [child] = childrenOf(of.spec, of).filter(([type]) => type.kind === 'StatefulSet') as [Child];
    const [type, set] = child as unknown as readonly [ResourceType<V1StatefulSet>, V1StatefulSet];
    const former = structuredClone(set);
    delete former.spec!.template.spec!.serviceAccount;
    await apply(client, type, { ...former, spec: { ...former.spec!, replicas: 1 } }, undefined, options);
    await apply(client, type, former, (await current(child)) as V1StatefulSet, options);
    const before = (await current(child)) as V1StatefulSet;
    expect((await apply(client, type, set, before, options)).outcome).to.equal('updated');
    const after = (await current(child)) as V1StatefulSet;
    expect(after.spec).to.deep.equal(before.spec);
    expect(after.metadata?.generation).to.equal(before.metadata?.generation);
  });

  for (const file of examples)
    it(`are accepted for examples/${file}`, async () => {
      for (const [, object] of childrenOf(exampleOf(file))) {
        const metadata = { ...object.metadata, name: `example-${object.metadata?.name ?? ''}` };
        const input = JSON.stringify({ ...object, metadata });
        await controlPlane.kubectlWithInput(input, 'create', '--dry-run=server', '--validate=strict', '-f', '-');
      }
    });

  for (const [what, spec, field] of mistyped)
    it(`are refused as invalid, when they are created and when they are edited, with ${what}`, async () => {
      const kind = 'networkPolicy' in spec ? 'NetworkPolicy' : 'StatefulSet';
      const childOf = (fields: object, name: string): Child => {
        const of = network(fields, { name });
        const child = childrenOf(of.spec, of).find(([type]) => type.kind === kind);
        if (child === undefined) throw new Error(`no ${kind}`);
        return child;
      };
      const valid = childOf({ networkPolicy: {} }, 'edited');
      await apply(client, ...valid, await current(valid), options);
      for (const name of ['created', 'edited']) {
        const child = childOf(spec, name);
        const error = await thrownBy(apply(client, ...child, await current(child), options));
        expect(isInvalid(error), `${name}: ${error.message}`).to.equal(true);
        expect(error.message).to.match(field);
      }
    });

  it('are refused by the API server in its words if the pod template cannot be', async () => {
    const of = network({ podTemplate: { spec: { containers: [{ name: 'lnd' }] } } }, { name: 'refused' });
    const [set] = nodeSetsOf(of);
    const refused = apply(client, statefulSets, statefulSetFor(of, set, undefined, pods), undefined, options);
    expect(String(await refused.catch((error: unknown) => error))).to.match(
      /spec\.template\.spec\.containers\[1\]\.image: Required value/,
    );
  });
});
