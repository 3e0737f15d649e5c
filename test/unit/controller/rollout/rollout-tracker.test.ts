import { expect } from 'chai';
import type { BitcoinNetwork } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import type { AppliedSet } from '../../../../src/controller/rollout/observe-rollout.ts';
import { RolloutTracker } from '../../../../src/controller/rollout/rollout-tracker.ts';
import { network, node, pod } from '../../../support/builders.ts';

const labels = { 'controller-revision-hash': 'new' };

/** Two nodes whose pods are updated, behind a closed gate. */
function plan(tracker: RolloutTracker, alice: BitcoinNetwork, askedAtMs: number) {
  const made = [0, 1].map(ordinal => pod(`alice-sts-${ordinal}`, { ip: `10.0.0.${ordinal + 1}` }));
  const pods = made.map(({ metadata, ...rest }) => ({
    ...rest,
    metadata: { ...metadata, labels: { ...metadata?.labels, ...labels } },
  }));
  const reports = [0, 1].map(ordinal => ({
    ...{ node: node(ordinal), isComplete: true, askedAtMs, connections: [] },
    chain: { height: ordinal === 0 ? 17 : 300, tip: '00' },
  }));
  const status = { currentRevision: 'new', updateRevision: 'new', observedGeneration: 1, replicas: 2 };
  const spec = { updateStrategy: { rollingUpdate: { partition: 2 } } } as never;
  const set = { name: 'alice-sts', start: 0, nodes: 2, settings: {} };
  const applied: AppliedSet = { set, current: { metadata: { generation: 1 }, spec, status }, isChanging: false };
  return tracker.plan(alice, [applied], { pods, reports, peers: { topology: undefined, externalPeers: new Map() } }).state
    ?.message;
}

describe('RolloutTracker', () => {
  it('goes on to wait for the node that the status names, in a new process', () => {
    const alice = network();
    const waiting = {
      ...alice,
      status: { ...alice.status, rollout: { updatedNodes: 1, current: 'alice-sts-0' } },
    } as BitcoinNetwork;
    let nowMs = 1;
    const tracker = new RolloutTracker(() => nowMs);
    expect(plan(tracker, waiting, nowMs)).to.include('waiting for alice-sts-0: it has 17 of 300 blocks');
    nowMs += 10;
    expect(plan(tracker, alice, nowMs)).to.include('waiting for alice-sts-0: it has 17 of 300 blocks');
    expect(plan(new RolloutTracker(() => nowMs), alice, nowMs)).to.equal('2 of 2 nodes are up to date');
  });
});
