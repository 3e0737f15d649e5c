// Faults that keep real pods from running, on a real cluster: the network's status names the cause, in the words of Kubernetes and of
// bitcoind, while it lasts, and one event records it.
import path from 'node:path';
import { expect } from 'chai';
import type { BitcoinNetwork } from '../../src/bitcoin/api/bitcoin-network.ts';
import { controllerNamespace, release } from '../../tools/installation.ts';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';
import { FaultTiming } from '../support/fault-timing.ts';
import { eventually } from '../support/until.ts';

const chart = path.join(import.meta.dirname, '..', '..', 'charts', 'bitcoin-controller');
const prefix = 'missing-pods';
const nodes = 2;

/** A mutation of each pod of a namespace, as an administrator's policy would make it. */
interface Mutation {
  /** JSON patch operations in CEL. */
  readonly expression: string;
  readonly reason: string;
  readonly words: RegExp;
}

const operation = (at: string, value: string): string => `JSONPatch{op: "add", path: "${at}", value: ${value}}`;
const container = '/spec/containers/0';
const source = 'Object.spec.containers.env.valueFrom';
const mutations: Readonly<Record<string, Mutation>> = {
  'requests more than any node has': {
    expression: operation(`${container}/resources/requests/cpu`, '"1000"'),
    reason: 'PodUnschedulable',
    words: /cannot be scheduled: 0\/1 nodes are available: 1 Insufficient cpu/,
  },
  'selects nodes that do not exist': {
    expression: operation('/spec/nodeSelector', '{"there-is": "none"}'),
    reason: 'PodUnschedulable',
    words: /cannot be scheduled: 0\/1 nodes are available: 1 node\(s\) didn't match Pod's node affinity\/selector/,
  },
  'has an image that does not exist': {
    expression: operation(`${container}/image`, '"127.0.0.1:1/bitcoind:1"'),
    reason: 'ImagePullFailed',
    words: /cannot pull: image 127\.0\.0\.1:1\/bitcoind:1: ErrImagePull: .*connection refused/,
  },
  'has an image with an impossible name': {
    expression: operation(`${container}/image`, '"127.0.0.1:1/BITCOIND"'),
    reason: 'ImagePullFailed',
    words: /cannot pull: image .*: InvalidImageName: /,
  },
  'has a bitcoind that exits with an error': {
    expression: operation(`${container}/args`, '["-nosuchoption=1"]'),
    reason: 'NodeExited',
    words: /container bitcoind exited with code 1: Error.*Invalid parameter -nosuchoption/,
  },
  'wants a key of a Secret that does not exist': {
    expression: operation(
      `${container}/env`,
      `[Object.spec.containers.env{name: "A", valueFrom: ${source}{secretKeyRef: ${source}.secretKeyRef{name: "none", key: "k"}}}]`,
    ),
    reason: 'ContainerNotStarted',
    words: /cannot start: container bitcoind: CreateContainerConfigError: secret "none" not found/,
  },
  'wants a volume that cannot be mounted': {
    expression: [
      operation('/spec/volumes/-', 'Object.spec.volumes{name: "v", configMap: Object.spec.volumes.configMap{name: "none"}}'),
      operation(`${container}/volumeMounts/-`, 'Object.spec.containers.volumeMounts{name: "v", mountPath: "/v"}'),
    ].join(', '),
    reason: 'VolumeMountFailed',
    words: /cannot mount a volume: FailedMount: .*configmap "none" not found/,
  },
};

let cluster: TestCluster;
let namespace: string;
let count = 0;
const inNamespace = (...args: string[]): Promise<string> => cluster.kubectl('-n', namespace, ...args);
const create = (...items: object[]): Promise<string> =>
  cluster.kubectlWithInput(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), '-n', namespace, 'create', '-f', '-');
const network = (spec: object) => ({
  apiVersion: 'bitcoincontroller.christianb93.github.com/v1',
  kind: 'BitcoinNetwork',
  metadata: { name: 'alice' },
  spec,
});
const secret = (stringData: object) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'bitcoin-default-secret' },
  stringData,
});

/** The condition: STATUS REASON MESSAGE; '' if there is none. */
async function condition(type: string): Promise<string> {
  const { status } = JSON.parse(await inNamespace('get', 'bitcoinnetwork', 'alice', '-o', 'json')) as BitcoinNetwork;
  const found = status?.conditions?.find(one => one.type === type);
  return found === undefined ? '' : `${found.status} ${found.reason} ${found.message}`;
}

async function messagesOf(reason: string): Promise<string[]> {
  const selector = `involvedObject.name=alice,reason=${reason}`;
  const list = await inNamespace('get', 'events', '--field-selector', selector, '-o', 'json');
  return (JSON.parse(list) as { items: { message: string }[] }).items.map(({ message }) => message);
}

const marker = 'test.example.com/changed';

async function policy(expression: string): Promise<void> {
  const apiVersion = 'admissionregistration.k8s.io/v1';
  const escaped = marker.replace('/', '~1');
  const changes = `[${expression}, ${operation(`/metadata/labels/${escaped}`, '"yes"')}]`;
  const spec = {
    matchConstraints: {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
      resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
    },
    reinvocationPolicy: 'Never',
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression: changes } }],
  };
  await create(
    { apiVersion, kind: 'MutatingAdmissionPolicy', metadata: { name: namespace }, spec },
    { apiVersion, kind: 'MutatingAdmissionPolicyBinding', metadata: { name: namespace }, spec: { policyName: namespace } },
  );
  await untilChanging(true);
}

/** Policies take effect some time after they were created or deleted. */
async function untilChanging(wanted: boolean): Promise<void> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'probe', labels: { a: 'b' } },
    spec: {
      containers: [
        { name: 'c', image: 'i', resources: { requests: { cpu: '1m' } }, volumeMounts: [{ name: 'e', mountPath: '/e' }] },
      ],
      volumes: [{ name: 'e', emptyDir: {} }],
    },
  };
  const args = ['-n', namespace, 'create', '--dry-run=server', '-o', 'json', '-f', '-'];
  await eventually(async () => {
    const { metadata } = JSON.parse(await cluster.kubectlWithInput(JSON.stringify(pod), ...args)) as typeof pod;
    return marker in metadata.labels === wanted;
  });
}

const removePolicy = async (): Promise<void> => {
  await cluster.kubectl('delete', 'mutatingadmissionpolicybinding,mutatingadmissionpolicy', namespace);
  await untilChanging(false);
};

describe('a fault that keeps real pods from running', function () {
  this.timeout(0);

  before(async () => {
    cluster = await sharedCluster();
    await cluster.helm(
      'upgrade',
      '--install',
      release,
      chart,
      '--namespace',
      controllerNamespace,
      '--create-namespace',
      '--wait',
      '--timeout',
      '180s',
    );
  });

  beforeEach(async () => {
    namespace = `${prefix}-${(count += 1)}`;
    await cluster.kubectl('create', 'namespace', namespace);
  });

  afterEach(async () => {
    await cluster.kubectl('delete', 'mutatingadmissionpolicybinding,mutatingadmissionpolicy', namespace, '--ignore-not-found');
    // First, so that the controller does not try to write into a namespace that is going.
    await inNamespace('delete', 'bitcoinnetworks', '--all');
    await cluster.kubectl('delete', 'namespace', namespace, '--wait=false');
  });

  after(async () => {
    await cluster.helm('uninstall', release, '--namespace', controllerNamespace, '--wait', '--ignore-not-found');
    await cluster.kubectl('delete', 'namespace', controllerNamespace, '--ignore-not-found');
  });

  /** Waits until the network reports the cause, calls `fix`, and waits until the network is connected and no longer reports it. */
  async function expectNamed(reason: string, words: RegExp, fix: () => Promise<unknown>): Promise<void> {
    const timing = new FaultTiming();
    await eventually(async () => words.test(await condition('Ready')));
    timing.isNamed();
    expect(await condition('Ready')).to.match(new RegExp(`^False ${reason} 0 of ${nodes} nodes are ready; `));
    expect(await condition('Connected')).to.match(new RegExp(`^False ${reason} `));
    await fix();
    timing.isFixed();
    await eventually(async () => !(await condition('Ready')).includes(reason));
    timing.isCleared();
    await inNamespace('wait', '--for=condition=Connected', 'bitcoinnetwork/alice', '--timeout=120s');
    expect(await condition('Ready')).to.equal(`True AllNodesReady ${nodes} of ${nodes} nodes are ready`);
    const messages = await messagesOf(reason);
    expect(messages).to.have.length(1);
    expect(messages[0]).to.match(words);
  }

  for (const [what, { expression, reason, words }] of Object.entries(mutations))
    it(`is reported once, until it is fixed: a pod that ${what}`, async () => {
      await policy(expression);
      await create(network({ nodes }));
      await expectNamed(reason, words, async () => {
        await removePolicy();
        await inNamespace('delete', 'pods', '--all', '--wait=false');
      });
    });

  it('is reported once, until it is fixed: a taint that pods do not tolerate', async () => {
    await cluster.kubectl('taint', 'nodes', '--all', 'test.example.com/taint=yes:NoSchedule');
    try {
      await create(network({ nodes }));
      const words = /cannot be scheduled: 0\/1 nodes are available: 1 node\(s\) had untolerated taint/;
      await expectNamed('PodUnschedulable', words, () => cluster.kubectl('taint', 'nodes', '--all', 'test.example.com/taint-'));
    } finally {
      await cluster.kubectl('taint', 'nodes', '--all', 'test.example.com/taint-').catch(() => undefined);
    }
  });

  const credentials = { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: 'a-password' };
  for (const [what, made, reason] of [
    ['is missing', undefined, 'CredentialsMissing'],
    ['lacks a key', { BC_RPC_USER: 'alice' }, 'CredentialsMissing'],
    ['is unusable', { ...credentials, BC_RPC_PASSWORD: 'a#b' }, 'CredentialsInvalid'],
  ] as const)
    it(`is reported until it is fixed: a Secret that ${what}`, async () => {
      if (made !== undefined) await create(secret(made));
      await create(network({ nodes, secret: 'bitcoin-default-secret' }));
      const timing = new FaultTiming();
      await eventually(async () => (await condition('Ready')).startsWith(`False ${reason} `));
      timing.isNamed();
      const fixed = JSON.stringify(secret(credentials));
      await cluster.kubectlWithInput(fixed, '-n', namespace, 'apply', '--server-side', '--force-conflicts', '-f', '-');
      timing.isFixed();
      await eventually(async () => !(await condition('Ready')).includes(reason));
      timing.isCleared();
      await inNamespace('wait', '--for=condition=Connected', 'bitcoinnetwork/alice', '--timeout=120s');
      expect(await condition('Ready')).to.equal(`True AllNodesReady ${nodes} of ${nodes} nodes are ready`);
    });

  it('is reported: a Secret that the controller may not read', async () => {
    await create(network({ nodes, secret: 'unnamed' }));
    await eventually(async () => (await condition('Ready')).startsWith('False CredentialsForbidden '));
  });
});
