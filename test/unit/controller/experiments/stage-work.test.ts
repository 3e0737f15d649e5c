import { expect } from 'chai';
import type { BitcoinExperiment } from '../../../../src/bitcoin/api/bitcoin-experiment.ts';
import { BitcoinRpcError, BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import type { Node } from '../../../../src/bitcoin/topology/peer-plan.ts';
import type { ExperimentCalls } from '../../../../src/controller/experiments/experiment-calls.ts';
import type { NodeChain } from '../../../../src/controller/experiments/observed-chains.ts';
import { positionOf, started } from '../../../../src/controller/experiments/progress.ts';
import { connectStage, mineStage, type StageContext } from '../../../../src/controller/experiments/stage-work.ts';
import { planNetwork } from '../../../../src/controller/network-plan.ts';
import { network, node } from '../../../support/builders.ts';

const alice = network();
const spec: BitcoinExperiment['spec'] = {
  network: { name: 'alice' },
  steps: [{ name: 'three', mine: { ordinal: 0, blocks: 3 } }],
};
const chain = (ordinal: number, height: number, isGenerating = false): NodeChain => ({
  ...{ ordinal, height, isGenerating },
  tip: String(height).padStart(64, '0'),
});
const status = started(spec, undefined, { chains: [0, 1, 2].map(ordinal => chain(ordinal, 5)) }, { nowMs: 0, generation: 1 });
const position = positionOf(spec, status)!;
const experiment: BitcoinExperiment = { metadata: { name: 'one', namespace: 'default', uid: 'uid' }, spec, status };

/** Nodes that answer as given, and the numbers of blocks that were asked for. */
function played(calls: Partial<ExperimentCalls> = {}, fields: Partial<StageContext> = {}) {
  const asked: number[] = [];
  const context: StageContext = {
    ...{
      experiment,
      network: alice,
      plan: planNetwork(alice),
      isMet: true,
      position,
      nowMs: () => 60_000,
      askNow: () => undefined,
    },
    observed: {
      ...{ network: alice, nodes: [0, 1, 2].map(ordinal => node(ordinal)), reports: [] },
      ...{ credentials: { user: '', password: '' }, previous: [] },
    },
    signal: new AbortController().signal,
    calls: {
      chains: nodes => Promise.resolve(nodes.map(({ ordinal }) => chain(ordinal, 5))),
      countMarked: () => Promise.resolve(0),
      generate: (_, blocks) => {
        asked.push(blocks);
        return Promise.resolve([]);
      },
      mayGenerate: () => true,
      replacedBlocks: () => Promise.resolve(0),
      ...calls,
    },
    ...fields,
  };
  return { context, asked, run: () => mineStage(context, { stage: 'Mining', work: 'mine', ordinal: 0, blocks: 3 }) };
}

describe('the stage of an experiment that makes blocks', () => {
  it('makes those that the chain does not have yet, and none if it has them', async () => {
    for (const [made, wanted] of [
      [0, [3]],
      [2, [1]],
      [3, []],
      [4, []],
    ] as const) {
      const { asked, run } = played({ countMarked: () => Promise.resolve(made) });
      expect('done' in (await run()), String(made)).to.equal(made >= 3);
      expect(asked).to.deep.equal(wanted);
    }
  });

  it('makes one block a call if a block takes work, so that bitcoind makes no more after the end of the experiment', async () => {
    const signet = network({ chain: 'signet', signet: { challenge: '51' } });
    const { asked, run } = played({}, { network: signet });
    await run();
    expect(asked).to.deep.equal([1]);
  });

  it('sends nothing unless the Lease lasts for longer than the call may take', async () => {
    const { asked, run } = played({ mayGenerate: () => false });
    expect(await run()).to.deep.equal({ waitMs: 500 });
    expect(asked).to.deep.equal([]);
  });

  it('sends nothing while a node is at work, while blockProduction does not rest, and while the node lacks blocks of others', async () => {
    const working = played({ chains: nodes => Promise.resolve(nodes.map(({ ordinal }) => chain(ordinal, 5, ordinal === 2))) });
    const unmet = played({}, { isMet: false });
    const behind = played({
      chains: nodes => Promise.resolve(nodes.map(({ ordinal }) => chain(ordinal, ordinal === 0 ? 4 : 6))),
    });
    for (const { asked, run } of [working, unmet, behind]) {
      expect(await run()).to.have.property('waitMs');
      expect(asked).to.deep.equal([]);
    }
  });

  it('fails if all nodes of the part have lost the blocks that there were', async () => {
    const { asked, run } = played({ chains: nodes => Promise.resolve(nodes.map(({ ordinal }) => chain(ordinal, 0))) });
    const outcome = await run();
    expect('failed' in outcome && outcome.failed.reason).to.equal('ChainLost');
    expect(asked).to.deep.equal([]);
  });

  it('tries again after a call without an answer, and fails if bitcoind refuses', async () => {
    const failing = (error: Error) => played({ generate: () => Promise.reject(error) }).run();
    expect(await failing(new BitcoinTransportError('timeout', 'no answer'))).to.have.property('waitMs');
    const refused = await failing(new BitcoinRpcError('generatetodescriptor', -1, 'no'));
    expect('failed' in refused && refused.failed.reason).to.equal('MiningFailed');
  });
});

describe('the stage of an experiment that heals a reorg', () => {
  const tips = [
    { height: 8, hash: 'a'.repeat(64), nodes: '0' },
    { height: 7, hash: 'b'.repeat(64), nodes: '1-2' },
  ];
  const healing = { ...position, step: { ...position.step, stage: 'Healing' as const, tips } };
  const heal = (replacedBlocks: ExperimentCalls['replacedBlocks'], isReady = true) => {
    const nodes = [node(0, { isReady }), node(1), node(2)];
    const reports = nodes.map(each => ({ node: each, isComplete: true, outsidePeers: 0 }));
    const { context } = played({ replacedBlocks });
    return connectStage(
      { ...context, position: healing, observed: { ...context.observed, nodes, reports } },
      { stage: 'Healing', work: 'connect', parts: undefined, joins: true, timeoutSeconds: 120, ordinal: 0 },
    );
  };

  it('asks the node of the step itself how many blocks it replaced', async () => {
    const outcome = await heal(({ ordinal }) => Promise.resolve(ordinal === 0 ? 0 : 4));
    expect('done' in outcome && outcome.done).to.include({ ownReorgDepth: 0, reorgDepth: 4 });
    const lost = await heal(({ ordinal }) => Promise.resolve(ordinal === 0 ? undefined : 4));
    expect('done' in lost && lost.done).to.include({ ownReorgDepth: 0, reorgDepth: 4 });
  });

  it('does not leave the stages before it without the tip of that node', async () => {
    const steps = [{ name: 'three', reorg: { ordinal: 0, depth: 1 } }];
    const mine = (silent: number) => {
      const chains = (nodes: readonly Node[]) =>
        Promise.resolve(nodes.flatMap(({ ordinal }) => (ordinal === silent ? [] : chain(ordinal, 5))));
      const of = { experiment: { ...experiment, spec: { ...spec, steps } } };
      const { context } = played({ chains, countMarked: () => Promise.resolve(3) }, of);
      return mineStage(context, { stage: 'MiningElsewhere', work: 'mine', ordinal: undefined, apartFrom: 0, blocks: 3 });
    };
    expect(await mine(0)).to.include({ message: 'until node 0 answers' });
    expect(await mine(2)).to.have.property('done');
  });

  it('waits for that node', async () => {
    const noAnswer = new BitcoinTransportError('timeout', 'no answer');
    const failing = await heal(({ ordinal }) => (ordinal === 0 ? Promise.reject(noAnswer) : Promise.resolve(4)));
    expect(failing).to.include({ message: 'until node 0 answers' });
    expect(await heal(() => Promise.resolve(4), false)).to.include({ message: 'until node 0 answers' });
  });
});
