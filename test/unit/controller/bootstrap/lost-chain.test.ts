import { expect } from 'chai';
import { isChainLost } from '../../../../src/controller/bootstrap/lost-chain.ts';
import type { NodeReport } from '../../../../src/bitcoin/topology/connect-node.ts';
import { network, node } from '../../../support/builders.ts';

const alice = network({ nodes: 2 });
const nodes = [node(0), node(1)];
const report = (ordinal: number, height: number, askedAtMs = 20): NodeReport => ({
  ...{ node: node(ordinal), isComplete: true, askedAtMs },
  chain: { height, tip: 'ab' },
});
const isLost = (fields: Partial<Parameters<typeof isChainLost>[2]>) =>
  isChainLost(alice, 300, { nodes, reports: [report(0, 0), report(1, 299)], ...fields }, 10);

describe('the blocks that a network started with', () => {
  it('are lost when all nodes have fewer', () => {
    expect(isLost({})).to.equal(true);
  });

  for (const [what, fields] of [
    ['a node has them', { reports: [report(0, 0), report(1, 300)] }],
    ['a node has not reported since they were copied', { reports: [report(0, 0), report(1, 0, 5)] }],
    ['a node has not reported', { reports: [report(0, 0)] }],
    ['a node has reported no chain', { reports: [report(0, 0), { node: node(1), isComplete: false }] }],
    ['a node is not ready', { nodes: [node(0), node(1, { isReady: false })] }],
    ['a node does not exist', { nodes: [node(0)], reports: [report(0, 0)] }],
    ['no node exists', { nodes: [], reports: [] }],
  ] as const)
    it(`are not taken for lost while ${what}`, () => {
      expect(isLost(fields)).to.equal(false);
    });
});
