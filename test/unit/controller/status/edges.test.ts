import { expect } from 'chai';
import type { BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import type { NodeReport } from '../../../../src/bitcoin/topology/connect-node.ts';
import { planTopology } from '../../../../src/bitcoin/topology/plan-topology.ts';
import { edgeEvents, EdgeHistory, lastingLoss } from '../../../../src/controller/events/edges.ts';
import { edgesOf, type EdgesStatus, edgesText, shownEdgesOf } from '../../../../src/controller/status/edges.ts';
import { node } from '../../../support/builders.ts';

const membersOf = (count: number) => Array.from({ length: count }, (_, ordinal) => ({ ordinal }));
const line = (count: number) => ({ topology: planTopology({ type: 'Line' }, membersOf(count)), description: 'Line' });
const report = (ordinal: number, ...peers: number[]): NodeReport => ({
  ...{ node: node(ordinal), isComplete: true },
  connections: peers.map(peer => ({ ordinal: peer, isInbound: false })),
});
const status = (edges: Partial<EdgesStatus> | undefined, reason = 'EdgesConnected'): BitcoinNetworkStatus => ({
  conditions: [{ type: 'Connected', status: 'True', reason, message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  ...(edges === undefined
    ? {}
    : { edges: { topology: 'Ring', wanted: 3, connected: 3, heldByController: 0, missing: [], summary: '3/3', ...edges } }),
});
const eventsBetween = (was: BitcoinNetworkStatus | undefined, is: BitcoinNetworkStatus, history = new EdgeHistory()): string[] =>
  edgeEvents(was, is, history).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);

describe('the edges of a network', () => {
  it('are connected if either end reports it, and the missing ones are named by ordinal', () => {
    const edges = edgesOf(line(4), [report(0, 1), report(1), report(2), report(3)]);
    expect(edges).to.deep.equal({
      ...{ topology: 'Line', wanted: 3, connected: 1, heldByController: 0 },
      ...{ missing: ['1-2', '2-3'], summary: '1/3' },
    });
    expect(edgesText(edges!)).to.equal('1 of 3 edges are connected; missing: 1-2, 2-3');
  });

  it('are named up to twenty, and counted beyond', () => {
    const edges = edgesOf(line(30), []);
    expect(edges?.missing).to.have.length(20);
    expect(edgesText(edges!)).to.match(/19-20 and 9 more$/);
  });

  it('are shown as they were between ready nodes that do not answer, and as missing where one is not ready or answers', () => {
    const before = edgesOf(line(4), [report(0, 1), report(2, 3)]);
    const silent = (ordinal: number): NodeReport => ({ node: node(ordinal), isComplete: false });
    const nodes = [0, 1, 2, 3].map(ordinal => node(ordinal));
    const missingWith = (of: typeof nodes, ...reports: NodeReport[]) => shownEdgesOf(line(4), reports, of, before)?.missing;
    expect(missingWith(nodes)).to.deep.equal(['1-2']);
    expect(missingWith(nodes, silent(0), report(3))).to.deep.equal(['1-2', '2-3']);
    expect(missingWith([node(0, { isReady: false }), ...nodes.slice(1)])).to.deep.equal(['0-1', '1-2']);
    expect(missingWith(nodes.slice(0, 3))).to.deep.equal(['1-2', '2-3']);
    expect(shownEdgesOf(line(5), [], nodes, before)).to.include({ wanted: 4, connected: 0 });
  });

  it('are none without a topology', () => {
    expect(edgesOf({ topology: undefined, description: undefined }, [report(0, 1)])).to.equal(undefined);
  });
});

describe('the events of edges', () => {
  it('are none for a new network', () => {
    expect(eventsBetween(undefined, status({ connected: 0 }))).to.deep.equal([]);
  });

  it('name a changed topology, and count its edges if this process knows the former plan', () => {
    const history = new EdgeHistory();
    history.noteChange(line(4).topology, planTopology({ type: 'Ring' }, membersOf(4)));
    const changed = status({ topology: 'Star (hub 0)' });
    expect(eventsBetween(status({}), changed, history)).to.deep.equal([
      'Normal TopologyChanged: Topology changed from Ring to Star (hub 0): 1 edges added, 0 removed',
    ]);
    expect(eventsBetween(status(undefined), changed)).to.deep.equal([
      'Normal TopologyChanged: Topology changed from none given to Star (hub 0)',
    ]);
  });

  it('warn of edges that were all connected, and report when they are again', () => {
    const lastEvents = [{ name: 'alice.1', type: 'Warning' as const, reason: 'EdgesLost', message: 'm' }];
    const lost = { ...status({ connected: 2, missing: ['0-2'] }), lastEvents };
    expect(eventsBetween(status({}), lost)).to.deep.equal(['Warning EdgesLost: Lost 1 of 3 edges: 0-2']);
    expect(eventsBetween(lost, status({ connected: 1 }))).to.deep.equal([]);
    expect(lastingLoss(lost, status({ connected: 1 }))).to.deep.equal(lastEvents);
    expect(eventsBetween(lost, status({}))).to.deep.equal(['Normal EdgesRestored: All 3 edges are connected again']);
    expect(lastingLoss(lost, status({}))).to.deep.equal([]);
  });

  it('keep no loss of a topology that has changed since', () => {
    const lastEvents = [{ name: 'alice.1', type: 'Warning' as const, reason: 'EdgesLost', message: 'm' }];
    const lost = { ...status({ connected: 2, missing: ['0-2'] }), lastEvents };
    expect(lastingLoss(lost, status({ topology: 'Line', connected: 1 }))).to.deep.equal([]);
  });

  it('are none while a network is scaled or comes up', () => {
    expect(eventsBetween(status({}), status({ wanted: 4, connected: 3 }))).to.deep.equal([]);
    expect(eventsBetween(status({ connected: 1 }), status({}))).to.deep.equal([]);
  });
});
