// The load of many networks on the API server. `npm run bench -- scale` measures the same for hundreds.
import { expect } from 'chai';
import { runNetworks } from '../../bench/scale-runs.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import type { TestControlPlane } from '../support/cluster/api-server.ts';
import { AuditLog } from '../support/cluster/audit-log.ts';
import {
  adminClient,
  installDefinition,
  type RunningController,
  sourceFile,
  startController,
} from '../support/processes/bundled-controller.ts';
import { startKwokCluster } from '../support/cluster/kwok.ts';
import { SimulatedBitcoind } from '../support/fakes/simulated-bitcoind.ts';
import { eventually } from '../support/until.ts';

const size = { networks: 20, nodes: 5 };

describe('20 networks of 5 nodes', function () {
  this.timeout(0);
  let cluster: TestControlPlane;
  let client: KubeClient;
  let bitcoind: SimulatedBitcoind;
  let controller: RunningController;
  let requests: AuditLog;

  before(async () => {
    cluster = await startKwokCluster({ nodes: 5 });
    client = adminClient(cluster);
    bitcoind = await SimulatedBitcoind.start({ user: 'user', password: 'password' });
    await installDefinition(cluster);
    requests = new AuditLog(cluster.auditLogPath, 'bitcoin-controller/');
    controller = await startController(cluster, { file: sourceFile, args: ['--recheck-seconds=1'] });
  });

  after(async () => {
    await controller.program.stop(10_000);
    await bitcoind.stop();
    await client.close();
    await cluster.stop();
  });

  const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);

  /** How often each node has been asked for its peers. */
  const asked = (): number[] => [...bitcoind.nodes.values()].map(({ calls }) => calls.get('getpeerinfo') ?? 0);

  /** Resolves when the nodes of every network have been asked `times` more times. */
  async function rechecked(times: number): Promise<void> {
    const before = asked();
    await eventually(() => asked().every((count, index) => count >= (before[index] ?? 0) + times));
  }

  it('come up with at most 12 writes each, events and status included', async () => {
    await runNetworks(client, bitcoind, size, () => undefined, { secret: 'each' });
    await rechecked(2);
    const counts = await requests.read();
    expect(counts.writes / size.networks, JSON.stringify([...counts.byRequest])).to.be.at.most(12);
    expect(bitcoind.nodes.size).to.equal(size.networks * size.nodes);
  });

  it('cost no request when stable, however often their nodes are asked, except one GET of their Secret at each re-check', async () => {
    // The last events of a network are written after its status.
    await eventually(async () => {
      await rechecked(1);
      return (await requests.read()).writes === 0;
    });
    const before = total(asked());
    await rechecked(5);
    const { byRequest } = await requests.read();
    expect([...byRequest.keys()]).to.deep.equal(['get secrets']);
    // A network is rechecked about as often as each of its nodes.
    const rechecks = (total(asked()) - before) / size.nodes;
    expect(byRequest.get('get secrets')).to.be.at.most(2 * rechecks + size.networks);
  });
});
