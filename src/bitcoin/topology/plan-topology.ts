// Plans the connections of a network: which nodes, who dials, what bitcoind redials by itself. Pure, and independent of the past.
import { listed, maxListed } from './dialling.ts';
import { fullMesh, line, ring, star, tree } from './graph-shapes.ts';
import { groupGraph } from './group-graph.ts';
import { randomDegree } from './random-degree.ts';
import { randomOutbound } from './random-outbound.ts';
import { checkedEdges, hubProblems } from './topology-problems.ts';
import type { Dial, Member, SpecProblem, TopologyPlan } from './topology-plan.ts';
import type { TopologySpec } from '../api/topology.ts';

/** As many as bitcoind opens by itself. The schema requires a degree or a number. */
const defaultOutbound = 8;

/**
 * The same for the same topology and members, in whatever order they are. A part of the spec that cannot be applied is left out and
 * reported as a problem; the rest is planned.
 * @param listedSlots how many entries the added-node list of a node has for its peers; default and most: 8
 */
export function planTopology(
  topology: TopologySpec,
  members: readonly Member[],
  listedSlots: (ordinal: number) => number = () => maxListed,
): TopologyPlan {
  const sorted = [...members].sort((a, b) => a.ordinal - b.ordinal);
  const { dials, problems = [] } = graphOf(topology, sorted);
  return { edges: listed(dials, listedSlots), problems };
}

interface Graph {
  readonly dials: readonly Dial[];
  readonly problems?: readonly SpecProblem[];
}

function graphOf(topology: TopologySpec, members: readonly Member[]): Graph {
  const { seed = 0 } = topology;
  const ordinals = members.map(({ ordinal }) => ordinal);
  switch (topology.type) {
    case 'FullMesh':
      return { dials: fullMesh(ordinals) };
    case 'Ring':
      return { dials: ring(ordinals) };
    case 'Line':
      return { dials: line(ordinals) };
    case 'Star':
      return starOf(ordinals, topology.star?.hub ?? 0);
    case 'Tree':
      return { dials: tree(ordinals, topology.tree?.arity ?? 2) };
    case 'Random': {
      const { degree, outbound = defaultOutbound } = topology.random ?? {};
      return { dials: degree === undefined ? randomOutbound(ordinals, outbound, seed) : randomDegree(members, degree, seed) };
    }
    case 'Groups':
      return { dials: groupGraph(members, topology.groups ?? {}, seed) };
    case 'Edges':
      return checkedEdges(topology.edges ?? [], ordinals);
    case 'None':
      return { dials: [] };
  }
}

function starOf(ordinals: readonly number[], hub: number): Graph {
  const problems = hubProblems(hub, ordinals);
  return { dials: problems.length === 0 ? star(ordinals, hub) : [], problems };
}
