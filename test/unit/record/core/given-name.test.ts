import { expect } from 'chai';
import { type EventBroadcaster, newBroadcaster } from '../../../../src/record/core/event-broadcaster.ts';
import { networkError, pod, settle, withWorld } from './fakes.ts';

const nameAnnotation = 'example.com/event-name';

function tell(events: EventBroadcaster, name: string, message = 'm'): void {
  events.newRecorder({ component: 'c' }).annotatedEvent(pod, { [nameAnnotation]: name }, 'Normal', 'Reason', message);
}

describe('an event with a given name', () => {
  it('has that name', () =>
    withWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      tell(events, 'foo.1');
      await pass(0);
      expect([...server.stored.keys()]).to.deep.equal(['foo.1']);
    }));

  it('is no repetition of another event with the same message', () =>
    withWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      for (const name of ['foo.1', 'foo.2']) tell(events, name);
      await pass(0);
      tell(events, 'foo.3');
      await pass(0);
      expect([...server.stored.keys()]).to.deep.equal(['foo.1', 'foo.2', 'foo.3']);
      expect(server.counts()).to.deep.equal([1, 1, 1]);
    }));

  it('is written once by whichever process: an existing event of that name counts as delivered', () =>
    withWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      tell(events, 'foo.1');
      await pass(0);
      const successor = newBroadcaster({ nameAnnotation });
      successor.startRecordingToSink(server);
      tell(successor, 'foo.1');
      await settle();
      expect(server.summary()).to.deep.equal(['create m 1', 'create m 1']);
      expect(server.counts()).to.deep.equal([1]);
      expect(successor.counts).to.include({ delivered: 1 });
      await successor.shutdown();
    }));

  it('is written once also if it is recorded again', () =>
    withWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      for (let times = 0; times < 3; times += 1) {
        tell(events, 'foo.1');
        await pass(0);
      }
      expect(server.counts()).to.deep.equal([1]);
      expect(events.counts).to.include({ delivered: 3, written: 1 });
    }));

  it('is retried under that name when the server could not be reached', () =>
    withWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      server.failures = [networkError()];
      tell(events, 'foo.1');
      await pass(60_000);
      expect([...server.stored.keys()]).to.deep.equal(['foo.1']);
      expect(events.counts).to.include({ delivered: 1 });
    }));

  it('becomes part of an aggregate when there are too many similar events', () =>
    withWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      for (let number = 10; number < 30; number += 1) {
        tell(events, `foo.${number}`);
        await pass(0);
      }
      expect(server.counts('m')).to.have.length(9);
      expect(server.counts('(combined from similar events): m')).to.deep.equal([11]);
    }));

  it('has a generated name if the given one is invalid', () =>
    withWorld({ nameAnnotation }, async ({ events, server, pass }) => {
      tell(events, 'No Name!');
      await pass(0);
      expect([...server.stored.keys()].join()).to.match(/^foo\.[0-9a-f]+$/);
    }));

  it('is treated as any other without the option, and as client-go', async () => {
    for (const options of [{}, { nameAnnotation, clientGoCompatible: true }])
      await withWorld(options, async ({ events, server, pass }) => {
        for (const name of ['foo.1', 'foo.2']) tell(events, name);
        await pass(0);
        expect(server.counts()).to.deep.equal([2]);
        expect([...server.stored.keys()].join()).to.match(/^foo\.[0-9a-f]{10,}$/);
      });
  });
});
