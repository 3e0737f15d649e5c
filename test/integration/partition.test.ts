// A network of real bitcoinds that is cut in two, makes blocks on both sides, and is healed.
import { expect } from 'chai';
import { PlayedNetwork } from '../support/played-network.ts';
import { eventually } from '../support/until.ts';

interface Peer {
  readonly subver: string;
}

describe('a network of six real bitcoinds that is cut in two', function () {
  this.timeout(180_000);
  let alice: PlayedNetwork;
  const parts = [
    { name: 'minority', ordinals: [0, 1] },
    { name: 'majority', ordinals: [2, 3, 4, 5] },
  ];

  before(async () => {
    alice = await PlayedNetwork.start(6, 3);
    alice.control();
  });
  after(() => alice.stop());

  const edges = () => alice.status.edges?.summary;

  /** How many connections join nodes of different parts, as the nodes list them. */
  async function crossings(): Promise<number> {
    const lists = await Promise.all(
      alice.bitcoinds.map(async (_, ordinal) => {
        const peers = (await alice.call(ordinal, { method: 'getpeerinfo' })) as Peer[];
        const others = peers.map(({ subver }) => Number(/\(alice-sts-(\d+)\)/.exec(subver)?.[1]));
        return others.filter(other => other < 2 !== ordinal < 2).length;
      }),
    );
    return lists.reduce((sum, count) => sum + count, 0);
  }

  for (const shape of ['Ring', undefined] as const)
    describe(shape === undefined ? 'of every node with every other' : `of a ${shape}`, () => {
      let eventsBefore: Readonly<Record<string, number>>;
      const reasons = ['PartitionStarted', 'PartitionHealed', 'ForkDetected', 'ForkResolved', 'ReorgObserved'] as const;
      const countsOf = () => Object.fromEntries(reasons.map(reason => [reason, alice.events(reason).length]));

      before(async () => {
        if (shape === 'Ring') alice.create({ topology: { type: shape } });
        else alice.edit({ topology: undefined, partition: undefined });
        await eventually(
          () => alice.condition('Connected') === (shape === undefined ? 'True PeersConnected' : 'True EdgesConnected'),
        );
        await alice.mine(0, 5);
        await eventually(async () => new Set(await alice.tips()).size === 1);
        await eventually(() => alice.condition('ChainsAgree') === 'True OneTip');
        eventsBefore = countsOf();
      });

      it('has no connection between the parts while it is cut, and all of them within', async () => {
        alice.edit({ partition: { parts, healAfterSeconds: 12 } });
        await eventually(() => alice.condition('Partitioned') === 'True Cut' && alice.condition('Connected').startsWith('True'));
        // bitcoind lists a connection for a moment after it was asked to close it.
        await eventually(async () => (await crossings()) === 0);
        if (shape === 'Ring') expect(edges()).to.equal('4/4');
      });

      it('is on two chains when both parts have made blocks', async () => {
        await alice.mine(0, 3);
        await alice.mine(2, 4);
        await eventually(() => alice.status.chain?.forkDepth === 3);
        expect(alice.status.chain?.tips).to.equal(2);
        expect(alice.condition('ChainsAgree')).to.equal('False Partitioned');
      });

      it('stays cut when its controller is replaced, and is healed at its time all the same', async () => {
        const { startTime } = alice.status.partition!;
        await alice.stopControlling();
        alice.control();
        await eventually(() => alice.condition('Partitioned') === 'False Healed');
        expect(alice.status.partition?.startTime).to.equal(startTime);
        await eventually(async () => new Set(await alice.tips()).size === 1);
        await eventually(
          () => alice.condition('ChainsAgree') === 'True OneTip' && alice.condition('Connected').startsWith('True'),
        );
        if (shape === 'Ring') expect(edges()).to.equal('6/6');
      });

      it('shows the newest blocks, with those that were replaced beside them', async () => {
        const shown = () => alice.status.chain?.blocks ?? [];
        await eventually(async () => shown()[0]?.hash === (await alice.tips())[0]);
        const main = shown().filter(({ parent }) => parent === undefined);
        const hashes = await Promise.all(main.map(({ height }) => alice.call(0, { method: 'getblockhash', params: [height] })));
        expect(main.map(({ hash }) => hash)).to.deep.equal(hashes);
        const replaced = shown().filter(({ parent }) => parent !== undefined);
        expect(replaced.slice(0, 3).map(({ height }) => main[0]!.height - height)).to.deep.equal([1, 2, 3]);
      });

      it('reports the partition, the fork and the replaced blocks of the two nodes once each', () => {
        const reorgs = alice.events('ReorgObserved').slice(eventsBefore['ReorgObserved']);
        expect(reorgs.map(message => message.split(':')[0])).to.have.members([
          'alice-sts-0 replaced 3 blocks',
          'alice-sts-1 replaced 3 blocks',
        ]);
        for (const reason of reasons.slice(0, 4)) expect(alice.events(reason), reason).to.have.length(eventsBefore[reason]! + 1);
        // As soon as it is seen: a node that was asked before counts with the chain that its blocks are on.
        const [of, chain] = ['2 chains: ', String.raw`height \d+ \(tip …[0-9a-f]{12}\) on nodes? [-, \d]+`];
        expect(alice.events('ForkDetected').at(-1)).to.match(new RegExp(`${of}${chain}; ${chain}, \\d blocks? apart`));
      });
    });
});
