import { expect } from 'chai';
import { createProblemsOf, startProblemOf, type WarningEvent } from '../../../../src/controller/diagnosis/event-causes.ts';

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1_000).toISOString();
const failed = (pod: string, error: string, seconds = 0): WarningEvent => ({
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
  const event = (reason: string, message: string, seconds = 0): WarningEvent => ({
    type: 'Warning',
    reason,
    message,
    series: { lastObservedTime: at(seconds) },
  });

  it('says which volume cannot be mounted', () => {
    const events = [event('FailedMount', 'MountVolume.SetUp failed for volume "v" : configmap "c" not found')];
    expect(startProblemOf('a-sts-0', events, 5_000)).to.deep.equal({
      subject: 'a-sts-0',
      reason: 'VolumeMountFailed',
      cause: 'FailedMount: MountVolume.SetUp failed for volume "v" : configmap "c" not found',
    });
  });

  it('says that a probe fails only when the node has had time to start', () => {
    const events = [event('Unhealthy', 'Readiness probe failed: connection refused')];
    expect(startProblemOf('a-sts-0', events, 5_000)).to.equal(undefined);
    expect(startProblemOf('a-sts-0', events, 15_000)?.reason).to.equal('ProbeFailed');
  });

  it('takes the newest event, and none that is about something else', () => {
    const events = [event('FailedMount', 'old', 1), event('FailedCreatePodSandBox', 'new', 2), event('BackOff', 'x', 3)];
    expect(startProblemOf('a-sts-0', events, 5_000)?.cause).to.equal('FailedCreatePodSandBox: new');
    expect(startProblemOf('a-sts-0', [{ ...event('FailedMount', 'x'), type: 'Normal' }], 5_000)).to.equal(undefined);
  });
});
