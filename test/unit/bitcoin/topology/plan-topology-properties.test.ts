// What every plan guarantees, for networks of 0 to 300 nodes, with and without groups, and 50 seeds.
import { expect } from 'chai';
import fc from 'fast-check';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import type { Member } from '../../../../src/bitcoin/topology/topology-plan.ts';
import type { TopologySpec } from '../../../../src/bitcoin/api/topology.ts';
import { arrows, changed, dialledBy, membersFrom, neighbours, pairs, reached } from '../../../support/graph.ts';

const ordinalsOf = (members: readonly Member[]): number[] => members.map(({ ordinal }) => ordinal);
const seeds = fc.integer({ min: 0, max: 49 });
/** One run of nodes from 0, or that and up to three groups. */
const anyMembers = fc.oneof(
  fc.integer({ min: 0, max: 300 }).map(count => membersFrom(0, count)),
  fc
    .array(fc.integer({ min: 0, max: 75 }), { minLength: 1, maxLength: 4 })
    .map(counts => counts.flatMap((count, index) => membersFrom(index * 100, count, index === 0 ? undefined : `group-${index}`))),
);
const anyDegree = fc.oneof(fc.integer({ min: 2, max: 9 }), fc.integer({ min: 2, max: 64 }));
const anyOutbound = fc.integer({ min: 1, max: 8 });

/** The topologies whose graph is connected, and that need nothing of the ordinals. */
const anyConnected: fc.Arbitrary<TopologySpec> = fc.oneof(
  fc.constantFrom<TopologySpec['type']>('FullMesh', 'Ring', 'Line', 'Tree').map(type => ({ type })),
  fc.integer({ min: 2, max: 64 }).map((arity): TopologySpec => ({ type: 'Tree', tree: { arity } })),
  fc
    .record({ degree: anyDegree, seed: seeds })
    .map(({ degree, seed }): TopologySpec => ({ type: 'Random', random: { degree }, seed })),
  fc
    .record({ outbound: anyOutbound, seed: seeds })
    .map(({ outbound, seed }): TopologySpec => ({ type: 'Random', random: { outbound }, seed })),
  fc
    .record({
      within: fc.constantFrom('FullMesh', 'Ring', 'Line', 'Star', 'Random'),
      degree: fc.integer({ min: 2, max: 8 }),
      bridges: fc.integer({ min: 1, max: 64 }),
      seed: seeds,
    })
    .map(({ seed, ...groups }): TopologySpec => ({ type: 'Groups', groups, seed })),
);
const anyTopology = fc.oneof(
  { arbitrary: anyConnected, weight: 8 },
  { arbitrary: fc.integer({ min: 0, max: 300 }).map((hub): TopologySpec => ({ type: 'Star', star: { hub } })), weight: 1 },
  {
    arbitrary: fc
      .array(fc.record({ from: fc.integer({ min: 0, max: 99 }), to: fc.integer({ min: 0, max: 99 }) }), { maxLength: 200 })
      .map((edges): TopologySpec => ({ type: 'Edges', edges })),
    weight: 1,
  },
  { arbitrary: fc.constant<TopologySpec>({ type: 'None' }), weight: 1 },
);

/** Together they see each of the sizes and seeds many times; a run of the whole takes some seconds. */
const some = { numRuns: 50 };

describe('Every plan', () => {
  it('connects two different nodes of the network by each edge, and no two nodes twice', () => {
    fc.assert(
      fc.property(anyTopology, anyMembers, (topology, members) => {
        const ordinals = new Set(ordinalsOf(members));
        const { edges } = planTopology(topology, members);
        for (const { from, to } of edges)
          if (from === to || !ordinals.has(from) || !ordinals.has(to)) expect.fail(`${from}>${to}`);
        expect(new Set(pairs(edges)).size).to.equal(edges.length);
      }),
      some,
    );
  });

  it('has at most 8 listed edges a node, or as many as there are slots, and uses the slots', () => {
    const slots = (ordinal: number) => 8 - (ordinal % 3);
    fc.assert(
      fc.property(anyTopology, anyMembers, (topology, members) => {
        const { edges } = planTopology(topology, members, slots);
        for (const [from, dialled] of dialledBy(edges, ordinalsOf(members)))
          expect(dialled.filter(({ isListed }) => isListed).length).to.equal(Math.min(slots(from), dialled.length));
      }),
      some,
    );
  });

  it('is the same in whatever order the nodes are given', () => {
    const shuffled = anyMembers.chain(members =>
      fc.tuple(fc.constant(members), fc.shuffledSubarray(members, { minLength: members.length })),
    );
    fc.assert(
      fc.property(anyTopology, shuffled, (topology, [members, others]) => {
        expect(JSON.stringify(planTopology(topology, others))).to.equal(JSON.stringify(planTopology(topology, members)));
      }),
      some,
    );
  });

  it('is connected, but for Star, Edges and None', () => {
    fc.assert(
      fc.property(anyConnected, anyMembers, (topology, members) => {
        expect(reached(planTopology(topology, members).edges, ordinalsOf(members))).to.equal(members.length);
      }),
      some,
    );
  });

  it('has no problem unless it is a Star without its hub or has Edges that do not fit', () => {
    fc.assert(
      fc.property(anyConnected, anyMembers, (topology, members) => {
        expect(planTopology(topology, members).problems).to.deep.equal([]);
      }),
      some,
    );
  });

  it('keeps the dialler of every edge that is still there with one more or one node less', () => {
    fc.assert(
      fc.property(anyConnected, anyMembers, fc.nat(3), (topology, members, group) => {
        const more = grown(members, group);
        const before = new Set(arrows(planTopology(topology, members).edges));
        const after = planTopology(topology, more).edges;
        const reversed = after.filter(({ from, to }) => before.has(`${to}>${from}`));
        expect(reversed.map(({ from, to }) => [from, to])).to.deep.equal([]);
      }),
      some,
    );
  });
});

/** One more node at the end of one of the groups. */
function grown(members: readonly Member[], index: number): Member[] {
  const start = index * 100;
  const last = members.findLast(({ ordinal }) => ordinal >= start && ordinal < start + 100);
  const added =
    last === undefined ? { ordinal: Math.max(-1, ...ordinalsOf(members)) + 1 } : { ...last, ordinal: last.ordinal + 1 };
  return members.some(({ ordinal }) => ordinal === added.ordinal)
    ? [...members, ...membersFrom(Math.max(...ordinalsOf(members)) + 1, 1)]
    : [...members, added];
}

describe('Random', () => {
  it('gives every node exactly its degree; one has one less if nodes and degree are odd; there are n - 1 at most', () => {
    fc.assert(
      fc.property(anyMembers, anyDegree, seeds, (members, degree, seed) => {
        const { edges } = planTopology({ type: 'Random', random: { degree }, seed }, members);
        const wanted = Math.min(degree, members.length - 1);
        const degrees = [...neighbours(edges, ordinalsOf(members)).values()].map(({ length }) => length);
        const fewer = degrees.filter(each => each !== wanted);
        expect(fewer).to.deep.equal((members.length * wanted) % 2 === 1 ? [wanted - 1] : []);
      }),
      some,
    );
  });

  it('of degree 8 changes at most 12 edges with one more or one node less, from 0 to 300 nodes', () => {
    const changes = new Set<number>();
    for (let seed = 0; seed < 5; seed += 1) {
      const plan = (count: number) =>
        planTopology({ type: 'Random', random: { degree: 8 }, seed: seed * 10 }, membersFrom(0, count)).edges;
      for (let count = seed; count < 300; count += 10) changes.add(changed(plan(count), plan(count + 1)));
    }
    expect(Math.max(...changes)).to.be.at.most(12);
  });

  it('of any degree changes at most one and a half times the degree and one edge with one more node', () => {
    fc.assert(
      fc.property(fc.nat(299), anyDegree, seeds, (count, degree, seed) => {
        const plan = (nodes: number) => planTopology({ type: 'Random', random: { degree }, seed }, membersFrom(0, nodes)).edges;
        expect(changed(plan(count), plan(count + 1))).to.be.at.most(1.5 * degree + 1);
      }),
      some,
    );
  });

  it('of degree 8 with groups of one size changes at most 12 edges when any of them gets one more node', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 75 }), fc.nat(3), seeds, (size, group, seed) => {
        const members = [0, 1, 2, 3].flatMap(index => membersFrom(index * 100, size, `group-${index}`));
        const plan = (nodes: readonly Member[]) => planTopology({ type: 'Random', random: { degree: 8 }, seed }, nodes).edges;
        expect(changed(plan(members), plan(grown(members, group)))).to.be.at.most(12);
      }),
      { numRuns: 30 },
    );
  });

  it('of degree 3 changes at most 30 edges when any of several groups gets one more node', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 10, max: 75 }), { minLength: 2, maxLength: 4 }),
        fc.nat(3),
        seeds,
        (sizes, group, seed) => {
          const members = sizes.flatMap((size, index) => membersFrom(index * 100, size, `group-${index}`));
          const plan = (nodes: readonly Member[]) => planTopology({ type: 'Random', random: { degree: 3 }, seed }, nodes).edges;
          expect(changed(plan(members), plan(grown(members, group % sizes.length)))).to.be.at.most(30);
        },
      ),
      some,
    );
  });

  it('with outbound lets every node dial exactly as many, in a network of more than twice as many nodes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 17, max: 300 }), anyOutbound, seeds, (count, outbound, seed) => {
        const members = membersFrom(0, count);
        const { edges } = planTopology({ type: 'Random', random: { outbound }, seed }, members);
        const dialled = [...dialledBy(edges, ordinalsOf(members)).values()].map(({ length }) => length);
        expect(Math.min(...dialled)).to.equal(outbound);
        // One connection more joins each part that the draw left apart; a part has at least outbound + 1 nodes.
        expect(edges.length - count * outbound).to.be.at.most(count / (outbound + 1) - 1);
      }),
      some,
    );
  });

  it('plans 1,000 nodes of degree 8, exactly and connected', () => {
    const members = membersFrom(0, 1_000);
    const { edges } = planTopology({ type: 'Random', random: { degree: 8 }, seed: 7 }, members);
    expect(edges).to.have.length(4_000);
    expect(new Set([...neighbours(edges, ordinalsOf(members)).values()].map(({ length }) => length))).to.deep.equal(new Set([8]));
    expect(reached(edges, ordinalsOf(members))).to.equal(1_000);
  });
});

describe('FullMesh', () => {
  it('has nodes dial equally many, or one more', () => {
    for (const count of [2, 3, 17, 18, 99, 100]) {
      const members = membersFrom(0, count);
      const { edges } = planTopology({ type: 'FullMesh' }, members);
      const counts = [...dialledBy(edges, ordinalsOf(members)).values()].map(({ length }) => length);
      expect(Math.max(...counts) - Math.min(...counts)).to.be.at.most(1);
    }
  });
});

describe('Groups', () => {
  it('joins each two groups by as many bridges as asked for, on different nodes of both', () => {
    fc.assert(
      fc.property(anyMembers, fc.integer({ min: 1, max: 64 }), seeds, (members, bridges, seed) => {
        const { edges } = planTopology({ type: 'Groups', groups: { bridges }, seed }, members);
        const groupOf = new Map(members.map(({ ordinal, group = '' }) => [ordinal, group]));
        const names = [...new Set(groupOf.values())];
        for (const [index, one] of names.entries())
          for (const other of names.slice(index + 1)) {
            const isBetween = (a: number, b: number) => groupOf.get(a) === one && groupOf.get(b) === other;
            const between = edges.filter(({ from, to }) => isBetween(from, to) || isBetween(to, from));
            const sizes = [one, other].map(name => members.filter(({ group = '' }) => group === name).length);
            const wanted = 2 * Math.min(bridges, ...sizes);
            const ends = between.flatMap(({ from, to }) => [from, to]);
            expect([ends.length, new Set(ends).size]).to.deep.equal([wanted, wanted]);
          }
      }),
      some,
    );
  });
});
