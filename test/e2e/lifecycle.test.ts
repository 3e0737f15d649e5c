// The lifecycle of a network on a real cluster: the controller from its image, installed by Helm under Pod Security "restricted", with real
// bitcoinds in another such namespace. Each test continues with the network of the previous one.
import path from 'node:path';
import { expect } from 'chai';
import type { BitcoinNetwork } from '../../src/bitcoin/api/bitcoin-network.ts';
import { controllerNamespace, release } from '../../tools/installation.ts';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';

const chart = path.join(import.meta.dirname, '..', '..', 'charts', 'bitcoin-controller');
const namespace = 'lifecycle';
const password = 'a-password-to-look-for';
const account = `system:serviceaccount:${controllerNamespace}:bitcoin-controller`;

let cluster: TestCluster;
const inNamespace = (...args: string[]): Promise<string> => cluster.kubectl('-n', namespace, ...args);
const apply = (...objects: object[]): Promise<string> =>
  cluster.kubectlWithInput(
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    '-n',
    namespace,
    'apply',
    '-f',
    '-',
  );
const restrictedNamespace = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
});
const secret = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name },
  stringData: { BC_RPC_USER: 'alice', BC_RPC_PASSWORD: password },
});
const bitcoinNetwork = (name: string, spec: object) => ({
  apiVersion: 'bitcoincontroller.christianb93.github.com/v1',
  kind: 'BitcoinNetwork',
  metadata: { name },
  spec,
});
const getNetwork = async (name: string): Promise<BitcoinNetwork> =>
  JSON.parse(await inNamespace('get', 'bitcoinnetwork', name, '-o', 'json')) as BitcoinNetwork;
const untilConnected = (name: string): Promise<string> =>
  inNamespace('wait', '--for=condition=Connected', `bitcoinnetwork/${name}`, '--timeout=120s');

interface EventRow {
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

/** In the order in which they were recorded: an event's name ends with its time. */
async function eventsOf(name: string): Promise<EventRow[]> {
  const list = await inNamespace('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'json');
  return (JSON.parse(list) as { items: (EventRow & { metadata: { name: string } })[] }).items.sort((a, b) =>
    a.metadata.name < b.metadata.name ? -1 : 1,
  );
}

interface AddedNode {
  readonly addednode: string;
  readonly connected: boolean;
}

async function addedNodes(pod: string): Promise<AddedNode[]> {
  const cli = ['/usr/local/bin/bitcoin-cli', '-regtest', '-conf=/bitcoin.conf', 'getaddednodeinfo'];
  return JSON.parse(await inNamespace('exec', pod, '--', ...cli)) as AddedNode[];
}

/** Every node's list holds every other node of the status, connected, and nothing else. */
async function expectJoined(name: string, size: number): Promise<void> {
  const { status } = await getNetwork(name);
  const nodes = status?.nodes ?? [];
  expect(nodes).to.have.length(size);
  for (const node of nodes) {
    const added = await addedNodes(node.nodeName);
    const others = nodes.filter(other => other !== node).map(({ ip }) => ip);
    expect(added.map(({ addednode }) => addednode)).to.have.members(others, node.nodeName);
    expect(added.filter(({ connected }) => !connected)).to.deep.equal([], node.nodeName);
  }
}

describe('a BitcoinNetwork on a real cluster', function () {
  this.timeout(0);

  before(async () => {
    cluster = await sharedCluster();
    for (const name of [controllerNamespace, namespace])
      await cluster.kubectlWithInput(JSON.stringify(restrictedNamespace(name)), 'apply', '--server-side', '-f', '-');
    await cluster.helm('upgrade', '--install', release, chart, '--namespace', controllerNamespace, '--wait', '--timeout', '180s');
  });

  after(async () => {
    await cluster.kubectl('delete', 'namespace', namespace, '--ignore-not-found');
    await cluster.helm('uninstall', release, '--namespace', controllerNamespace, '--wait', '--ignore-not-found');
    await cluster.kubectl('delete', 'namespace', controllerNamespace, '--ignore-not-found');
  });

  it('connects three nodes: each lists the other two, connected', async () => {
    await apply(secret('bitcoin-default-secret'), bitcoinNetwork('alice', { nodes: 3, secret: 'bitcoin-default-secret' }));
    await untilConnected('alice');
    await expectJoined('alice', 3);
    const { status } = await getNetwork('alice');
    expect(status?.nodes?.map(({ ordinal, ready, nodeName, dnsName }) => ({ ordinal, ready, nodeName, dnsName }))).to.deep.equal(
      [0, 1, 2].map(ordinal => ({
        ordinal,
        ready: true,
        nodeName: `alice-sts-${ordinal}`,
        dnsName: `alice-sts-${ordinal}.alice-svc`,
      })),
    );
  });

  it('emits its events in order, each once', async () => {
    const events = await eventsOf('alice');
    const reasons = events.map(({ reason }) => reason);
    expect(reasons.slice(0, 3)).to.deep.equal(['ServiceCreated', 'StatefulSetCreated', 'CredentialsFound']);
    expect(reasons.at(-1)).to.equal('PeersConnected');
    expect(reasons.filter(reason => reason === 'NodeReady')).not.to.have.length(0);
    expect(events.filter(({ count }) => count !== 1)).to.deep.equal([]);
    expect(await inNamespace('describe', 'bitcoinnetwork', 'alice')).to.match(
      /ServiceCreated[^]*StatefulSetCreated[^]*NodeReady[^]*PeersConnected/,
    );
  });

  it('shows how many nodes it has, how many are ready, and whether they are connected', async () => {
    const [head = '', row = ''] = (await inNamespace('get', 'bitcoinnetwork', 'alice')).split('\n');
    expect(head.trim().split(/\s+/)).to.deep.equal(['NAME', 'NODES', 'READY', 'EDGES', 'HEIGHT', 'TIPS', 'CONNECTED', 'AGE']);
    // A network of two fields without a block has no edges, no height and no tips.
    expect(row.trim().split(/\s+/).slice(0, 4)).to.deep.equal(['alice', '3', '3', 'True']);
  });

  it('follows kubectl scale up and down, in every list', async () => {
    await inNamespace('scale', 'bitcoinnetwork/alice', '--replicas=4');
    await inNamespace('wait', '--for=jsonpath={.status.readyNodes}=4', 'bitcoinnetwork/alice', '--timeout=120s');
    await untilConnected('alice');
    await expectJoined('alice', 4);
    await inNamespace('scale', 'bitcoinnetwork/alice', '--replicas=3');
    await inNamespace('wait', '--for=jsonpath={.status.replicas}=3', 'bitcoinnetwork/alice', '--timeout=120s');
    await untilConnected('alice');
    await expectJoined('alice', 3);
    const reasons = (await eventsOf('alice')).map(({ reason, message }) => `${reason}: ${message}`);
    expect(reasons).to.include('StatefulSetScaled: Scaled StatefulSet alice-sts from 3 to 4');
    expect(reasons).to.include('StatefulSetScaled: Scaled StatefulSet alice-sts from 4 to 3');
  });

  it('reconnects a deleted pod under its new address', async () => {
    const uid = await inNamespace('get', 'pod', 'alice-sts-1', '-o', 'jsonpath={.metadata.uid}');
    await inNamespace('delete', 'pod', 'alice-sts-1');
    await inNamespace('wait', '--for=create', 'pod/alice-sts-1', '--timeout=60s');
    await inNamespace('wait', '--for=condition=Ready', 'pod/alice-sts-1', '--timeout=60s');
    expect(await inNamespace('get', 'pod', 'alice-sts-1', '-o', 'jsonpath={.metadata.uid}')).not.to.equal(uid);
    const ip = await inNamespace('get', 'pod', 'alice-sts-1', '-o', 'jsonpath={.status.podIP}');
    await inNamespace('wait', `--for=jsonpath={.status.nodes[1].ip}=${ip}`, 'bitcoinnetwork/alice', '--timeout=60s');
    await untilConnected('alice');
    await expectJoined('alice', 3);
    expect((await eventsOf('alice')).map(({ reason }) => reason)).to.include('NodeLost');
  });

  it('repairs a Service that was deleted and a replica count that was changed by hand', async () => {
    await inNamespace('delete', 'service', 'alice-svc');
    await inNamespace('wait', '--for=create', 'service/alice-svc', '--timeout=60s');
    await inNamespace('scale', 'statefulset/alice-sts', '--replicas=1');
    await inNamespace('wait', '--for=jsonpath={.spec.replicas}=3', 'statefulset/alice-sts', '--timeout=60s');
    await inNamespace('wait', '--for=jsonpath={.status.readyNodes}=3', 'bitcoinnetwork/alice', '--timeout=120s');
    await untilConnected('alice');
    await expectJoined('alice', 3);
  });

  it('reports a missing Secret, starts no node with other credentials, and recovers when the Secret is created', async () => {
    await inNamespace('delete', 'secret', 'bitcoin-default-secret');
    await apply(bitcoinNetwork('bob', { nodes: 2, secret: 'bitcoin-default-secret' }));
    await inNamespace(
      'wait',
      '--for=jsonpath={.status.conditions[?(@.type=="Connected")].reason}=CredentialsMissing',
      'bitcoinnetwork/bob',
      '--timeout=60s',
    );
    const [missing] = (await eventsOf('bob')).filter(({ reason }) => reason === 'CredentialsMissing');
    expect(missing?.message).to.equal(`Secret ${namespace}/bitcoin-default-secret (spec.secret) does not exist`);
    expect(await inNamespace('get', 'pods', '-l', 'app=bob', '-o', 'name')).to.equal('');
    await apply(secret('bitcoin-default-secret'));
    await untilConnected('bob');
    await expectJoined('bob', 2);
  });

  it('reports that it may not read a Secret that the chart does not name', async () => {
    await apply(secret('another-secret'), bitcoinNetwork('carol', { nodes: 1, secret: 'another-secret' }));
    await inNamespace(
      'wait',
      '--for=jsonpath={.status.conditions[?(@.type=="Connected")].reason}=CredentialsForbidden',
      'bitcoinnetwork/carol',
      '--timeout=60s',
    );
    expect((await eventsOf('carol')).map(({ reason }) => reason)).to.include('CredentialsForbidden');
  });

  it('warns that the default credentials are used when no Secret is named', async () => {
    await apply(bitcoinNetwork('dave', { nodes: 2 }));
    await untilConnected('dave');
    await expectJoined('dave', 2);
    expect((await eventsOf('dave')).map(({ reason }) => reason)).to.include('DefaultCredentials');
  });

  it('may read the named Secret and no other one', async () => {
    const canI = (...what: string[]) =>
      inNamespace('auth', 'can-i', ...what, `--as=${account}`).catch((error: unknown) => String(error));
    expect(await canI('get', 'secret/bitcoin-default-secret')).to.match(/^yes/);
    expect(await canI('get', 'secret/another-secret')).to.match(/no/);
    expect(await canI('list', 'secrets')).to.match(/no/);
    expect(await canI('watch', 'secrets')).to.match(/no/);
    expect(await canI('patch', 'bitcoinnetworks', '--subresource=status')).to.match(/^yes/);
    expect(await canI('delete', 'bitcoinnetworks')).to.match(/no/);
  });

  it('has the password in no log, event, label, argument or status', async () => {
    const everything = await Promise.all([
      inNamespace('get', 'pods,statefulsets,services,events,bitcoinnetworks', '-o', 'json'),
      inNamespace('logs', '-l', 'app=alice', '--tail=-1'),
      cluster.kubectl('-n', controllerNamespace, 'logs', '-l', 'app.kubernetes.io/instance=bitcoin-controller', '--tail=-1'),
    ]);
    expect(everything.join('\n')).to.contain('alice-sts-0').and.not.to.contain(password);
  });

  it('leaves nothing behind when it is deleted', async () => {
    await inNamespace('delete', 'bitcoinnetworks', '--all');
    for (const kind of ['statefulset', 'service', 'pod'])
      await inNamespace('wait', '--for=delete', kind, '-l', 'app=alice', '--timeout=120s');
    expect(await inNamespace('get', 'statefulsets,services,pods', '-l', 'app=alice', '-o', 'name')).to.equal('');
  });
});
