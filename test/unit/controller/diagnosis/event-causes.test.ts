import { expect } from 'chai';
import {
  claimProblemOf,
  createProblemsOf,
  startProblemOf,
  type ObjectEvent,
} from '../../../../src/controller/diagnosis/event-causes.ts';
import type { PodStart } from '../../../../src/controller/diagnosis/pod-start.ts';

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
const failed = (pod: string, error: string, seconds = 0): ObjectEvent => ({
  type: 'Warning',
  reason: 'FailedCreate',
  message: `Create Pod ${pod} in StatefulSet a-sts failed error: ${error}`,
  lastTimestamp: at(seconds),
});
const longAgo = 0;

describe('createProblemsOf', () => {
  it('gives each missing pod the cause of the first one that has an event', () => {
    const events = [
      failed('a-sts-1', 'pods "a-sts-1" is forbidden: failed quota: q: must specify limits.cpu for: bitcoind'),
      failed('a-sts-0', 'pods "a-sts-0" is forbidden: failed quota: q: must specify limits.cpu for: bitcoind'),
    ];
    const cause = 'pods are forbidden: failed quota: q: must specify limits.cpu for: bitcoind';
    expect(createProblemsOf(events, ['a-sts-0', 'a-sts-1'], longAgo)).to.deep.equal([
      { subject: 'a-sts-0', reason: 'PodCreateFailed', cause },
      { subject: 'a-sts-1', reason: 'PodCreateFailed', cause },
    ]);
  });

  it('names the claim that cannot be created', () => {
    const error =
      'failed to create PVC data-a-sts-0: persistentvolumeclaims "data-a-sts-0" is forbidden: exceeded quota: q, ' +
      'requested: persistentvolumeclaims=1, used: persistentvolumeclaims=2, limited: persistentvolumeclaims=2';
    expect(createProblemsOf([failed('a-sts-0', error)], ['a-sts-0'], longAgo)[0]?.cause).to.equal(error);
  });

  it('takes the newest of several causes', () => {
    const events = [failed('a-sts-0', 'old', 1), failed('a-sts-0', 'new', 3), failed('a-sts-0', 'older', 0)];
    expect(createProblemsOf(events, ['a-sts-0'], longAgo)[0]?.cause).to.equal('new');
  });

  it('reads an event that client-go has aggregated, and one about a claim', () => {
    const combined = {
      ...failed('', ''),
      message: '(combined from similar events): create Pod a-sts-0 in StatefulSet a-sts failed error: no',
    };
    const claim = { ...failed('', ''), message: 'create Claim data-a-sts-0 Pod a-sts-0 in StatefulSet a-sts failed error: no' };
    for (const event of [combined, claim]) expect(createProblemsOf([event], ['a-sts-0'], longAgo)[0]?.cause).to.equal('no');
  });

  for (const [what, events] of [
    ['about a pod that exists', [failed('a-sts-7', 'no')]],
    ['of an earlier fault', [failed('a-sts-0', 'no', -60)]],
    ['with another reason', [{ ...failed('a-sts-0', 'no'), reason: 'FailedDelete' }]],
    ['with a message of another form', [{ ...failed('a-sts-0', 'no'), message: 'something' }]],
    ['without anything in them', [{}]],
  ] as const)
    it(`heeds no events ${what}`, () => {
      expect(createProblemsOf(events, ['a-sts-0'], new Date(at(-30)).getTime())).to.deep.equal([]);
    });
});

describe('startProblemOf', () => {
  const event = (reason: string, message: string, seconds = 0): ObjectEvent => ({
    type: 'Warning',
    reason,
    message,
    series: { lastObservedTime: at(seconds) },
  });
  const normal = (reason: string, seconds: number): ObjectEvent => ({ ...event(reason, '', seconds), type: 'Normal' });
  const inStage = (stage: PodStart['stage']): PodStart => ({ stage, sinceMs: 0 });
  const [unscheduled, scheduled, started] = [inStage('unscheduled'), inStage('scheduled'), inStage('started')];
  const causeIn = (start: PodStart, ...events: ObjectEvent[]) => startProblemOf('a-sts-0', events, 20_000, start)?.cause;

  it('says which volume cannot be mounted', () => {
    const events = [event('FailedMount', 'MountVolume.SetUp failed for volume "v" : configmap "c" not found')];
    expect(startProblemOf('a-sts-0', events, 5_000, scheduled)).to.deep.equal({
      subject: 'a-sts-0',
      reason: 'VolumeMountFailed',
      cause: 'FailedMount: MountVolume.SetUp failed for volume "v" : configmap "c" not found',
    });
  });

  it('says that a probe fails only when the node has had time to start', () => {
    const events = [event('Unhealthy', 'Readiness probe failed: connection refused')];
    expect(startProblemOf('a-sts-0', events, 5_000, started)).to.equal(undefined);
    expect(startProblemOf('a-sts-0', events, 15_000, started)?.reason).to.equal('ProbeFailed');
  });

  it('takes the newest event, and none that is about something else', () => {
    const events = [event('FailedMount', 'old', 1), event('FailedCreatePodSandBox', 'new', 2), event('BackOff', 'x', 3)];
    expect(startProblemOf('a-sts-0', events, 5_000, scheduled)?.cause).to.equal('FailedCreatePodSandBox: new');
    expect(startProblemOf('a-sts-0', [{ ...event('FailedMount', 'x'), type: 'Normal' }], 5_000, scheduled)).to.equal(undefined);
  });

  it('does not report what the pod has overcome: a scheduling failure once it is scheduled, a mount failure once it has started', () => {
    const [unschedulable, mount] = [event('FailedScheduling', 's', 1), event('FailedMount', 'm', 2)];
    expect(causeIn(unscheduled, unschedulable)).to.equal('FailedScheduling: s');
    expect(causeIn(scheduled, unschedulable)).to.equal(undefined);
    expect(causeIn(scheduled, unschedulable, mount)).to.equal('FailedMount: m');
    expect(causeIn(started, unschedulable, mount)).to.equal(undefined);
  });

  it('does not report a mount failure once the kubelet pulls the image, nor a failed probe of a container that was started again', () => {
    expect(causeIn(scheduled, event('FailedMount', 'm', 1), normal('Pulling', 2))).to.equal(undefined);
    expect(causeIn(scheduled, normal('Pulling', 1), event('FailedMount', 'm', 2))).to.equal('FailedMount: m');
    expect(causeIn(started, event('Unhealthy', 'p', 1), normal('Started', 2))).to.equal(undefined);
  });

  it('does not report what was recorded before the pod lost its readiness, with a minute for clocks that differ', () => {
    const lost = { ...started, sinceMs: new Date(at(600)).getTime() };
    expect(causeIn(lost, event('Unhealthy', 'old', 500))).to.equal(undefined);
    expect(causeIn(lost, event('Unhealthy', 'new', 590))).to.equal('Unhealthy: new');
  });

  it('says that the machine of a pod is not ready', () => {
    expect(startProblemOf('a-sts-0', [event('NodeNotReady', 'Node is not ready')], 5_000, started)).to.deep.equal({
      subject: 'a-sts-0',
      reason: 'PodFailed',
      cause: 'NodeNotReady: Node is not ready',
      mayPass: true,
    });
  });

  it('says why the volume of a claim is not provisioned, unless that was long before the pod', () => {
    const events = [event('ProvisioningFailed', 'no space', 1), event('FailedBinding', 'x', 2)];
    expect(claimProblemOf('a-sts-0', events, 5_000, unscheduled)).to.deep.equal({
      subject: 'a-sts-0',
      reason: 'VolumeMountFailed',
      cause: 'ProvisioningFailed: no space',
    });
    const later = { ...unscheduled, sinceMs: new Date(at(120)).getTime() };
    expect(claimProblemOf('a-sts-0', events, 5_000, later)).to.equal(undefined);
  });

  it('gives a driver a minute to make a volume that takes longer than a call to it', () => {
    const events = [event('ProvisioningFailed', 'rpc error: code = DeadlineExceeded desc = context deadline exceeded', 1)];
    expect(claimProblemOf('a-sts-0', events, 59_000, unscheduled)).to.equal(undefined);
    expect(claimProblemOf('a-sts-0', events, 60_000, unscheduled)?.cause).to.include('DeadlineExceeded');
  });
});
