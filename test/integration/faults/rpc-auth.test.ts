// Hashes of credentials (spec.rpcAuth) on a real API server, with nodes that a played kubelet starts: what rolls the pods, and what is reported.
import { createHmac } from 'node:crypto';
import { expect } from 'chai';
import { pods, statefulSets } from '../../../src/controller/resource-types.ts';
import { ControllerProcess } from '../../support/processes/controller-process.ts';
import { eventually } from '../../support/until.ts';
import { World } from './world.ts';

const [name, namespace] = ['alice', 'hashed'];
const lineOf = (password: string): string =>
  `rpcauth=user:a-salt$${createHmac('sha256', 'a-salt').update(password).digest('hex')}\n`;

describe('a network with rpcAuth', function () {
  this.timeout(120_000);
  let world: World;
  let controller: ControllerProcess;

  const secret = (secretName: string, stringData: object): Promise<string> => {
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name: secretName }, stringData };
    return world.controlPlane.kubectlWithInput(JSON.stringify(object), 'apply', '-f', '-');
  };
  const setHashes = (...passwords: readonly string[]) => secret('hashes', { 'rpcauth.conf': passwords.map(lineOf).join('') });
  const uids = async (): Promise<string[]> =>
    (await world.client.list(pods, { namespace })).items.map(({ metadata }) => metadata?.uid ?? '').sort();
  const untilRolled = async (before: readonly string[]): Promise<void> => {
    await eventually(async () => (await uids()).every(uid => !before.includes(uid)));
    await world.untilCondition(namespace, name, 'UpToDate', 'True AllNodesUpdated');
    await world.untilRight(namespace, name);
  };
  const untilAvailable = (wanted: string) => world.untilCondition(namespace, name, 'CredentialsAvailable', wanted);

  before(async () => {
    world = await World.start();
    world.kubelet.onGone = ip => world.bitcoind.restart(ip);
    await world.createNamespace(namespace);
    const args = ['--namespace', namespace, '--recheck-seconds', '2'];
    controller = await ControllerProcess.start({ kubeconfig: world.controlPlane.kubeconfigPath, args });
    await controller.ready();
  });
  after(async () => {
    await controller.kill();
    await world.stop();
  });

  it('starts its nodes once the hashes fit the credentials, and says what is missing until then', async () => {
    await secret('rpc', { BC_RPC_USER: 'user', BC_RPC_PASSWORD: 'password' });
    await world.declare(namespace, name, { nodes: 2, secret: 'rpc', rpcAuth: { secretName: 'hashes' } });
    await untilAvailable('False CredentialsMissing');
    await setHashes('other');
    await untilAvailable('False CredentialsInvalid');
    const { CredentialsAvailable: message } = await world.conditions(namespace, name);
    expect(message).to.include('(spec.rpcAuth.secretName): no line of rpcauth.conf is the hash of the BC_RPC_PASSWORD of Secret');
    expect(await uids()).to.deep.equal([]);
    await setHashes('password');
    await world.untilRight(namespace, name);
    await untilAvailable('True CredentialsFound');
    await eventually(async () => (await world.eventsOf(namespace, name)).has('CredentialsInvalid'));
  });

  it('restarts its nodes one after another when a line is added', async () => {
    await world.untilCondition(namespace, name, 'UpToDate', 'True AllNodesUpdated');
    const before = await uids();
    await setHashes('password', 'new');
    await untilRolled(before);
    await eventually(async () => (await world.eventsOf(namespace, name)).get('RolloutCompleted')?.length === 1);
  });

  it('keeps the nodes running and asks them while the hashes are at fault, and names what is missing', async () => {
    const before = await uids();
    const { spec } = await world.client.get(statefulSets, { namespace, name: `${name}-sts` });
    await secret('hashes', { 'rpcauth.conf': `${lineOf('password')}startupnotify=true\n` });
    await untilAvailable('False CredentialsInvalid');
    const { CredentialsAvailable: message } = await world.conditions(namespace, name);
    expect(message).to.include('rpcauth.conf line 2 must be rpcauth=USER:SALT$HASH');
    expect(await world.condition(namespace, name, 'Connected')).to.equal('True PeersConnected');
    expect(await uids()).to.deep.equal(before);
    const now = await world.client.get(statefulSets, { namespace, name: `${name}-sts` });
    expect(now.spec?.template).to.deep.equal(spec?.template);
    await setHashes('password');
    await untilAvailable('True CredentialsFound');
    await untilRolled(before);
  });
});
