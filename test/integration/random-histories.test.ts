// Whatever happens to a network of real bitcoinds, at its end the connections are those of the plan, and the nodes are on one chain or the status
// says on which.
import { expect } from 'chai';
import fc from 'fast-check';
import type { BitcoinNetworkSpec } from '../../src/bitcoin/api/bitcoin-network.ts';
import { planTopology } from '../../src/bitcoin/topology/plan-topology.ts';
import { PlayedNetwork } from '../support/played-network.ts';
import { eventually } from '../support/until.ts';

const count = 5;
const ordinals = Array.from({ length: count }, (_, ordinal) => ordinal);
type Topology = NonNullable<BitcoinNetworkSpec['topology']>;
const topologies: readonly Topology[] = [
  { type: 'Ring' },
  { type: 'Star' },
  { type: 'Line' },
  { type: 'FullMesh' },
  { type: 'Random', random: { degree: 3 }, seed: 7 },
];

const anyOrdinal = fc.nat({ max: count - 1 });
const anyAct = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), ordinals: fc.subarray(ordinals, { minLength: 1, maxLength: count - 1 }) }),
  fc.record({ kind: fc.constant('heal' as const) }),
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('mine' as const), ordinal: anyOrdinal, blocks: fc.integer({ min: 1, max: 4 }) }),
  },
  fc.record({ kind: fc.constant('edit' as const), topology: fc.constantFrom(...topologies) }),
  fc.record({ kind: fc.constantFrom('restart' as const, 'kill' as const), ordinal: anyOrdinal }),
  fc.record({ kind: fc.constant('kill the controller' as const) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('see the edges' as const) }) },
);
type Act = typeof anyAct extends fc.Arbitrary<infer T> ? T : never;

describe('a network of five real bitcoinds in any history', function () {
  this.timeout(300_000);
  let alice: PlayedNetwork;
  let topology: Topology = topologies[0]!;

  before(async () => {
    alice = await PlayedNetwork.start(count, 12);
    alice.control();
    alice.create({ topology, blockProduction: { initialBlocks: 3 } });
    await eventually(() => alice.condition('BlocksProduced') === 'True InitialBlocksMined');
  });
  after(() => alice.stop());

  async function perform(act: Act): Promise<void> {
    if (act.kind === 'cut') alice.edit({ partition: { parts: [{ name: 'one', ordinals: [...act.ordinals] }] } });
    else if (act.kind === 'heal') alice.edit({ partition: undefined });
    else if (act.kind === 'mine') await alice.mine(act.ordinal, act.blocks);
    else if (act.kind === 'edit') alice.edit({ topology: (topology = act.topology) });
    else if (act.kind === 'restart' || act.kind === 'kill') await alice.restart(act.ordinal, act.kind === 'kill');
    else if (act.kind === 'see the edges') await eventually(() => alice.condition('Connected') === 'True EdgesConnected');
    else alice.killController();
  }

  /** As "0-1", of every connection that a node lists; twice if both ends do. */
  async function connections(): Promise<string[]> {
    const lists = await Promise.all(ordinals.map(ordinal => alice.call(ordinal, { method: 'getpeerinfo' })));
    return lists.flatMap((peers, ordinal) =>
      (peers as { readonly subver: string }[]).map(({ subver }) => {
        const other = Number(/\(alice-sts-(\d+)\)/.exec(subver)?.[1]);
        return `${Math.min(ordinal, other)}-${Math.max(ordinal, other)}`;
      }),
    );
  }

  /** Whether the status says of the chains of the nodes what they are. */
  async function isTrue(): Promise<boolean> {
    const tips = await alice.tips();
    const { chain, nodes = [] } = alice.status;
    if (nodes.some(({ ordinal, tip }) => tip !== tips[ordinal])) return false;
    const distinct = new Set(tips);
    if (distinct.size === 1) return alice.condition('ChainsAgree') === 'True OneTip' && chain?.tips === 1;
    const heights = new Set(nodes.map(({ height }) => height));
    // Of equal chains each node keeps the one that it saw first. Of others the longest wins.
    return heights.size === 1 && alice.condition('ChainsAgree') === 'False EqualWork' && chain?.tips === distinct.size;
  }

  it('has the connections of its plan at the end, and one chain, or says why not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyAct, { minLength: 4, maxLength: 10 }), async acts => {
        for (const act of acts) await perform(act);
        alice.edit({ partition: undefined });
        const members = ordinals.map(ordinal => ({ ordinal }));
        const planned = planTopology(topology, members, () => 8).edges.map(({ from, to }) => [from, to].sort().join('-'));
        await eventually(async () => {
          const found = await connections();
          return found.length === 2 * planned.length && planned.every(edge => found.filter(each => each === edge).length === 2);
        });
        await eventually(
          () => alice.condition('Connected') === 'True EdgesConnected' && alice.condition('Partitioned') !== 'True Cut',
        );
        await eventually(isTrue);
        // The next block decides what is left.
        await alice.mine(0, 1);
        await eventually(async () => new Set(await alice.tips()).size === 1 && (await isTrue()));
        expect(alice.status.chain?.forkDepth).to.equal(0);
      }),
      { numRuns: 2, endOnFailure: true },
    );
  });
});
