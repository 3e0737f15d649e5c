import { expect } from 'chai';
import type { BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { rolloutEvents } from '../../../../src/controller/events/rollout.ts';

/** A status of three nodes with that condition UpToDate. */
function status(reason: string, message: string, rollout?: BitcoinNetworkStatus['rollout']): BitcoinNetworkStatus {
  const node = { ready: true, ip: '10.0.0.1', dnsName: '', nodeName: '' };
  const state = reason === 'AllNodesUpdated' ? 'True' : 'False';
  return {
    nodes: [0, 1, 2].map(ordinal => ({ ...node, ordinal })),
    conditions: [{ type: 'UpToDate', status: state, reason, message, lastTransitionTime: '2026-01-01T00:00:00Z' }],
    ...(rollout === undefined ? {} : { rollout }),
  };
}

const upToDate = status('AllNodesUpdated', '3 of 3 nodes are up to date');
const rollingOut = status('RollingOut', 'waiting for sts-2', { updatedNodes: 0, current: 'sts-2' });

const eventsOf = (previous: BitcoinNetworkStatus | undefined, now: BitcoinNetworkStatus): string[] =>
  rolloutEvents(previous, now).map(({ type, reason, message }) => `${type} ${reason} ${message}`);

describe('the events of a rollout', () => {
  it('are none for a network that has come up, and for one whose rollout only goes on waiting', () => {
    expect(eventsOf(undefined, upToDate)).to.deep.equal([]);
    expect(eventsOf({}, {})).to.deep.equal([]);
    expect(eventsOf(rollingOut, status('RollingOut', 'still waiting', { updatedNodes: 0, current: 'sts-2' }))).to.deep.equal([]);
  });

  it('report its start, each updated node, and its end', () => {
    expect(eventsOf(upToDate, rollingOut)).to.deep.equal(['Normal RolloutStarted Waiting for sts-2']);
    const next = status('RollingOut', 'waiting for sts-1', { updatedNodes: 1, current: 'sts-1' });
    expect(eventsOf(rollingOut, next)).to.deep.equal(['Normal NodeUpdated Updated sts-2; 1 of 3 nodes are updated']);
    expect(eventsOf(next, upToDate)).to.deep.equal([
      'Normal NodeUpdated Updated 2 nodes; 3 of 3 nodes are updated',
      'Normal RolloutCompleted 3 of 3 nodes are up to date',
    ]);
  });

  it('report what holds it: as a Warning if blocks would be lost', () => {
    const rollout = { updatedNodes: 1, current: 'sts-1' };
    for (const [reason, type] of [
      ['Held', 'Normal'],
      ['Paused', 'Normal'],
      ['WouldLoseChain', 'Warning'],
    ] as const)
      expect(eventsOf(upToDate, status(reason, 'why', rollout))).to.deep.equal([`${type} RolloutHeld Why`]);
  });

  it('report a node that does not come back once', () => {
    const stalled = status('NodeNotBack', 'sts-2 has not come back', { updatedNodes: 0, current: 'sts-2' });
    expect(eventsOf(rollingOut, stalled)).to.deep.equal(['Warning RolloutStalled Sts-2 has not come back']);
    expect(eventsOf(stalled, stalled)).to.deep.equal([]);
  });

  it('report each detour once', () => {
    const detour = status('RollingOut', 'waiting', { updatedNodes: 0, current: 'sts-2', detourEdges: 1 });
    expect(eventsOf(rollingOut, detour)).to.deep.equal([
      'Normal DetourOpened Opened 1 connection around sts-2 while it is restarted',
    ]);
    expect(eventsOf(detour, detour)).to.deep.equal([]);
    expect(eventsOf(detour, rollingOut)).to.deep.equal([]);
  });
});
