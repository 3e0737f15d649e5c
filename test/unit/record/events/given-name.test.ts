import { expect } from 'chai';
import { EventsV1Broadcaster } from '../../../../src/record/events/broadcaster.ts';
import { networkError, pod, settle } from '../core/fakes.ts';
import { withSeriesWorld } from './fakes.ts';

const nameAnnotation = 'example.com/event-name';
const reporter = { reportingController: 'example.com/c', reportingInstance: 'c-1' };

function tell(events: EventsV1Broadcaster, name: string): void {
  events.newRecorder(reporter).annotatedEventf(pod, undefined, { [nameAnnotation]: name }, 'Normal', 'Reason', 'Action', 'n');
}

describe('an event of events.k8s.io/v1 with a given name', () => {
  it('has that name, and is no repetition of another event with the same note', () =>
    withSeriesWorld({ nameAnnotation, distinguishesNotes: true }, async ({ events, server, pass }) => {
      for (const name of ['foo.1', 'foo.2']) tell(events, name);
      await pass(0);
      tell(events, 'foo.3');
      await pass(0);
      expect([...server.stored.keys()]).to.deep.equal(['foo.1', 'foo.2', 'foo.3']);
      expect(server.counts()).to.deep.equal([1, 1, 1]);
    }));

  it('is written once by whichever process: an existing event of that name counts as delivered', () =>
    withSeriesWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      tell(events, 'foo.1');
      await pass(0);
      const successor = new EventsV1Broadcaster({ nameAnnotation });
      successor.startRecordingToSink(server);
      tell(successor, 'foo.1');
      await settle();
      expect(server.counts()).to.deep.equal([1]);
      expect(successor.counts).to.include({ delivered: 1 });
      await successor.shutdown();
    }));

  it('is written once also if it is recorded again', () =>
    withSeriesWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      for (let times = 0; times < 3; times += 1) {
        tell(events, 'foo.1');
        await pass(0);
      }
      expect(server.counts()).to.deep.equal([1]);
      expect(events.counts).to.include({ delivered: 3, written: 1 });
    }));

  it('is retried under that name when the server could not be reached', () =>
    withSeriesWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      server.failures = [networkError()];
      tell(events, 'foo.1');
      await pass(60_000);
      expect([...server.stored.keys()]).to.deep.equal(['foo.1']);
      expect(events.counts).to.include({ delivered: 1 });
    }));
});
