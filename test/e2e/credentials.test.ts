// On a real cluster with real bitcoinds: a rotation of credentials by the four steps of docs/rotate-credentials.md, while a client calls the nodes;
// and a network for one test run, which is gone in the end.
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'chai';
import { parse } from 'yaml';
import { controllerNamespace, release } from '../../tools/installation.ts';
import { CallingClient } from '../support/calling-client.ts';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';
import { NetworkNamespace } from '../support/cluster/network-namespace.ts';
import { eventually } from '../support/until.ts';

const chart = path.join(import.meta.dirname, '..', '..', 'charts', 'bitcoin-controller');
const example = path.join(import.meta.dirname, '..', '..', 'examples', 'ci.yaml');
const name = 'hashed';
const user = 'alice';
const [oldPassword, newPassword] = ['the-old-password', 'the-new-password'] as const;

const lineOf = (password: string): string =>
  `rpcauth=${user}:a-salt$${createHmac('sha256', 'a-salt').update(password).digest('hex')}\n`;

describe('on a real cluster', function () {
  this.timeout(0);
  let cluster: TestCluster;
  /** bitcoinnetwork.GROUP/NAME */
  let run: string;
  let namespace: NetworkNamespace;

  const secret = (secretName: string, stringData: object): Promise<string> => {
    const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: secretName, namespace: namespace.name }, stringData };
    return cluster.kubectlWithInput(JSON.stringify(object), 'apply', '-f', '-');
  };
  const setPassword = (password: string) => secret('rpc', { BC_RPC_USER: user, BC_RPC_PASSWORD: password });
  const setHashes = (...passwords: readonly string[]) => secret('hashes', { 'rpcauth.conf': passwords.map(lineOf).join('') });
  const untilUpToDate = (state: string) =>
    eventually(async () => (await namespace.condition(name, 'UpToDate')).startsWith(`${state} `));

  before(async () => {
    cluster = await sharedCluster();
    namespace = await NetworkNamespace.create(cluster, 'credentials');
    const values = ['--set=rbac.secretNames={rpc,hashes}', '--set=rbac.deleteNetworks=true', '--set=controller.recheckSeconds=4'];
    const where = ['--namespace', controllerNamespace, '--create-namespace'];
    await cluster.helm('upgrade', '--install', release, chart, ...where, ...values, '--wait', '--timeout', '180s');
  });
  after(async () => {
    await namespace.delete();
    await cluster.helm('uninstall', release, '--namespace', controllerNamespace, '--wait', '--ignore-not-found');
    await cluster.kubectl('delete', 'namespace', controllerNamespace, '--ignore-not-found');
  });

  it('a network for one test run is connected by the commands of docs/networks/ci.md', async () => {
    await setPassword(oldPassword);
    const { spec, ...manifest } = parse(await readFile(example, 'utf8')) as { spec: object };
    const object = { ...manifest, spec: { ...spec, secret: 'rpc', ttlSecondsAfterCreation: 60 } };
    const created = await cluster.kubectlWithInput(
      JSON.stringify(object),
      ...['--namespace', namespace.name, 'create', '-f', '-', '-o', 'name'],
    );
    run = created.trim();
    for (const condition of ['Connected', 'BlocksProduced'])
      await namespace.kubectl('wait', `--for=condition=${condition}`, run, '--timeout=60s');
  });

  it('credentials are rotated without a refused call at ten calls a second, and the pods never have the password', async () => {
    await setHashes(oldPassword);
    await namespace.apply({ name, spec: { nodes: 2, secret: 'rpc', rpcAuth: { secretName: 'hashes' } } });
    await namespace.untilConnected(name);
    await untilUpToDate('True');
    const client = new CallingClient({ user, password: oldPassword }, async () =>
      (await namespace.nodes(name)).filter(({ ready }) => ready).map(({ ip }) => ip),
    );
    const first = await namespace.podUids(name);

    await setHashes(oldPassword, newPassword);
    await untilUpToDate('False');
    await untilUpToDate('True');
    const second = await namespace.podUids(name);
    await setPassword(newPassword);
    client.credentials = { user, password: newPassword };
    await setHashes(newPassword);
    await untilUpToDate('False');
    await untilUpToDate('True');
    await namespace.untilConnected(name);
    await client.stop();

    const third = await namespace.podUids(name);
    for (const [pod, uid] of second) expect([first.get(pod), third.get(pod)], pod).not.to.include(uid);
    expect(client.refusals).to.deep.equal([]);
    expect(client.answered).to.be.greaterThan(30);
    const reasons = (await namespace.events(name)).keys();
    expect([...reasons]).not.to.include.members(['CredentialsRejected']);
    for (const pod of third.keys()) {
      const seen = await namespace.kubectl(
        'exec',
        pod,
        '--',
        'sh',
        '-c',
        'cat /proc/1/environ /proc/1/cmdline /run/bitcoin/bitcoin.conf',
      );
      expect(seen).not.to.match(/the-(old|new)-password/);
      expect(await namespace.kubectl('exec', pod, '--', 'bitcoin-cli', '-conf=/run/bitcoin/bitcoin.conf', 'uptime')).to.match(
        /^\d+\n$/,
      );
    }
  });

  it('the network for one test run is deleted when its time is over, with all of its objects', async () => {
    await eventually(async () => !(await namespace.kubectl('get', 'bitcoinnetworks', '-o', 'name')).split('\n').includes(run));
    const label = `app=${run.replace(/.*\//, '')}`;
    const kinds = 'pods,services,statefulsets,configmaps,networkpolicies,persistentvolumeclaims';
    await eventually(async () => (await namespace.kubectl('get', kinds, '-l', label, '-o', 'name')) === '');
    const events = await namespace.events(run.replace(/.*\//, ''));
    expect(events.get('Expired')).to.have.length(1);
  });
});
