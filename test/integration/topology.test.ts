// Topologies of real bitcoinds: connectNode gives a network the planned connections, each seen from both ends.
import { expect } from 'chai';
import { rpcPort } from '../../src/bitcoin/api/names.ts';
import type { TopologySpec } from '../../src/bitcoin/api/topology.ts';
import { connectNode, type NodeReport } from '../../src/bitcoin/topology/connect-node.ts';
import { observeEdges } from '../../src/bitcoin/topology/observe-edges.ts';
import type { Node } from '../../src/bitcoin/topology/peer-plan.ts';
import { peerTargets } from '../../src/bitcoin/topology/peer-target.ts';
import { planTopology } from '../../src/bitcoin/topology/plan-topology.ts';
import type { TopologyPlan } from '../../src/bitcoin/topology/topology-plan.ts';
import { node } from '../support/builders.ts';
import { arrows, membersFrom, neighbours } from '../support/graph.ts';
import { RealBitcoind } from '../support/processes/real-bitcoind.ts';
import { eventually } from '../support/until.ts';

const credentials = { user: 'alice', password: 'pass' };
const count = 12;
const nodes: readonly Node[] = membersFrom(0, count).map(({ ordinal }) => node(ordinal, { ip: `127.0.2.${ordinal + 1}` }));

interface Peer {
  readonly addr: string;
  readonly inbound: boolean;
  readonly subver: string;
}

/** All nodes, asked as the controller asks them: at the same time, and again those that are not complete. */
class Controller {
  #plan: TopologyPlan | undefined;
  #edges: TopologyPlan = { edges: [], problems: [] };
  #reports: NodeReport[] = [];

  /** @param topology undefined: the mesh in which both ends of each pair dial */
  async apply(topology: TopologySpec | undefined, asked: readonly Node[] = nodes): Promise<void> {
    this.#plan = topology && planTopology(topology, membersFrom(0, count));
    this.#edges = this.#plan ?? this.#edges;
    const targets = this.#plan && peerTargets(this.#plan, nodes);
    const { signal } = new AbortController();
    let waiting = asked;
    while (waiting.length > 0) {
      const reports = await Promise.all(
        waiting.map(each => {
          const target = targets?.get(each.ordinal);
          return connectNode({ node: each, nodes, credentials, rpcPort, target }, signal);
        }),
      );
      for (const report of reports) this.#reports[report.node.ordinal] = report;
      waiting = reports.filter(({ isComplete }) => !isComplete).map(each => ({ ...each.node, isNew: false }));
    }
  }

  get edges(): ReturnType<typeof observeEdges> {
    return observeEdges(this.#edges, this.#reports);
  }
}

describe('a topology of 12 real bitcoinds', function () {
  this.timeout(120_000);
  let bitcoinds: RealBitcoind[];
  let controller: Controller;

  before(async () => {
    bitcoinds = await Promise.all(
      nodes.map(({ ip, name }) => RealBitcoind.start({ ...credentials, ip, args: [`-uacomment=${name}`] })),
    );
    controller = new Controller();
  });
  after(() => Promise.all(bitcoinds.map(bitcoind => bitcoind.stop())));

  /** The connections that each node lists, as "0>1": all connections twice, once from each end. They come from one address: user agents tell. */
  async function listedConnections(): Promise<string[]> {
    const lists = await Promise.all(
      bitcoinds.map(async (bitcoind, ordinal) => {
        const [peers] = await bitcoind.call({ method: 'getpeerinfo' });
        return (peers as Peer[]).map(({ inbound, subver }) => {
          const other = Number(/\(alice-sts-(\d+)\)/.exec(subver)?.[1]);
          return inbound ? `${other}>${ordinal}` : `${ordinal}>${other}`;
        });
      }),
    );
    return lists.flat().sort();
  }

  /** Resolves when both ends of every planned edge list its one connection, opened by its dialler, and no node lists another one. */
  async function complete(topology: TopologySpec): Promise<void> {
    const planned = arrows(planTopology(topology, membersFrom(0, count)).edges);
    const expected = [...planned, ...planned].sort().join(' ');
    await eventually(async () => (await listedConnections()).join(' ') === expected);
  }

  const random: TopologySpec = { type: 'Random', random: { degree: 3 }, seed: 7 };

  it('of degree 3 has 18 connections, three of each node', async () => {
    const started = nodes.map(each => ({ ...each, isNew: true }));
    await controller.apply(random, started);
    await complete(random);
    const { edges } = planTopology(random, membersFrom(0, count));
    for (const peers of neighbours(edges, [...nodes.keys()]).values()) expect(peers).to.have.length(3);
    expect(controller.edges).to.deep.equal({ wanted: 18, connected: 18, heldByController: 0, missing: [] });
  });

  it('becomes a star, and then a ring, with the connections of that and no other', async () => {
    for (const type of ['Star', 'Ring'] as const) {
      await controller.apply({ type });
      await complete({ type });
      expect(controller.edges).to.include({ wanted: type === 'Star' ? 11 : 12, heldByController: 0 });
    }
  });

  it('gets the connections of a node back that was restarted', async () => {
    await bitcoinds[5]!.restart();
    await controller.apply(
      { type: 'Ring' },
      nodes.map(each => (each.ordinal === 5 ? { ...each, isNew: true } : each)),
    );
    await complete({ type: 'Ring' });
  });

  it('without a topology is a mesh of two connections a pair, of which a FullMesh keeps one', async () => {
    await controller.apply(undefined);
    await eventually(async () => (await listedConnections()).length === 2 * count * (count - 1));
    await controller.apply({ type: 'FullMesh' });
    await complete({ type: 'FullMesh' });
    expect(controller.edges).to.include({ wanted: 66, connected: 66 });
  });

  it('of None has no connection', async () => {
    await controller.apply({ type: 'None' });
    await complete({ type: 'None' });
  });
});
