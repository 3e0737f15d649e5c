// A network that starts with the blocks of another one, on a real cluster with real bitcoinds.
import path from 'node:path';
import { expect } from 'chai';
import { controllerNamespace, release } from '../../tools/installation.ts';
import { sharedCluster, type TestCluster } from '../support/cluster/cluster.ts';
import { NetworkNamespace } from '../support/cluster/network-namespace.ts';
import { eventually } from '../support/until.ts';

const chart = path.join(import.meta.dirname, '..', '..', 'charts', 'bitcoin-controller');

describe('a network that starts with the blocks of another one on a real cluster', function () {
  this.timeout(0);
  let cluster: TestCluster;
  let namespace: NetworkNamespace;

  before(async () => {
    cluster = await sharedCluster();
    namespace = await NetworkNamespace.create(cluster, 'bootstrap');
    const where = ['--namespace', controllerNamespace, '--create-namespace'];
    await cluster.helm('upgrade', '--install', release, chart, ...where, '--wait', '--timeout', '180s');
    await namespace.apply({ name: 'golden', spec: { nodes: 1, blockProduction: { initialBlocks: 300 } } });
    await eventually(async () => (await namespace.condition('golden', 'BlocksProduced')).startsWith('True InitialBlocksMined'));
  });
  after(async () => {
    await namespace.delete();
    await cluster.helm('uninstall', release, '--namespace', controllerNamespace, '--wait', '--ignore-not-found');
    await cluster.kubectl('delete', 'namespace', controllerNamespace, '--ignore-not-found');
  });

  it('has exactly these blocks, although the other network mines and reorganises meanwhile', async () => {
    const hash = await namespace.rpc<string>('golden', 0, 'getblockhash', 300);
    const bootstrap = { network: { name: 'golden' }, height: 300 };
    const startMs = performance.now();
    await namespace.apply({ name: 'ci', spec: { nodes: 2, topology: { type: 'FullMesh' }, bootstrap } });
    await eventually(async () => (await namespace.get('ci')).status?.bootstrap !== undefined);
    await namespace.rpc('golden', 0, 'invalidateblock', await namespace.rpc('golden', 0, 'getblockhash', 290));
    await namespace.rpc('golden', 0, 'generatetodescriptor', 20, 'raw(02ff027551)');
    await namespace.untilConnected('ci');
    const tookMs = Math.round(performance.now() - startMs);
    const tips = () => Promise.all([0, 1].map(ordinal => namespace.rpc<string>('ci', ordinal, 'getbestblockhash')));
    await eventually(async () => (await tips()).every(tip => tip === hash));
    expect(await namespace.rpc('golden', 0, 'getblockhash', 300)).to.not.equal(hash);
    expect((await namespace.get('ci')).status?.bootstrap).to.deep.equal({ height: 300, hash });
    await eventually(async () => (await namespace.events('ci')).has('Bootstrapped'));
    expect((await namespace.events('ci')).get('Bootstrapped')).to.have.length(1);
    console.info(`      connected after ${tookMs} ms`);
  });
});
