import { expect } from 'chai';
import type { NodeReport } from '../../../../src/bitcoin/topology/connect-node.ts';
import type { Node } from '../../../../src/bitcoin/topology/peer-plan.ts';
import { ChainHistory } from '../../../../src/controller/events/chains.ts';
import { keptMs } from '../../../../src/controller/events/kept-branches.ts';
import { node } from '../../../support/builders.ts';

/** Nodes 0 and 1 are on one chain, and node 2 on another one since height 10. */
const chains = ['a-13', 'a-13', 'b-12'] as const;
const block = (chain: string, height: number) => (height <= 10 ? `c-${height}` : `${chain}-${height}`);

function reportOf(of: Node, text: string): NodeReport {
  const [chain, height] = [text.slice(0, 1), Number(text.slice(2))];
  const hashes = new Map(Array.from({ length: height }, (_, index) => [index + 1, block(chain, index + 1)]));
  return { node: of, isComplete: true, chain: { height, tip: block(chain, height) }, hashes };
}

describe('a branch whose nodes are all away', () => {
  const [first, second, third] = [node(0), node(1), node(2)];
  const away = { ...third, isReady: false };
  const reports = [first, second, third].map((each, index) => reportOf(each, chains[index] ?? ''));
  const others = reports.slice(0, 2);
  let nowMs: number;
  let history: ChainHistory;

  beforeEach(() => {
    nowMs = 0;
    history = new ChainHistory(() => nowMs);
    history.observe([first, second, third], reports);
  });

  const tipsOf = (nodes: readonly Node[], of: readonly NodeReport[], stored: readonly number[] = []) =>
    history.observe(nodes, of, undefined, new Set(stored)).chains?.branches.map(({ tip }) => tip);

  it('is one of the network while its node is not ready at the same address, as when its container is restarted', () => {
    expect(tipsOf([first, second, away], others)).to.deep.equal(['a-13', 'b-12']);
    expect(tipsOf([first, second, third], reports)).to.deep.equal(['a-13', 'b-12']);
  });

  it('is one while the pod of a node with a volume is replaced', () => {
    for (const nodes of [
      [first, second],
      [first, second, { ...away, ip: '' }],
      [first, second, { ...away, ip: '10.9.9.9' }],
    ])
      expect(tipsOf(nodes, others, [2])).to.deep.equal(['a-13', 'b-12']);
  });

  it('is one, and stays the first, if it is the longest or as long as the other', () => {
    const forked = ['b-12', 'a-12', 'a-12'].map((text, index) => reportOf(node(index), text));
    for (const longest of ['a-12', 'a-13']) {
      history = new ChainHistory(() => nowMs);
      const all = forked.map((report, index) => (index === 0 ? report : reportOf(node(index), longest)));
      history.observe([first, second, third], all);
      const nodes = [first, { ...second, isReady: false }, away];
      const { chains } = history.observe(nodes, all.slice(0, 1));
      expect(chains?.branches.map(({ tip, depth, ordinals }) => ({ tip, depth, ordinals }))).to.deep.equal([
        { tip: longest, depth: 0, ordinals: [1, 2] },
        { tip: 'b-12', depth: 2, ordinals: [0] },
      ]);
      expect(tipsOf([first, second, third], all)).to.deep.equal([longest, 'b-12']);
    }
  });

  it('comes after one that has grown beyond it meanwhile', () => {
    const nodes = [{ ...first, isReady: false }, { ...second, isReady: false }, third];
    const { chains } = history.observe(nodes, [reportOf(third, 'b-15')]);
    expect(chains?.branches.map(({ tip, depth }) => ({ tip, depth }))).to.deep.equal([
      { tip: 'b-15', depth: 0 },
      { tip: 'a-13', depth: 3 },
    ]);
  });

  it('is gone with the pod of a node without a volume', () => {
    expect(tipsOf([first, second, { ...away, ip: '10.9.9.9' }], others)).to.deep.equal(['a-13']);
  });

  it('is gone when its node has joined the other chain', () => {
    tipsOf([first, second, away], others);
    expect(tipsOf([first, second, third], [...others, reportOf(third, 'a-13')])).to.deep.equal(['a-13']);
  });

  it('is gone when the other nodes have joined it', () => {
    const joined = [first, second].map(each => reportOf(each, 'b-14'));
    expect(tipsOf([first, second, away], joined)).to.deep.equal(['b-14']);
  });

  it('is given up after a minute, for which the network is reconciled again', () => {
    const nodes = [first, second, away];
    expect(history.observe(nodes, others).waitMs).to.equal(keptMs);
    nowMs = keptMs - 1;
    expect(tipsOf(nodes, others)).to.deep.equal(['a-13', 'b-12']);
    nowMs = keptMs;
    expect(tipsOf(nodes, others)).to.deep.equal(['a-13']);
  });

  it('does not make its nodes count as behind', () => {
    const [, ...lower] = [reportOf(first, 'a-13'), reportOf(second, 'b-12'), reportOf(third, 'b-11')];
    history.observe([first, second, third], [reportOf(first, 'a-13'), ...lower]);
    nowMs = 30_000;
    const nodes = [first, { ...second, isReady: false }, away];
    history.observe(nodes, [reportOf(first, 'a-13')]);
    nowMs = 45_000;
    expect(history.observe(nodes, [reportOf(first, 'a-13')]).chains).to.deep.include({ lagging: [] });
  });
});
