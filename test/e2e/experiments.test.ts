// Experiments with a network of real bitcoinds on a real cluster.
import path from 'node:path';
import { expect } from 'chai';
import type { BitcoinExperiment } from '../../src/bitcoin/api/bitcoin-experiment.ts';
import { experiments } from '../../src/controller/resource-types.ts';
import { controllerNamespace, release } from '../../tools/installation.ts';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';
import { NetworkNamespace } from '../support/cluster/network-namespace.ts';
import { eventually } from '../support/until.ts';

const root = path.join(import.meta.dirname, '..', '..');

describe('experiments on a real cluster', function () {
  this.timeout(0);
  const network = 'study';
  let cluster: TestCluster;
  let namespace: NetworkNamespace;
  /** It has a network of the same name. */
  let bystander: NetworkNamespace;

  before(async () => {
    cluster = await sharedCluster();
    namespace = await NetworkNamespace.create(cluster, 'experiments');
    bystander = await NetworkNamespace.create(cluster, 'bystander');
    const credentials = ['--from-literal=BC_RPC_USER=user', '--from-literal=BC_RPC_PASSWORD=password'];
    await namespace.kubectl('create', 'secret', 'generic', 'bitcoin-default-secret', ...credentials);
    await bystander.kubectl('create', 'secret', 'generic', 'bitcoin-default-secret', ...credentials);
    const where = ['--namespace', controllerNamespace, '--create-namespace', '--set', 'rbac.podEvictions=true'];
    const chart = path.join(root, 'charts', 'bitcoin-controller');
    await cluster.helm('upgrade', '--install', release, chart, ...where, '--wait', '--timeout', '180s');
  });
  after(async () => {
    await namespace.delete();
    await bystander.delete();
    await cluster.helm('uninstall', release, '--namespace', controllerNamespace, '--wait', '--ignore-not-found');
    await cluster.kubectl('delete', 'namespace', controllerNamespace, '--ignore-not-found');
  });

  const experiment = (name: string): Promise<BitcoinExperiment> =>
    namespace.client.get(experiments, { namespace: namespace.name, name });
  const waitFor = (name: string, condition: string): Promise<string> =>
    namespace.kubectl('wait', `bitcoinexperiment/${name}`, `--for=condition=${condition}`, '--timeout=120s');
  const create = (name: string, steps: BitcoinExperiment['spec']['steps'], fields: Partial<BitcoinExperiment['spec']> = {}) =>
    namespace.client.create(experiments, {
      ...{ metadata: { namespace: namespace.name, name }, spec: { network: { name: network }, steps, ...fields } },
    } as unknown as BitcoinExperiment);

  it('do what examples/reorg-experiment.yaml says: one side replaces three blocks', async () => {
    await namespace.kubectl('apply', '-f', path.join(root, 'examples', 'reorg-experiment.yaml'));
    await waitFor('reorg-3', 'Complete');
    const { status } = await experiment('reorg-3');
    expect([status?.reorgDepth, status?.steps?.map(({ name }) => name)]).to.deep.equal([
      3,
      ['cut', 'short', 'long', 'join', 'agree'],
    ]);
    expect(status?.steps?.[3]?.convergenceMilliseconds).to.be.a('number');
    // Removed by the next write.
    await eventually(async () => ((await experiment('reorg-3')).metadata.finalizers ?? []).length === 0);
    await namespace.untilConnected(network);
    expect(await namespace.listedConnections(network)).to.have.length(12);
    const events = await namespace.events(network);
    for (const reason of ['PartitionStarted', 'PartitionHealed']) expect(events.get(reason), reason).to.have.length(1);
    expect([...(await namespace.events('reorg-3')).keys()]).to.have.members(['ExperimentStarted', 'ExperimentCompleted']);
  });

  it('are gone only when their network is healed, if they are deleted while it is cut, and cut no network of its name elsewhere', async () => {
    await bystander.apply({ name: network, spec: { nodes: 2 } });
    await bystander.untilConnected(network);
    await create('deleted', [
      { name: 'cut', partition: { parts: [{ name: 'one', ordinals: [0, 1, 2] }] } },
      { name: 'hold', wait: { seconds: 600 } },
    ]);
    await eventually(async () => (await experiment('deleted')).status?.step === 'hold');
    expect(await namespace.listedConnections(network)).to.have.length(8);
    await namespace.kubectl('delete', 'bitcoinexperiment/deleted');
    expect(await namespace.listedConnections(network)).to.have.length(12);
    expect(await bystander.condition(network, 'Connected')).to.match(/^True /);
    expect([...(await bystander.events(network)).keys()]).not.to.include('PartitionStarted');
  });

  it('restart a node, once, and are deleted when their time is over', async () => {
    const before = await namespace.podUids(network);
    await create('restart', [{ name: 'again', restart: { ordinals: [4] } }], { ttlSecondsAfterFinished: 5 });
    await waitFor('restart', 'Complete');
    const after = await namespace.podUids(network);
    const changed = [...after].filter(([name, uid]) => before.get(name) !== uid).map(([name]) => name);
    expect(changed).to.deep.equal([`${network}-sts-4`]);
    await namespace.kubectl('wait', 'bitcoinexperiment/restart', '--for=delete', '--timeout=60s');
  });
});
