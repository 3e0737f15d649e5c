// Experiments with real bitcoinds: the cluster is in memory, and the controller that runs them is replaced at any moment.
import { expect } from 'chai';
import type { BitcoinExperimentSpec, BitcoinExperimentStatus } from '../../src/bitcoin/api/bitcoin-experiment.ts';
import { BitcoinTransportError } from '../../src/bitcoin/rpc/rpc-errors.ts';
import { experimentCalls } from '../../src/controller/experiments/experiment-calls.ts';
import { PlayedNetwork } from '../support/played-network.ts';
import { RealBitcoind } from '../support/processes/real-bitcoind.ts';
import { eventually } from '../support/until.ts';

const parts = [
  { name: 'minority', ordinals: [0, 1] },
  { name: 'majority', ordinals: [2, 3, 4, 5] },
];

/** reorg-3 of the examples. */
const reorg3 = [
  { name: 'cut', partition: { parts } },
  { name: 'short', mine: { ordinal: 0, blocks: 3 } },
  { name: 'long', mine: { ordinal: 2, blocks: 4 } },
  { name: 'join', heal: { timeoutSeconds: 30 } },
  { name: 'agree', wait: { condition: 'ChainsAgree' } },
];

describe('experiments with a network of six real bitcoinds', function () {
  this.timeout(180_000);
  let alice: PlayedNetwork;

  before(async () => {
    alice = await PlayedNetwork.start(6, 7);
    alice.control();
    alice.create({ topology: { type: 'Ring' }, blockProduction: { initialBlocks: 5 } });
    await eventually(() => alice.condition('BlocksProduced') === 'True InitialBlocksMined');
    await eventually(async () => new Set(await alice.tips()).size === 1);
  });
  after(() => alice.stop());

  const statusOf = (name: string): BitcoinExperimentStatus => alice.experimentOf(name)?.status ?? {};
  const isTrue = (name: string, type: string): boolean =>
    statusOf(name).conditions?.some(condition => condition.type === type && condition.status === 'True') ?? false;
  const isOver = (name: string): boolean => isTrue(name, 'Complete') || isTrue(name, 'Failed');

  async function isHealed(): Promise<boolean> {
    const lists = await Promise.all(
      alice.bitcoinds.map(async (_, ordinal) => await alice.call(ordinal, { method: 'getpeerinfo' })),
    );
    return lists.every(peers => (peers as unknown[]).length === 2);
  }

  /** The number of blocks between two heights of the network. */
  const height = async (): Promise<number> => Number(await alice.call(2, { method: 'getblockcount' }));

  async function completes(name: string, steps: BitcoinExperimentSpec['steps'], fields = {}): Promise<BitcoinExperimentStatus> {
    alice.experiment(name, steps, fields);
    await eventually(() => isOver(name));
    const status = statusOf(name);
    expect(isTrue(name, 'Complete'), JSON.stringify(status, undefined, 1)).to.equal(true);
    // Removed by the next write.
    await eventually(() => (alice.experimentOf(name)?.metadata.finalizers ?? []).length === 0);
    return status;
  }

  it('cut the network, make blocks on both sides and heal it, and record that one side replaced three blocks', async () => {
    const before = await height();
    const status = await completes('reorg-3', reorg3);
    expect(status.reorgDepth).to.equal(3);
    expect(status.steps?.map(({ name, reorgDepth }) => [name, reorgDepth])).to.deep.equal([
      ...[
        ['cut', undefined],
        ['short', undefined],
        ['long', undefined],
      ],
      ...[
        ['join', 3],
        ['agree', 0],
      ],
    ]);
    expect(status.steps?.[2]?.tips.map(tip => [tip.nodes, tip.height])).to.deep.equal([
      ['2-5', before + 4],
      ['0-1', before + 3],
    ]);
    expect(await height()).to.equal(before + 4);
    expect(await isHealed()).to.equal(true);
    for (const reason of ['ExperimentStarted', 'ExperimentCompleted', 'PartitionStarted', 'PartitionHealed', 'ForkDetected'])
      expect(alice.events(reason), reason).to.have.length(1);
    expect(alice.events('ReorgObserved').map(message => message.split(':')[0])).to.have.members([
      'alice-sts-0 replaced 3 blocks',
      'alice-sts-1 replaced 3 blocks',
    ]);
  });

  it('do each step once though the controller is killed before and after each of their writes', async () => {
    const before = await height();
    const writes = new Set<string>();
    const stop = killAtWrites(write => {
      const isFirst = !writes.has(write);
      writes.add(write);
      return isFirst;
    });
    const status = await completes('killed', reorg3);
    stop();
    expect(writes.size).to.be.greaterThan(15);
    expect([status.reorgDepth, await height()]).to.deep.equal([3, before + 4]);
    await eventually(isHealed);
  });

  /** @param isKilling called before and after each write of an experiment, with what it writes */
  function killAtWrites(isKilling: (write: string) => boolean): () => void {
    const { onCall, onStored } = alice.cluster;
    const textOf = (object: unknown): string => {
      const { step, steps, conditions, cut } = (object as { status?: BitcoinExperimentStatus }).status ?? {};
      const states = conditions?.map(({ type, status }) => `${type} ${status}`).join();
      return JSON.stringify([
        step,
        steps?.length,
        steps?.at(-1)?.stage,
        steps?.at(-1)?.completionTime !== undefined,
        states,
        cut !== undefined,
      ]);
    };
    alice.cluster.onCall = call => {
      const isWrite = call.verb !== 'get' && call.key.startsWith('bitcoinexperiments ');
      if (!isWrite || !isKilling(`before ${textOf(call.options)}`)) return;
      alice.killController();
      throw new Error('the process was killed');
    };
    alice.cluster.onStored = (plural, object, old) => {
      onStored(plural, object, old);
      if (plural === 'bitcoinexperiments' && old !== undefined && isKilling(`after ${textOf(object)}`)) alice.killController();
    };
    return () => Object.assign(alice.cluster, { onCall, onStored });
  }

  it('count the blocks that a call has made whose answer was lost', async () => {
    const before = await height();
    let calls = 0;
    await alice.stopControlling();
    const experimentCallsOf: typeof experimentCalls = options => {
      const all = experimentCalls(options);
      return {
        ...all,
        generate: async (...given) => {
          calls += 1;
          await all.generate(...given);
          throw new BitcoinTransportError('timeout', 'the answer was lost');
        },
      };
    };
    alice.control({ experimentCallsOf });
    await completes('lost-answer', [{ name: 'three', mine: { ordinal: 4, blocks: 3 } }]);
    expect([calls, await height()]).to.deep.equal([1, before + 3]);
  });

  const steps: BitcoinExperimentSpec['steps'] = [
    ...reorg3.slice(0, 4),
    { name: 'apart', isolate: { ordinals: [1, 3], forSeconds: 2 } },
    { name: 'deep', reorg: { ordinal: 5, depth: 2 } },
  ];

  it('isolate nodes, and let one replace as many blocks as they say', async () => {
    const status = await completes('reorg', steps.slice(4));
    expect(status.reorgDepth).to.equal(2);
    await eventually(isHealed);
  });

  it('fail if a node replaces nothing that was ahead of the others, though these replace as many blocks', async () => {
    alice.experiment('ahead', [
      { name: 'cut', partition: { parts: [{ name: 'a', ordinals: [0] }] } },
      { name: 'more', mine: { ordinal: 0, blocks: 5 } },
      { name: 'deep', reorg: { ordinal: 0, depth: 3 } },
    ]);
    await eventually(() => isOver('ahead'));
    const { reorgDepth, conditions } = statusOf('ahead');
    expect([isTrue('ahead', 'Failed'), conditions?.at(-1)?.reason, reorgDepth]).to.deep.equal([true, 'ReorgTooShort', 4]);
    await eventually(isHealed);
  });

  /** In which steps they are deleted. */
  const stages = ['cut Cutting', 'short Mining', 'join Healing', 'apart Waiting', 'apart Rejoining', 'deep MiningElsewhere'];

  /** Waits until the experiment is in the stage. */
  const reaches = (name: string, stage: string): Promise<void> =>
    eventually(() => {
      const { steps: begun = [] } = statusOf(name);
      return isOver(name) || begun.some(({ name: step, stage: is }) => `${step} ${is}` === stage);
    });

  for (const stage of stages)
    it(`heal the network if they are deleted in ${stage}`, async () => {
      const name = stage.toLowerCase().replace(' ', '-');
      const first = steps.findIndex(step => step.name === stage.split(' ')[0]);
      alice.experiment(
        name,
        stage.startsWith('join') || stage.startsWith('short') || stage.startsWith('long') ? steps : steps.slice(first),
      );
      await reaches(name, stage);
      alice.deleteExperiment(name);
      await eventually(() => alice.experimentOf(name) === undefined);
      // At once: the finalizer waits for it.
      expect(await isHealed()).to.equal(true);
    });

  for (const [stage, killed] of [
    ...['cut Cutting', 'short Mining', 'long Mining', 'join Healing'].map(each => [each, 0] as const),
    ['deep Mining', 5] as const,
  ])
    it(`heal the network if a node is killed in ${stage}`, async () => {
      const name = `node-${stage.toLowerCase().replace(' ', '-')}`;
      alice.experiment(name, stage.startsWith('deep') ? steps.slice(5) : reorg3);
      await reaches(name, stage);
      await alice.killNode(killed);
      await eventually(() => isOver(name));
      const reason = statusOf(name).conditions?.at(-1)?.reason;
      // Its blocks were nowhere else: they are missed while the others make theirs, or when the chains have joined.
      if (stage.startsWith('deep')) expect(reason, String(isTrue(name, 'Failed'))).to.be.oneOf(['ChainLost', 'ReorgTooShort']);
      else expect([isTrue(name, 'Complete'), statusOf(name).reorgDepth, reason]).to.deep.equal([true, 3, 'StepsDone']);
      await eventually(isHealed);
      await eventually(async () => new Set(await alice.tips()).size === 1);
    });

  it('restart nodes, each once', async () => {
    const evicted: string[] = [];
    alice.cluster.onEvicted = async key => {
      evicted.push(key);
      await alice.killNode(Number(key.at(-1)));
    };
    await completes('restart', [{ name: 'again', restart: { ordinals: [1, 4] } }]);
    expect(evicted).to.have.members(['default/alice-sts-1', 'default/alice-sts-4']);
    await eventually(isHealed);
  });

  it('wait for one another, and for spec.partition to be removed', async () => {
    alice.edit({ partition: { parts } });
    alice.experiment('first', [{ name: 'one', wait: { seconds: 1 } }]);
    alice.experiment('second', [{ name: 'one', wait: { seconds: 1 } }]);
    const waits = (name: string) => statusOf(name).conditions?.find(({ type }) => type === 'Started')?.reason;
    await eventually(() => waits('first') === 'NetworkPartitioned' && waits('second') === 'AnotherExperiment');
    alice.edit({ partition: undefined });
    await eventually(() => isOver('second'));
    expect(Date.parse(statusOf('second').startTime ?? '')).to.be.at.least(Date.parse(statusOf('first').completionTime ?? ''));
  });

  it('fail and heal the network when their time is over, and are deleted then', async () => {
    alice.experiment(
      'late',
      [
        { name: 'cut', partition: { parts } },
        { name: 'long', wait: { seconds: 600 } },
      ],
      {
        activeDeadlineSeconds: 2,
        ttlSecondsAfterFinished: 1,
      },
    );
    await eventually(() => isTrue('late', 'Failed'));
    expect(statusOf('late').conditions?.at(-1)?.reason).to.equal('DeadlineExceeded');
    expect(await isHealed()).to.equal(true);
    await eventually(() => alice.experimentOf('late') === undefined);
  });

  it('fail and heal the network when it is scaled down and a later step needs the node', async () => {
    alice.experiment('scaled', [
      { name: 'cut', partition: { parts } },
      { name: 'hold', wait: { seconds: 600 } },
      { name: 'last', mine: { ordinal: 5, blocks: 1 } },
    ]);
    await eventually(() => statusOf('scaled').steps?.at(-1)?.name === 'hold');
    alice.edit({ nodes: 5 });
    await eventually(() => isTrue('scaled', 'Failed'));
    const { conditions, cut } = statusOf('scaled');
    expect([conditions?.at(-1)?.reason, cut]).to.deep.equal(['OrdinalUnknown', undefined]);
    alice.edit({ nodes: 6 });
    await eventually(isHealed);
  });
});

describe('an experiment with a network that has an external peer', function () {
  this.timeout(120_000);
  let alice: PlayedNetwork;
  let outsider: RealBitcoind;

  before(async () => {
    outsider = await RealBitcoind.start({ user: 'user', password: 'password', ip: '127.0.36.1' });
    alice = await PlayedNetwork.start(3, 35);
    alice.control();
    alice.create({ externalPeers: [{ address: '127.0.36.1', ordinals: [0, 1, 2] }] });
    await eventually(() => alice.condition('Connected') === 'True PeersConnected');
  });
  after(async () => {
    await alice.stop();
    await outsider.stop();
  });

  /** The nodes that are connected with the external peer, as it lists them. */
  async function connected(): Promise<string> {
    const [peers] = await outsider.call({ method: 'getpeerinfo' });
    const names = (peers as { readonly subver: string }[]).map(({ subver }) => /\((alice-sts-\d+)\)/.exec(subver)?.[1]);
    return names.sort().join();
  }

  it('takes it from a node that is isolated, and leaves it to the others', async () => {
    const all = 'alice-sts-0,alice-sts-1,alice-sts-2';
    await eventually(async () => (await connected()) === all);
    alice.experiment('apart', [{ name: 'one', isolate: { ordinals: [0], forSeconds: 600 } }]);
    await eventually(() => alice.experimentOf('apart')?.status?.steps?.[0]?.stage === 'Waiting');
    // bitcoind lists a connection for a moment after it was closed.
    await eventually(async () => (await connected()) === 'alice-sts-1,alice-sts-2');
  });
});
