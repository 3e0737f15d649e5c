import { expect } from 'chai';
import { BitcoinTransportError } from '../../../../src/bitcoin/rpc/rpc-errors.ts';
import type { NodeReport } from '../../../../src/bitcoin/topology/connect-node.ts';
import { observeEdges } from '../../../../src/bitcoin/topology/observe-edges.ts';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import { node } from '../../../support/builders.ts';
import { membersFrom } from '../../../support/graph.ts';

const report = (ordinal: number, ...others: number[]): NodeReport => ({
  node: node(ordinal),
  isComplete: true,
  connections: others.map(other => ({ ordinal: other, isInbound: false })),
});

describe('observeEdges', () => {
  const line = planTopology({ type: 'Line' }, membersFrom(0, 4));

  it('takes an edge for connected that either of its nodes reports', () => {
    const connected = { wanted: 3, connected: 3, heldByController: 0, missing: [] };
    expect(observeEdges(line, [report(0, 1), report(2, 1, 3)])).to.deep.equal(connected);
    expect(observeEdges(line, [report(1, 0), report(1, 2), report(3, 2)])).to.deep.equal(connected);
  });

  it('names every edge that no node reports, the lower ordinal first', () => {
    const failure = new BitcoinTransportError('timeout', 'no answer');
    const reports = [report(2, 1), { node: node(3), isComplete: false, failure }];
    expect(observeEdges(line, reports)).to.deep.equal({ wanted: 3, connected: 1, heldByController: 0, missing: ['0-1', '2-3'] });
    const star = planTopology({ type: 'Star', star: { hub: 11 } }, membersFrom(0, 12));
    expect(observeEdges(star, []).missing.slice(0, 3)).to.deep.equal(['0-11', '1-11', '2-11']);
    expect(observeEdges(star, []).missing).to.have.length(11);
  });

  it('does not count connections that are not planned', () => {
    expect(observeEdges(line, [report(0, 3, 2)])).to.include({ wanted: 3, connected: 0 });
  });

  it('counts the edges that are in no added-node list', () => {
    const mesh = planTopology({ type: 'FullMesh' }, membersFrom(0, 18));
    expect(observeEdges(mesh, [])).to.include({ wanted: 153, connected: 0, heldByController: 9 });
  });
});
