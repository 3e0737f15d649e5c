import { expect } from 'chai';
import type { BitcoinNetwork, BitcoinNetworkStatus } from '../../../../src/bitcoin/api/bitcoin-network.ts';
import { reasons } from '../../../../src/controller/events/reasons.ts';
import type { Observation } from '../../../../src/controller/status/observation.ts';
import { storageEvents, storageIn, storageReady } from '../../../../src/controller/status/storage.ts';
import type { Growth } from '../../../../src/controller/volumes/volume-growth.ts';
import { network, node } from '../../../support/builders.ts';

const storage = { size: '1Gi' };
const stored = network({ nodes: 2, storage });
const stateOf = (
  of: BitcoinNetwork,
  nodes: Observation['nodes'],
  problems: Observation['problems'],
  previous: BitcoinNetworkStatus | undefined,
  growth?: Growth,
  unkept?: string,
): string | undefined => {
  const state = storageReady(of, { nodes, problems, growth, unkept }, previous);
  return state && `${state.status} ${state.reason}: ${state.message}`;
};
const mounted = 'True VolumesReady: the volumes of all nodes with storage are mounted';

const statusWith = (status: 'True' | 'False', reason: string, message = 'm'): BitcoinNetworkStatus => ({
  conditions: [{ type: 'StorageReady', status, reason, message, lastTransitionTime: 't' }],
});

describe('status.storage', () => {
  const observed: Observation = {
    nodes: [],
    reports: [],
    children: [],
    problems: [],
    credentials: { isAvailable: false } as never,
  };
  const kindOf = (of: BitcoinNetwork): string | undefined => storageIn(of, observed, undefined).storage;
  const group = { name: 'other', nodes: 1, ordinals: { start: 1 } };

  it('names the data of nodes without a volume ephemeral, which is the default', () => {
    expect(kindOf(network({ nodes: 2 }))).to.equal('Ephemeral');
    expect(kindOf(network({ nodes: 0 }))).to.equal('Ephemeral');
    expect(kindOf(network({ nodes: 2, suspend: true }))).to.equal('Ephemeral');
  });

  it('names those on volumes persistent, also if the only nodes are in groups with them', () => {
    expect(kindOf(stored)).to.equal('Persistent');
    expect(kindOf(network({ nodes: 2, suspend: true, storage }))).to.equal('Persistent');
    expect(kindOf(network({ nodes: 1, groups: [{ ...group, ordinals: { start: 0 }, storage }] }))).to.equal('Persistent');
  });

  it('is Mixed if some nodes have volumes', () => {
    expect(kindOf(network({ nodes: 2, groups: [{ ...group, storage }] }))).to.equal('Mixed');
  });

  it('stays as it was while nothing of the spec is applied', () => {
    const paused = { isPaused: true, nodes: [] } as const;
    expect(storageIn(network({ nodes: 0 }), paused, { storage: 'Mixed' })).to.deep.equal({ storage: 'Mixed' });
    expect(storageIn(stored, paused, undefined)).to.deep.equal({});
  });
});

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

  it('is False with the cause if a volume is of another chain, or cannot be created, bound or mounted', () => {
    const exit = 'container bitcoind exited with code 1: error: the volume is of another chain: it has signet 51, …';
    const claimRefused =
      'failed to create PVC data-alice-sts-0: persistentvolumeclaims "data-alice-sts-0" is forbidden: exceeded quota: q, ' +
      'requested: persistentvolumeclaims=1, used: persistentvolumeclaims=2, limited: persistentvolumeclaims=2';
    const subject = 'alice-sts-0';
    for (const [reason, cause, expected] of [
      [reasons.nodeExited, exit, 'VolumeOfAnotherChain'],
      [reasons.podCreateFailed, claimRefused, 'VolumesNotReady'],
      [reasons.volumeMountFailed, 'timed out', 'VolumesNotReady'],
      [reasons.podUnschedulable, 'pod has unbound immediate PersistentVolumeClaims', 'VolumesNotReady'],
    ] as const)
      expect(stateOf(stored, [], [{ subject, reason, cause }], undefined)).to.equal(`False ${expected}: alice-sts-0: ${cause}`);
  });

  it('is not False for a pod that is refused for another cause than its claim', () => {
    const cause = 'pods are forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2';
    const refused = { subject: 'alice-sts-0', reason: reasons.podCreateFailed, cause };
    expect(stateOf(stored, [], [refused], undefined)).to.equal(undefined);
    expect(stateOf(stored, [], [refused], statusWith('True', 'VolumesReady'))).to.equal('True VolumesReady: m');
  });

  it('is not False for a volume that is not that of the data, or of a node without storage', () => {
    const template = { spec: { volumes: [{ name: 'tools', secret: { secretName: 'tools' } }] } };
    const groups = [
      { name: 'old', nodes: 1, ordinals: { start: 100 } },
      { name: 'kept', nodes: 1, ordinals: { start: 200 }, storage },
    ];
    const mixed = network({ nodes: 2, groups, podTemplate: template });
    const whole = network({ nodes: 2, storage, podTemplate: template, rpcAuth: { secretName: 'hashes' } });
    const stateFor = (of: BitcoinNetwork, subject: string, cause: string): string | undefined =>
      stateOf(of, [], [{ subject, reason: reasons.volumeMountFailed, cause }], undefined);
    for (const cause of [
      'FailedMount: MountVolume.SetUp failed for volume "rpcauth" : secret "hashes" not found',
      'FailedMount: MountVolume.SetUp failed for volume "conf" : configmap "alice-conf" not found',
      'FailedMount: MountVolume.SetUp failed for volume "tools" : secret "tools" not found',
      'FailedMount: MountVolume.SetUp failed for volume "kube-api-access-x7k2p" : failed to fetch token',
      'FailedMount: Unable to attach or mount volumes: unmounted volumes=[rpcauth], unattached volumes=[data rpcauth]: timed out',
    ])
      expect(stateFor(whole, 'alice-sts-0', cause), cause).to.equal(undefined);
    for (const cause of [
      'FailedMount: MountVolume.SetUp failed for volume "pvc-6a0d1c" : rpc error',
      'FailedAttachVolume: Multi-Attach error for volume "pvc-6a0d1c" Volume is already used by 1 pod(s)',
      'FailedMount: Unable to attach or mount volumes: unmounted volumes=[rpcauth data], unattached volumes=[]: timed out',
      'ProvisioningFailed: the quota is exceeded',
    ]) {
      expect(stateFor(whole, 'alice-sts-0', cause), cause).to.match(/^False VolumesNotReady: alice-sts-0: /);
      expect(stateFor(mixed, 'alice-sts-old-100', cause), cause).to.equal(undefined);
      expect(stateFor(mixed, 'alice-sts-kept-200', cause), cause).to.match(/^False VolumesNotReady: /);
    }
  });

  it('says as long as it is so that volumes may be deleted which the spec keeps', () => {
    const suspended = network({ nodes: 2, storage, suspend: true });
    const first = storageReady(suspended, { nodes: [], problems: [], unkept: 'no right' }, statusWith('True', 'VolumesReady'));
    const conditions = [{ type: 'StorageReady', observedGeneration: 1, lastTransitionTime: 't', ...first }];
    const before = { conditions } as BitcoinNetworkStatus;
    const expected =
      'True VolumesReady: m; volumes of nodes that do not run may still be deleted with the network, since retention.whenDeleted was Delete: no right';
    expect(stateOf(suspended, [], [], before, undefined, 'no right')).to.equal(expected);
    expect(stateOf(suspended, [], [], before)).to.equal('True VolumesReady: m');
    const refusal = { reason: 'ExpansionRefused', message: 'the class cannot grow' } as const;
    expect(stateOf(suspended, [], [], before, refusal, 'no right')).to.equal('False ExpansionRefused: the class cannot grow');
  });

  it('is as it was while nodes start for another cause, and while the network is suspended', () => {
    const conditions = [{ type: 'StorageReady', status: 'True', reason: 'VolumesReady', message: 'm', lastTransitionTime: 't' }];
    const before = { conditions } as BitcoinNetworkStatus;
    const slow = { subject: 'alice-sts-0', reason: reasons.probeFailed, cause: 'x' };
    expect(stateOf(stored, [node(0)], [slow], before)).to.equal('True VolumesReady: m');
    expect(stateOf(network({ nodes: 2, storage, suspend: true }), [], [], before)).to.equal('True VolumesReady: m');
    expect(stateOf(network({ nodes: 2, storage, suspend: true }), [], [], undefined)).to.equal(undefined);
  });

  const expanding = statusWith('False', 'Expanding');
  const refused = statusWith('False', 'ExpansionRefused', 'the class cannot grow');
  const ready = statusWith('True', 'VolumesReady');

  it('is False while volumes grow, and True at the end, also of a suspended network', () => {
    const growth = { reason: 'Expanding', message: '1 of 2' } as const;
    const unready = { subject: 'alice-sts-0', reason: reasons.volumeMountFailed, cause: 'timed out' };
    expect(stateOf(stored, [node(0), node(1)], [unready], ready, growth)).to.equal('False Expanding: 1 of 2');
    const grown = 'True VolumesReady: all volumes have the size that the spec asks for';
    expect(stateOf(network({ nodes: 2, storage, suspend: true }), [], [], expanding)).to.equal(grown);
    expect(stateOf(stored, [node(0), node(1)], [], expanding)).to.equal(mounted);
  });

  it('reports growth before a volume of another chain, which its message names: volumes grow only while they are reported to', () => {
    const foreign = { subject: 'alice-sts-0', reason: reasons.nodeExited, cause: 'the volume is of another chain' };
    for (const reason of ['Expanding', 'ExpansionRefused'] as const)
      expect(stateOf(stored, [], [foreign], ready, { reason, message: '1 of 2' })).to.equal(
        `False ${reason}: 1 of 2; alice-sts-0: the volume is of another chain`,
      );
    expect(stateOf(stored, [], [foreign], expanding)).to.match(/^False VolumeOfAnotherChain/);
  });

  it('has one event at the end of an expansion, and one for each cause of a refusal', () => {
    const eventsOf = (previous: BitcoinNetworkStatus | undefined, status: BitcoinNetworkStatus): string[] =>
      storageEvents(previous, status).map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
    expect(eventsOf(ready, expanding)).to.deep.equal([]);
    expect(eventsOf(expanding, refused)).to.deep.equal(['Warning VolumeExpansionFailed: The class cannot grow']);
    expect(eventsOf(refused, refused)).to.deep.equal([]);
    expect(eventsOf(expanding, ready)).to.deep.equal([
      'Normal VolumesExpanded: All volumes have the size that the spec asks for',
    ]);
    expect(eventsOf(expanding, statusWith('False', 'VolumeOfAnotherChain'))).to.deep.equal([
      'Normal VolumesExpanded: All volumes have the size that the spec asks for',
    ]);
    expect(eventsOf(ready, ready)).to.deep.equal([]);
  });
});
