import { expect } from 'chai';
import type { BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { reasons } from '../../../../src/controller/events/reasons.ts';
import { storageReady } from '../../../../src/controller/status/storage.ts';
import { network, node } from '../../../support/builders.ts';

const storage = { size: '1Gi' };
const stored = network({ nodes: 2, storage });
const stateOf = (...args: Parameters<typeof storageReady>): string | undefined => {
  const state = storageReady(...args);
  return state && `${state.status} ${state.reason}: ${state.message}`;
};
const mounted = 'True VolumesReady: the volumes of all nodes with storage are mounted';

describe('StorageReady', () => {
  it('is absent without storage, and before it is known', () => {
    expect(stateOf(network({ nodes: 1 }), [node(0)], [], undefined)).to.equal(undefined);
    expect(stateOf(stored, [node(0)], [], undefined)).to.equal(undefined);
  });

  it('is True when all nodes with storage are ready, whatever the others are', () => {
    expect(stateOf(stored, [node(0), node(1)], [], undefined)).to.equal(mounted);
    const groups = [{ name: 'old', nodes: 1, ordinals: { start: 100 }, storage }];
    const old = node(100, { group: 'old' });
    expect(stateOf(network({ nodes: 2, groups }), [node(0, { isReady: false }), old], [], undefined)).to.equal(mounted);
  });

  it('is False with the cause if a volume is of another chain, or cannot be bound or mounted', () => {
    const exit = 'container bitcoind exited with code 1: error: the volume is of another chain: it has signet 51, …';
    const subject = 'alice-sts-0';
    for (const [reason, cause, expected] of [
      [reasons.nodeExited, exit, 'VolumeOfAnotherChain'],
      [reasons.volumeMountFailed, 'timed out', 'VolumesNotReady'],
      [reasons.podUnschedulable, 'pod has unbound immediate PersistentVolumeClaims', 'VolumesNotReady'],
    ] as const)
      expect(stateOf(stored, [], [{ subject, reason, cause }], undefined)).to.equal(`False ${expected}: alice-sts-0: ${cause}`);
  });

  it('is as it was while nodes start for another cause, and while the network is suspended', () => {
    const conditions = [{ type: 'StorageReady', status: 'True', reason: 'VolumesReady', message: 'm', lastTransitionTime: 't' }];
    const before = { conditions } as BitcoinNetworkStatus;
    const slow = { subject: 'alice-sts-0', reason: reasons.probeFailed, cause: 'x' };
    expect(stateOf(stored, [node(0)], [slow], before)).to.equal('True VolumesReady: m');
    expect(stateOf(network({ nodes: 2, storage, suspend: true }), [], [], before)).to.equal('True VolumesReady: m');
    expect(stateOf(network({ nodes: 2, storage, suspend: true }), [], [], undefined)).to.equal(undefined);
  });
});
