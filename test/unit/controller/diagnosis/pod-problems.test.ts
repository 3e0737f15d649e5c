import type { V1ContainerStatus, V1PodCondition, V1PodStatus } from '@kubernetes/client-node';
import { expect } from 'chai';
import { fingerprint, podProblemOf } from '../../../../src/controller/diagnosis/pod-problems.ts';
import { pod } from '../../../support/builders.ts';

const notReady: V1PodCondition = { type: 'Ready', status: 'False' };
const status = (fields: V1PodStatus) => ({ ...pod('alice-sts-0'), status: { conditions: [notReady], ...fields } });
const container = (fields: Partial<V1ContainerStatus>): V1ContainerStatus => ({
  name: 'bitcoind',
  image: 'bitcoind:1',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...fields,
});
const withContainer = (fields: Partial<V1ContainerStatus>) => status({ containerStatuses: [container(fields)] });

describe('podProblemOf', () => {
  for (const [what, state] of [
    ['has no status yet', status({ conditions: [] })],
    ['is being created', withContainer({ state: { waiting: { reason: 'ContainerCreating' } } })],
    ['waits for its init containers', withContainer({ state: { waiting: { reason: 'PodInitializing' } } })],
    ['runs and is not ready yet', withContainer({ state: { running: {} } })],
    ['is going away', pod('alice-sts-0', { isReady: false, deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['is ready', pod('alice-sts-0')],
    [
      'is ready again after an exit',
      withContainer({ ready: true, state: { running: {} }, lastState: { terminated: { exitCode: 1 } } }),
    ],
    [
      'has an init container that is done',
      status({ initContainerStatuses: [container({ state: { terminated: { exitCode: 0, reason: 'Completed' } } })] }),
    ],
  ] as const)
    it(`finds none in a pod that ${what}`, () => {
      expect(podProblemOf(state)).to.equal(undefined);
    });

  for (const [what, state, reason, cause] of [
    [
      'fits on no node',
      status({
        conditions: [
          notReady,
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'Unschedulable',
            message: '0/1 nodes are available: 1 Insufficient cpu.',
          },
        ],
      }),
      'PodUnschedulable',
      '0/1 nodes are available: 1 Insufficient cpu.',
    ],
    [
      'is held by a scheduling gate that has no message',
      status({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
      'PodUnschedulable',
      'SchedulingGated',
    ],
    [
      'has an image that does not exist',
      withContainer({
        image: 'nowhere/x:1',
        state: { waiting: { reason: 'ErrImagePull', message: 'failed to resolve reference "nowhere/x:1": not found' } },
      }),
      'ImagePullFailed',
      'image nowhere/x:1: ErrImagePull: failed to resolve reference "nowhere/x:1": not found',
    ],
    [
      'waits before it pulls that image again',
      withContainer({
        image: 'nowhere/x:1',
        state: {
          waiting: {
            reason: 'ImagePullBackOff',
            message: 'Back-off pulling image "nowhere/x:1": ErrImagePull: failed to resolve reference "nowhere/x:1": not found',
          },
        },
      }),
      'ImagePullFailed',
      'image nowhere/x:1: ErrImagePull: failed to resolve reference "nowhere/x:1": not found',
    ],
    [
      'has an image with an impossible name',
      withContainer({ image: 'UPPER', state: { waiting: { reason: 'InvalidImageName', message: 'couldn’t parse "UPPER"' } } }),
      'ImagePullFailed',
      'image UPPER: InvalidImageName: couldn’t parse "UPPER"',
    ],
    [
      'lacks a key of a Secret',
      withContainer({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "s" not found' } } }),
      'ContainerNotStarted',
      'container bitcoind: CreateContainerConfigError: secret "s" not found',
    ],
    [
      'has exited with an error',
      withContainer({
        state: {
          terminated: {
            exitCode: 1,
            reason: 'Error',
            message: '2026-01-02T03:04:05Z Error: Unable to bind to 0.0.0.0:18444\n2026-01-02T03:04:06Z Shutdown: done\n',
          },
        },
      }),
      'NodeExited',
      'container bitcoind exited with code 1: Error: Unable to bind to 0.0.0.0:18444',
    ],
    [
      'waits before it is started again',
      withContainer({
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container=bitcoind' } },
        lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'bitcoind is not started: BC_RPC_USER is empty' } },
      }),
      'NodeExited',
      'container bitcoind exited with code 1: bitcoind is not started: BC_RPC_USER is empty',
    ],
    [
      'runs again after an exit and is not ready yet',
      withContainer({ state: { running: {} }, lastState: { terminated: { exitCode: 139, reason: 'Error' } } }),
      'NodeExited',
      'container bitcoind exited with code 139',
    ],
    [
      'used too much memory',
      withContainer({ state: { running: {} }, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }),
      'NodeExited',
      'container bitcoind exited with code 137 (OOMKilled)',
    ],
    [
      'was evicted',
      status({ phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }),
      'PodFailed',
      'Evicted: The node was low on resource: memory.',
    ],
    [
      'has an init container that fails',
      status({
        initContainerStatuses: [container({ name: 'init', state: { terminated: { exitCode: 2, reason: 'Error' } } })],
        containerStatuses: [container({ state: { waiting: { reason: 'PodInitializing' } } })],
      }),
      'NodeExited',
      'container init exited with code 2',
    ],
  ] as const)
    it(`names the cause for a pod that ${what}`, () => {
      expect(podProblemOf(state)).to.deep.equal({ subject: 'alice-sts-0', reason, cause });
    });

  it('does not blame an old exit for a pod that was ready after it', () => {
    const lostReadyAt = (lastTransitionTime: string) =>
      podProblemOf(
        status({
          conditions: [{ ...notReady, lastTransitionTime: lastTransitionTime as unknown as Date }],
          containerStatuses: [
            container({
              state: { running: { startedAt: '2026-01-01T01:00:00Z' as unknown as Date } },
              lastState: { terminated: { exitCode: 1 } },
            }),
          ],
        }),
      );
    expect(lostReadyAt('2026-01-01T02:00:00Z')).to.equal(undefined);
    expect(lostReadyAt('2026-01-01T00:59:59Z')?.reason).to.equal('NodeExited');
  });

  it('keeps a cause on one line of limited length, whatever Kubernetes says', () => {
    const message = `a\n\n  b ${'x'.repeat(100_000)}`;
    const { cause = '' } = podProblemOf(withContainer({ state: { waiting: { reason: 'CreateContainerError', message } } })) ?? {};
    expect(cause).to.match(/^container bitcoind: CreateContainerError: a b x+…$/);
    expect(cause).to.have.length(600);
  });
});

describe('fingerprint', () => {
  it('is the same for texts that differ in amounts and container IDs alone', () => {
    const text = (amount: string, id: string) => `0/${amount} nodes are available; sandbox "${id}" failed`;
    expect(fingerprint(text('3', '0123456789abcdef'))).to.equal(fingerprint(text('17', 'fedcba9876543210')));
    expect(fingerprint('no cpu')).not.to.equal(fingerprint('no memory'));
  });
});
