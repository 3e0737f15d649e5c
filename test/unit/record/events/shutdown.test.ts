import { expect } from 'chai';
import type { EventsV1Event } from '../../../../src/record/events/events-v1-event.ts';
import { EventsV1Broadcaster } from '../../../../src/record/events/events-v1-broadcaster.ts';

const pod = { apiVersion: 'v1', kind: 'Pod', name: 'pod-1', namespace: 'ns-1', uid: 'uid-1' };
const reporter = { reportingController: 'example.com/controller', reportingInstance: 'controller-0' };

async function countsWritten(clientGoCompatible: boolean): Promise<readonly number[]> {
  const counts: number[] = [];
  const write = (event: EventsV1Event) => {
    counts.push(event.series?.count ?? 1);
    return Promise.resolve(event);
  };
  const broadcaster = new EventsV1Broadcaster({ clientGoCompatible });
  const watching = broadcaster.startRecordingToSink({ create: write, patch: write });
  const recorder = broadcaster.newRecorder(reporter);
  for (let index = 0; index < 5; index += 1) recorder.eventf(pod, undefined, 'Normal', 'Scaled', 'Scaling', 'to 3');
  await broadcaster.shutdown();
  watching.stop();
  return counts;
}

describe('EventsV1Broadcaster', () => {
  it('writes at shutdown the counts that the server does not know yet', async () => {
    expect((await countsWritten(false)).at(-1)).to.equal(5);
  });

  it('leaves them unwritten in the way of client-go', async () => {
    expect((await countsWritten(true)).at(-1)).to.equal(2);
  });
});
