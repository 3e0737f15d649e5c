// A rotation of credentials by the four steps of docs/rotate-credentials.md, with real bitcoinds, a real API server and StatefulSet controller,
// and a client that calls the nodes ten times a second. The test runs the pods.
import { createHmac } from 'node:crypto';
import { type V1Pod, type V1Secret } from '@kubernetes/client-node';
import { expect } from 'chai';
import { apiVersion, type BitcoinNetwork, kind } from '../../src/bitcoin/api/bitcoin-network.ts';
import { customResourceDefinition } from '../../src/bitcoin/api/custom-resource-definition.ts';
import { networks, pods, secrets } from '../../src/controller/resource-types.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { CallingClient } from '../support/calling-client.ts';
import { startControlPlane, type TestControlPlane } from '../support/cluster/api-server.ts';
import { untilEstablished } from '../support/cluster/established.ts';
import { clientOf } from '../support/cluster/kube-access.ts';
import { PlayedKubelet } from '../support/fakes/played-kubelet.ts';
import { ControllerProcess } from '../support/processes/controller-process.ts';
import { RealBitcoind } from '../support/processes/real-bitcoind.ts';
import { eventually } from '../support/until.ts';

const [name, namespace, user] = ['alice', 'rotation', 'alice'];
const lineOf = (password: string): string =>
  `rpcauth=${user}:a-salt$${createHmac('sha256', 'a-salt').update(password).digest('hex')}\n`;

describe('credentials with rpcAuth', function () {
  this.timeout(180_000);
  let api: TestControlPlane;
  let client: KubeClient;
  let kubelet: PlayedKubelet;
  let controller: ControllerProcess;
  const nodes = new Map<string, RealBitcoind>();

  /** As the start script: with the lines that the mounted Secret has now, and no password. */
  async function start(pod: V1Pod, ip: string): Promise<void> {
    const { secretName = '' } = pod.spec?.volumes?.find(volume => volume.name === 'rpcauth')?.secret ?? {};
    const { data = {} } = await client.get<V1Secret>(secrets, { namespace, name: secretName });
    const lines = Buffer.from(data['rpcauth.conf'] ?? '', 'base64')
      .toString()
      .trim()
      .split('\n');
    const others = { user: 'test', password: 'test' };
    nodes.set(ip, await RealBitcoind.start({ ip, ...others, args: [...lines.map(line => `-${line}`), '-rest=1'] }));
  }

  before(async () => {
    api = await startControlPlane({ controllerManager: true });
    client = clientOf(api.kubeconfigPath);
    await api.kubectlWithInput(JSON.stringify(customResourceDefinition()), 'apply', '--server-side', '-f', '-');
    await untilEstablished(api, 'crd/bitcoinnetworks.bitcoincontroller.christianb93.github.com');
    await api.kubectl('create', 'namespace', namespace);
    kubelet = new PlayedKubelet(api);
    kubelet.starts = start;
    kubelet.onGone = ip => void nodes.get(ip)?.stop();
    controller = await ControllerProcess.start({
      kubeconfig: api.kubeconfigPath,
      args: ['--namespace', namespace, '--recheck-seconds', '4'],
    });
    await controller.ready();
  });
  after(async () => {
    await controller.kill();
    await kubelet.stop();
    await Promise.all([...nodes.values()].map(node => node.stop()));
    await client.close();
    await api.stop();
  });

  const secret = (secretName: string, stringData: object): Promise<string> => {
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: secretName }, stringData };
    return api.kubectlWithInput(JSON.stringify(object), 'apply', '-f', '-');
  };
  const setPassword = (password: string) => secret('rpc', { BC_RPC_USER: user, BC_RPC_PASSWORD: password });
  const setHashes = (...passwords: readonly string[]) => secret('hashes', { 'rpcauth.conf': passwords.map(lineOf).join('') });
  const network = () => client.get(networks, { namespace, name });
  const untilCondition = (type: string, wanted: string) =>
    eventually(async () => (await network()).status?.conditions?.find(one => one.type === type)?.status === wanted);
  const uids = async () => (await client.list(pods, { namespace })).items.map(({ metadata }) => metadata?.uid);

  it('are rotated without a refused call at ten calls a second, by the controller’s calls included', async () => {
    await setPassword('old');
    await setHashes('old');
    const spec = { nodes: 2, secret: 'rpc', rpcAuth: { secretName: 'hashes' } };
    await client.create(networks, { apiVersion, kind, metadata: { namespace, name }, spec } as BitcoinNetwork);
    await untilCondition('Connected', 'True');
    await untilCondition('UpToDate', 'True');
    const ready = async () => ((await network()).status?.nodes ?? []).filter(node => node.ready).map(({ ip }) => ip);
    const calling = new CallingClient({ user, password: 'old' }, ready);
    const first = await uids();

    await setHashes('old', 'new');
    await untilCondition('UpToDate', 'False');
    await untilCondition('UpToDate', 'True');
    const second = await uids();
    await setPassword('new');
    calling.credentials = { user, password: 'new' };
    await setHashes('new');
    await untilCondition('UpToDate', 'False');
    await untilCondition('UpToDate', 'True');
    await untilCondition('Connected', 'True');
    await calling.stop();

    for (const uid of second) expect([...first, ...(await uids())]).not.to.include(uid);
    expect(calling.refusals).to.deep.equal([]);
    expect(calling.answered).to.be.greaterThan(30);
    const reasons = await api.kubectl('-n', namespace, 'get', 'events', '-o', 'jsonpath={.items[*].reason}');
    expect(reasons).to.include('RolloutCompleted').and.not.include('CredentialsRejected').and.not.include('CredentialsInvalid');
    for (const ip of await ready()) {
      const old = new CallingClient({ user, password: 'old' }, () => Promise.resolve([ip]));
      await eventually(() => Promise.resolve(old.refusals.length > 0));
      await old.stop();
      expect([old.answered, old.refusals[0]]).to.deep.equal([0, ip]);
    }
  });
});
