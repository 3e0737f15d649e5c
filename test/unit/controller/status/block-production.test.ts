import { expect } from 'chai';
import type { BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import type { SideState } from '../../../../src/controller/blocks/production-side.ts';
import { blockProductionStatusOf, blocksProduced, productionEvents } from '../../../../src/controller/status/block-production.ts';
import { network } from '../../../support/builders.ts';

const production = { initialBlocks: 101, intervalSeconds: 10 };
const alice = network({ blockProduction: production });
const last = { height: 102, hash: 'ab', ordinal: 1, timeMs: Date.UTC(2026, 0, 1) };
const making: SideState = { reason: 'Producing' };
const notReady: SideState = { reason: 'ProducerNotReady', message: 'none of the producers is ready (nodes 0, 1, 2)' };

function statusOf(state: SideState, produced: number, height = 102): BitcoinNetworkStatus {
  const observed = { state, produced, last: undefined, nextMs: undefined };
  const condition = blocksProduced(alice, production, observed, height);
  return {
    chain: { name: 'regtest', height, tip: 'ab', tips: 1, forkDepth: 0 },
    blockProduction: blockProductionStatusOf(observed),
    conditions: [{ type: 'BlocksProduced', lastTransitionTime: '2026-01-01T00:00:00Z', ...condition }],
  };
}

/** The reasons of the events of the changes from one status to the next. */
const reasonsOf = (...statuses: readonly (BitcoinNetworkStatus | undefined)[]): string[] =>
  statuses
    .slice(1)
    .flatMap((status, index) => productionEvents(alice, statuses[index], status ?? {}).map(({ reason }) => reason));

describe('the status of the blocks of a network', () => {
  it('has the number of blocks, the last one, and when the next is due', () => {
    const nextMs = last.timeMs + 10_000;
    expect(blockProductionStatusOf({ state: making, produced: 102, last, nextMs })).to.deep.equal({
      produced: 102,
      last: { height: 102, hash: 'ab', ordinal: 1, time: '2026-01-01T00:00:00.000Z' },
      nextTime: '2026-01-01T00:00:10.000Z',
    });
  });

  it('says why no block is made', () => {
    const { status, reason, message } = statusOf(notReady, 0).conditions![0]!;
    expect([status, reason, message]).to.deep.equal([
      'False',
      'ProducerNotReady',
      'none of the producers is ready (nodes 0, 1, 2)',
    ]);
  });

  it('says that blocks pay nothing any more from height 4,950 on', () => {
    expect(statusOf(making, 5_000, 4_949).conditions?.[0]?.reason).to.equal('Producing');
    expect(statusOf(making, 5_000, 4_950).conditions?.[0]).to.include({ status: 'False', reason: 'SubsidyExhausted' });
  });

  it('says from height 4,500 on that few blocks are left that pay a reward, without counting them', () => {
    const messageAt = (height: number) => statusOf(making, 0, height).conditions?.[0]?.message;
    expect(messageAt(4_499)).to.equal('a block every 10 s');
    expect(messageAt(4_500)).to.equal(
      'a block every 10 s; fewer than 450 blocks are left that pay a reward: from height 4950 on they pay nothing but fees',
    );
    expect(messageAt(4_949)).to.equal(messageAt(4_500));
  });

  it('takes a slow block on a signet for the work that it is, until it takes three intervals', () => {
    const conditionOf = (chain: 'signet' | 'regtest', isLate: boolean, height = 101) => {
      const observed = { produced: 0, last: undefined, nextMs: undefined };
      const state: SideState = { reason: 'StillMaking', message: 'alice-sts-1 is still making a block', isLate };
      const { status, reason } = blocksProduced(network({ chain }), production, { ...observed, state }, height);
      return `${status} ${reason}`;
    };
    expect(conditionOf('signet', false)).to.equal('True Producing');
    expect(conditionOf('signet', true)).to.equal('False DifficultyTooHigh');
    expect(conditionOf('regtest', false)).to.equal('False ProducerNotReady');
    for (const isLate of [false, true])
      expect(conditionOf('signet', isLate, 100), 'an initial one').to.equal('False MiningInitialBlocks');
  });
});

describe('the events of the blocks of a network', () => {
  const mining: SideState = { reason: 'MiningInitialBlocks' };

  it('are one for the initial blocks and one for those that follow, also if no node was ready at first', () => {
    expect(reasonsOf(undefined, statusOf(mining, 0), statusOf(making, 101))).to.deep.equal([
      'InitialBlocksMined',
      'BlocksStarted',
    ]);
    expect(reasonsOf(undefined, statusOf(notReady, 0, 0), statusOf(making, 101))).to.deep.equal([
      'InitialBlocksMined',
      'BlocksStarted',
    ]);
  });

  it('tell of a producer that is lost, and not of its return', () => {
    expect(reasonsOf(statusOf(making, 150), statusOf(notReady, 150), statusOf(making, 150))).to.deep.equal([
      'BlockProductionFailed',
    ]);
  });

  it('tell of a pause and of its end', () => {
    expect(reasonsOf(statusOf(making, 150), statusOf({ reason: 'Paused' }, 150), statusOf(making, 150))).to.deep.equal([
      'BlocksPaused',
      'BlocksStarted',
    ]);
  });

  it('are none for a pause of the whole network, which is no change of blockProduction, and for its end', () => {
    const before = [statusOf(making, 150), statusOf({ reason: 'Paused' }, 150), statusOf(making, 5_000, 4_960)];
    for (const status of before) {
      const [condition] = status.conditions ?? [];
      const paused = { ...status, conditions: [{ ...condition!, status: 'Unknown', reason: 'Paused' } as const] };
      expect(reasonsOf(status, paused, paused, status), condition?.message).to.deep.equal([]);
    }
  });

  it('are not repeated after a failure by a controller that did not make the initial blocks', () => {
    expect(reasonsOf(statusOf(making, 0), statusOf(notReady, 0), statusOf(making, 0))).to.deep.equal(['BlockProductionFailed']);
    const failed = statusOf(notReady, 0, 500);
    const copied = { ...failed, bootstrap: { height: 500 } } as BitcoinNetworkStatus;
    expect(reasonsOf(copied, statusOf(making, 0, 501)), 'the first block after those of another network').to.deep.equal([
      'BlocksStarted',
    ]);
  });

  it('are none while nothing changes but the number of blocks', () => {
    expect(reasonsOf(statusOf(making, 150), statusOf(making, 151), statusOf(making, 152))).to.deep.equal([]);
  });

  it('warn once before the reward is used up', () => {
    expect(reasonsOf(...[4_499, 4_500, 4_501].map(height => statusOf(making, height, height)))).to.deep.equal([
      'SubsidyExhausted',
    ]);
    expect(reasonsOf(statusOf(mining, 0, 0), statusOf({ reason: 'InitialBlocksMined' }, 4_600, 4_600))).to.deep.equal([
      ...['SubsidyExhausted', 'InitialBlocksMined'],
    ]);
  });

  it('warn once when the reward is used up', () => {
    const exhausted = [statusOf(making, 5_000, 4_950), statusOf(making, 5_001, 4_951)];
    expect(reasonsOf(statusOf(making, 4_999, 4_949), ...exhausted)).to.deep.equal(['SubsidyExhausted']);
  });
});
