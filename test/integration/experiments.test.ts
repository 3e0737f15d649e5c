// Experiments with real bitcoinds: the cluster is in memory, and the controller that runs them is replaced at any moment.
import { expect } from 'chai';
import type { BitcoinExperimentStatus } from '../../src/bitcoin/api/bitcoin-experiment.ts';
import { PlayedNetwork } from '../support/played-network.ts';
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
    return lists.every(peers => (peers as unknown[]).length === 2) && alice.condition('Connected') === 'True EdgesConnected';
  }

  it('record that a part replaced three blocks', async () => {
    alice.experiment('reorg-3', reorg3);
    await eventually(() => isOver('reorg-3'));
    const status = statusOf('reorg-3');
    expect(isTrue('reorg-3', 'Complete'), JSON.stringify(status, null, 1)).to.equal(true);
    expect(status.reorgDepth).to.equal(3);
    await eventually(isHealed);
  });
});
