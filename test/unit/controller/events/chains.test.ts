import { expect } from 'chai';
import type { BitcoinNetworkSpec, BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import type { NodeReorg } from '../../../../src/bitcoin/chain/reorg.ts';
import type { NodeReport } from '../../../../src/bitcoin/topology/connect-node.ts';
import { ChainHistory } from '../../../../src/controller/events/chains.ts';
import { transitionEvents } from '../../../../src/controller/events/transitions.ts';
import type { Observation } from '../../../../src/controller/status/observation.ts';
import { isChainProgress, isUrgent, statusOf } from '../../../../src/controller/status/status.ts';
import { network, node } from '../../../support/builders.ts';

const nodes = [node(0), node(1), node(2)];
const now = new Date('2026-01-02T03:04:05.678Z');

/** The block of a chain at a height; chains part after height 10. */
const block = (chain: string, height: number) => (height <= 10 ? `c-${height}` : `${chain}-${height}`);

/** What a node reported that left the first chain for the other, such as from `b12` to `a13`. */
function reorgOf(ordinal: number, depth: number, from: string, to: string): NodeReorg {
  const chain = (text: string) => {
    const height = Number(text.slice(1));
    return { height, tip: block(text.slice(0, 1), height) };
  };
  return { nodeName: node(ordinal).name, ordinal, reorg: { depth, from: chain(from), to: chain(to) } };
}

/** Nodes that report their chain, such as `a12`, with the hashes that show how it goes with the others. */
function reportsOf(...chains: readonly string[]): NodeReport[] {
  return chains.map((text, ordinal) => {
    const [chain, height] = [text.slice(0, 1), Number(text.slice(1))];
    const hashes = new Map(Array.from({ length: height }, (_, index) => [index + 1, block(chain, index + 1)]));
    return { node: node(ordinal), isComplete: true, chain: { height, tip: block(chain, height) }, hashes };
  });
}

describe('the chains of a network', () => {
  let nowMs: number;
  let history: ChainHistory;
  let spec: Partial<BitcoinNetworkSpec>;

  beforeEach(() => {
    nowMs = 0;
    history = new ChainHistory(() => nowMs);
    spec = {};
  });

  function observationOf(reports: readonly NodeReport[]): Observation {
    const credentials = {
      isAvailable: true,
      credentials: { user: 'u', password: 'p' },
      version: 'v',
      reason: 'CredentialsFound',
      message: 'm',
    } as const;
    return { nodes, reports, credentials, children: [], problems: [], chains: history.observe(nodes, reports).chains };
  }

  const statusFor = (reports: readonly NodeReport[], previous?: BitcoinNetworkStatus) =>
    statusOf(network(spec), observationOf(reports), previous, now);
  const conditionIn = (status: BitcoinNetworkStatus) => {
    const found = status.conditions?.find(({ type }) => type === 'ChainsAgree');
    return found && `${found.status} ${found.reason}`;
  };
  /** The events of the change from one state to the next, as "Reason: message". */
  function eventsOf(before: readonly NodeReport[], after: readonly NodeReport[], reported: readonly NodeReorg[] = []): string[] {
    const previous = statusFor(before);
    const { chains } = history.observe(nodes, after);
    const reorgs = history.unpublished(reported);
    return transitionEvents(network(spec), previous, statusFor(after, previous), { chains, reorgs })
      .filter(({ reason }) => /Fork|Reorg|EqualWork/.test(reason))
      .map(({ reason, message }) => `${reason}: ${message}`);
  }

  it('are in the status with the height of each node, and agree', () => {
    const status = statusFor(reportsOf('a12', 'a12', 'a12'));
    expect(status.chain).to.deep.equal({ name: 'regtest', height: 12, tip: 'a-12', tips: 1, forkDepth: 0 });
    expect(status.nodes?.map(({ height, tip }) => [height, tip])).to.deep.equal(Array(3).fill([12, 'a-12']));
    expect(conditionIn(status)).to.equal('True OneTip');
  });

  it('keep the nodes that made their newest blocks while the producer has forgotten them, as during an experiment', () => {
    const reports = reportsOf('a12', 'a12', 'a12');
    const [hash, blocks] = ['a-12', [{ height: 12, hash: 'a-12', timeSeconds: 1_000, transactions: 1 }]];
    const production = { state: { reason: 'Producing' }, produced: 1, last: undefined, nextMs: undefined } as const;
    const made = { ...production, makers: new Map([[hash, 2]]) };
    const status = statusOf(network(spec), { ...observationOf(reports), blocks, production: made }, undefined, now);
    const later = statusOf(network(spec), { ...observationOf(reports), blocks }, status, now);
    expect(later.chain?.blocks).to.deep.equal([{ height: 12, hash, time: '1970-01-01T00:16:40Z', transactions: 1, ordinal: 2 }]);
  });

  it('leave the status of a network of two fields as it was as long as it has no block', () => {
    const status = statusFor(reportsOf('a0', 'a0', 'a0'));
    expect(status).to.not.have.property('chain');
    expect(status.nodes?.[0]).to.not.have.property('height');
    expect(conditionIn(status)).to.equal(undefined);
    spec = { topology: { type: 'Ring' } };
    expect(conditionIn(statusFor(reportsOf('a0', 'a0', 'a0')))).to.equal('True OneTip');
  });

  it('are forked if nodes have different blocks of one height', () => {
    const status = statusFor(reportsOf('a13', 'a13', 'b12'));
    expect(status.chain).to.include({ height: 13, tips: 2, forkDepth: 2 });
    expect(conditionIn(status)).to.equal('False Forked');
    expect(conditionIn(statusFor(reportsOf('a12', 'a12', 'b12')))).to.equal('False EqualWork');
  });

  it('are one while a block is on its way, and not any more if a node lacks it for ten seconds', () => {
    const behind = reportsOf('a13', 'a13', 'a12');
    expect(conditionIn(statusFor(behind))).to.equal('True OneTip');
    nowMs = 9_999;
    expect(conditionIn(statusFor(behind))).to.equal('True OneTip');
    nowMs = 10_000;
    expect(conditionIn(statusFor(behind))).to.equal('False NodesBehind');
    expect(conditionIn(statusFor(reportsOf('a13', 'a13', 'a13')))).to.equal('True OneTip');
  });

  it('stay forked until all nodes have shown otherwise, as for a controller that has just started', () => {
    const forked = statusFor(reportsOf('a13', 'a13', 'b12'));
    const [first, ...others] = reportsOf('a13', 'a13', 'b12');
    const partial = statusFor([first!], forked);
    expect([partial.chain, conditionIn(partial)]).to.deep.equal([forked.chain, 'False Forked']);
    const withoutHashes = [first!, ...others.map(report => ({ ...report, hashes: new Map<number, string>() }))];
    expect(statusFor(withoutHashes, forked).chain?.tips).to.equal(2);
  });

  it('are reported when they part, with heights, tips and nodes, and when they join', () => {
    expect(eventsOf(reportsOf('a12', 'a12', 'a12'), reportsOf('a13', 'a13', 'b12'))).to.deep.equal([
      'ForkDetected: The nodes are on 2 chains: height 13 (tip …a-13) on nodes 0-1; height 12 (tip …b-12) on node 2, 2 blocks apart',
    ]);
    expect(eventsOf(reportsOf('a13', 'a13', 'b12'), reportsOf('a13', 'a13', 'a13'))).to.deep.equal([
      'ForkResolved: All nodes are on one chain of height 13 (tip …a-13)',
    ]);
  });

  it('are reported as equal only once they are so without a cut', () => {
    expect(eventsOf(reportsOf('a13', 'a13', 'b12'), reportsOf('a13', 'a13', 'b13')).join()).to.match(/^EqualWorkRemains: /);
    expect(eventsOf(reportsOf('a13', 'a13', 'b13'), reportsOf('a13', 'a13', 'b13'))).to.deep.equal([]);
  });

  it('are not reported as equal again after a pause of the network, but for one that was cut when it was paused', () => {
    const reports = reportsOf('a13', 'a13', 'b13');
    const warned = statusFor(reports);
    const paused = (before: BitcoinNetworkStatus) => statusOf(network(spec), { isPaused: true, nodes }, before, now);
    const warnings = (before: BitcoinNetworkStatus) => {
      const { chains } = history.observe(nodes, reports);
      const events = transitionEvents(network(spec), before, statusFor(reports, before), { chains, reorgs: [] });
      return events.filter(({ reason }) => reason === 'EqualWorkRemains').length;
    };
    expect(warnings(paused(warned))).to.equal(0);
    const cut = { type: 'Partitioned', status: 'True', reason: 'Cut', message: '', lastTransitionTime: '' } as const;
    expect(warnings(paused({ ...warned, conditions: [cut, ...(warned.conditions ?? [])] }))).to.equal(1);
  });

  it('are reported for each node that replaced blocks, once', () => {
    const after = reportsOf('a13', 'a13', 'a13');
    const reorgs = [reorgOf(2, 2, 'b12', 'a13')];
    const event = 'ReorgObserved: alice-sts-2 replaced 2 blocks: height 12 (tip …b-12) became height 13 (tip …a-13)';
    expect(eventsOf(reportsOf('a13', 'a13', 'b12'), after, reorgs)).to.include(event);
    history.notePublished(history.unpublished(reorgs));
    expect(history.unpublished(reorgs)).to.deep.equal([]);
  });

  it('are reported for each time that a node replaced blocks before a write, and with more than four the others in one event', () => {
    const after = reportsOf('a13', 'a13', 'g17');
    const [first, ...others] = [
      ...[reorgOf(2, 1, 'a11', 'b12'), reorgOf(2, 2, 'b12', 'c13'), reorgOf(2, 3, 'c13', 'd14')],
      ...[reorgOf(2, 4, 'd14', 'e15'), reorgOf(2, 1, 'e15', 'f16'), reorgOf(2, 6, 'f16', 'g17')],
    ];
    const reorgsIn = (reported: readonly NodeReorg[]) =>
      eventsOf(after, after, reported)
        .filter(event => event.startsWith('ReorgObserved'))
        .map(event => event.slice('ReorgObserved: '.length).split(':')[0]);
    const named = ['1 block', '2 blocks', '3 blocks', '4 blocks'].map(blocks => `alice-sts-2 replaced ${blocks}`);
    expect(reorgsIn([first!, ...others])).to.deep.equal([...named, '2 more reorganisations replaced up to 6 blocks']);
    expect(reorgsIn([first!, ...others.slice(0, -1)])).to.deep.equal([...named, '1 more reorganisation replaced up to 1 block']);
    history.notePublished([first!]);
    expect(history.unpublished([first!, ...others])).to.deep.equal(others);
  });

  it('are reported as replaced also when the network is suspended before the write', () => {
    spec = { suspend: true };
    const event = 'ReorgObserved: alice-sts-2 replaced 2 blocks: height 12 (tip …b-12) became height 13 (tip …a-13)';
    expect(eventsOf([], [], [reorgOf(2, 2, 'b12', 'a13')])).to.deep.equal([event]);
  });

  it('are not reported again by a leader that started from an older status, nor after a write whose answer was lost', () => {
    const reorgs = [reorgOf(1, 1, 'b12', 'a12'), reorgOf(2, 1, 'c11', 'b12'), reorgOf(2, 2, 'b12', 'a13')];
    const [older, written] = [reportsOf('a13', 'b12', 'b12'), reportsOf('a13', 'a13', 'a13')].map(each => statusFor(each));
    expect(history.unpublished(reorgs, statusFor(reportsOf('a13', 'b12', 'c11')))).to.deep.equal(reorgs);
    expect(history.unpublished(reorgs, older), 'that reports the first of two').to.deep.equal([reorgs[0], reorgs[2]]);
    expect(history.unpublished(reorgs, written)).to.deep.equal([reorgs[0]]);
    const afterwards = statusFor(reportsOf('a14', 'a14', 'a14'));
    expect(history.unpublished(reorgs, afterwards), 'with the next block').to.deep.equal([reorgs[0]]);
    history = new ChainHistory(() => nowMs);
    expect(history.unpublished(reorgs, written), 'both of a node').to.deep.equal([reorgs[0]]);
  });

  it('are reported also when a node comes back to the chain that the status shows', () => {
    const shown = statusFor(reportsOf('a13', 'a13', 'a13'));
    const reorgs = [reorgOf(2, 1, 'a13', 'b14'), reorgOf(2, 2, 'b14', 'a13')];
    expect(history.unpublished(reorgs, shown)).to.deep.equal(reorgs);
  });

  it('are written as progress with each block, and at once when they part', () => {
    const before = statusFor(reportsOf('a12', 'a12', 'a12'));
    const next = statusFor(reportsOf('a13', 'a13', 'a13'), before);
    expect([isChainProgress(before, next), isUrgent(before, next)]).to.deep.equal([true, false]);
    const forked = statusFor(reportsOf('a13', 'a13', 'b13'), before);
    expect([isChainProgress(before, forked), isUrgent(before, forked)]).to.deep.equal([false, true]);
    const deeper = statusFor(reportsOf('a15', 'a15', 'b14'), forked);
    expect(deeper.chain?.forkDepth).to.equal(4);
    const later = statusFor(reportsOf('a16', 'a16', 'b15'), deeper);
    expect([isChainProgress(deeper, later), isUrgent(deeper, later)], 'more blocks of a fork').to.deep.equal([true, false]);
  });

  it('lets the status wait for a second at most until a new fork is known with all its nodes', () => {
    const settlesInMs = (reports: readonly NodeReport[], tips = 1) =>
      history.observe(nodes, reports, {
        chain: { name: 'regtest', height: 11, tip: 'a-11', tips, forkDepth: 0 },
      }).settlesInMs;
    expect(settlesInMs(reportsOf('a12', 'a11', 'a12')), 'no fork').to.equal(0);
    expect(settlesInMs(reportsOf('a12', 'b12', 'a10')), 'the third node may be on either').to.equal(1_000);
    nowMs = 400;
    expect(settlesInMs(reportsOf('a12', 'b12', 'a10'))).to.equal(600);
    expect(settlesInMs(reportsOf('a12', 'b12', 'b12')), 'all are known').to.equal(0);
    expect(settlesInMs(reportsOf('a12', 'b12', 'a10'), 2), 'a fork that is reported').to.equal(0);
    nowMs = 5_000;
    expect(settlesInMs(reportsOf('a12', 'b12', 'a10'))).to.equal(1_000);
    nowMs = 6_000;
    expect(settlesInMs(reportsOf('a12', 'b12', 'a10'))).to.equal(0);
  });

  it('is not behind as long as it was not asked again, as with many networks', () => {
    const asked = (askedAtMs: number) => reportsOf('a12', 'a11', 'a12').map(report => ({ ...report, askedAtMs }));
    const laggingAt = (ms: number, askedAtMs: number) => {
      nowMs = ms;
      const { chains, waitMs } = history.observe(nodes, asked(askedAtMs));
      return [chains?.lagging, waitMs];
    };
    expect(laggingAt(0, 0)).to.deep.equal([[], 10_000]);
    expect(laggingAt(15_000, 0)).to.deep.equal([[], 2_500]);
    expect(laggingAt(20_000, 20_000)).to.deep.equal([[1], undefined]);
  });

  it('is not behind if each time it only lacks a block that was just made', () => {
    const behindAt = (...chains: readonly string[]) => history.observe(nodes, reportsOf(...chains)).chains?.lagging;
    for (let height = 1; height <= 10; height += 1) {
      nowMs += 2_000;
      expect(behindAt(`a${height}`, `a${height - 1}`, `a${height}`)).to.deep.equal([]);
    }
    nowMs += 10_000;
    expect(behindAt('a12', 'a9', 'a12')).to.deep.equal([1]);
  });
});
