import type { V1ContainerStatus, V1Pod, V1PodSpec, V1PodStatus } from '@kubernetes/client-node';
import { expect } from 'chai';
import { neverRan, podStartOf } from '../../../../src/controller/diagnosis/pod-start.ts';
import { pod } from '../../../support/builders.ts';

const createdAt = '2026-01-01T00:00:00Z';
const container = (name: string, state: V1ContainerStatus['state']): V1ContainerStatus => ({
  ...{ name, image: 'i', imageID: '', ready: false, restartCount: 0 },
  ...(state === undefined ? {} : { state }),
});
function podWith(status: V1PodStatus, spec: Partial<V1PodSpec> = {}): V1Pod {
  const { metadata } = pod('alice-sts-0');
  const creationTimestamp = createdAt as unknown as Date;
  return { metadata: { ...metadata, creationTimestamp }, spec: { containers: [], schedulerName: 'mine', ...spec }, status };
}

describe('podStartOf', () => {
  it('says how far a pod has come: no machine, a machine, or a container that has run', () => {
    const waiting = container('bitcoind', { waiting: { reason: 'ContainerCreating' } });
    const running = container('bitcoind', { running: {} });
    for (const [stage, made] of [
      ['unscheduled', podWith({})],
      ['scheduled', podWith({}, { nodeName: 'n' })],
      ['scheduled', podWith({ hostIP: '10.0.0.9', containerStatuses: [waiting] })],
      // A pod in the network of its machine has an address before it has a container.
      ['scheduled', podWith({ hostIP: '10.0.0.9', podIP: '10.0.0.9', containerStatuses: [waiting] })],
      ['started', podWith({ hostIP: '10.0.0.9', podIP: '10.0.0.1', containerStatuses: [running] })],
    ] as const)
      expect(podStartOf(made).stage).to.equal(stage);
  });

  it('counts from the time at which the pod was ready last, and from its creation if it never was', () => {
    const lost = { type: 'Ready', status: 'False', lastTransitionTime: '2026-01-01T01:00:00Z' as unknown as Date };
    expect(podStartOf(podWith({})).sinceMs).to.equal(Date.UTC(2026, 0, 1));
    expect(podStartOf(podWith({ conditions: [lost] })).sinceMs).to.equal(Date.UTC(2026, 0, 1, 1));
  });

  it('names the scheduler that leaves the pod alone', () => {
    const cause = 'scheduler mine has not assigned the pod to a machine, and gives no cause';
    expect(podStartOf(podWith({})).fallback).to.deep.equal({ reason: 'PodUnschedulable', cause });
  });

  it('names an init container that still runs, and none that is to run as long as the pod', () => {
    const status = { hostIP: '10.0.0.9', initContainerStatuses: [container('fetch', { running: {} })] };
    const cause = 'init container fetch is still running';
    expect(podStartOf(podWith(status)).fallback).to.deep.equal({ reason: 'ContainerNotStarted', cause, mayPass: true });
    const sidecar = { name: 'fetch', restartPolicy: 'Always' };
    expect(podStartOf(podWith(status, { initContainers: [sidecar] })).fallback).to.equal(undefined);
  });
});

describe('neverRan', () => {
  it('is true of a pod whose containers have all yet to run, whatever its init containers did', () => {
    const initContainerStatuses = [container('fetch', { terminated: { exitCode: 0 } })];
    const waiting = container('bitcoind', { waiting: { reason: 'ImagePullBackOff' } });
    const neverRunning = { phase: 'Pending', initContainerStatuses, containerStatuses: [waiting] };
    expect(neverRan(podWith(neverRunning))).to.equal(true);
    const restarted = { ...waiting, lastState: { terminated: { exitCode: 137 } } };
    expect(neverRan(podWith({ ...neverRunning, containerStatuses: [restarted] }))).to.equal(undefined);
    expect(neverRan(podWith({ phase: 'Failed' }))).to.equal(undefined);
  });
});
