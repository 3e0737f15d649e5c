// The entries for every platform in a program that has no client-node: package.test.ts compiles and runs it where that is not installed, with no types
// but those of the language and the web.
import { Broadcaster } from 'bitcoin-controller/broadcaster';
import { EventBroadcaster, type EventSink } from 'bitcoin-controller/record';
import { EventsV1Broadcaster, type EventsV1Sink } from 'bitcoin-controller/record/events';

const numbers = new Broadcaster<number>({ queueLength: 1 });
numbers.watch().results.subscribe(({ object }) => {
  console.log('broadcaster', object);
});
await numbers.action('ADDED', 42);
await numbers.shutdown();

const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0', uid: '1' } };
const sink: EventSink = {
  create: event => {
    console.log('record', event.reason, event.message);
    return Promise.resolve(event);
  },
  patch: event => Promise.resolve(event),
};
const events = new EventBroadcaster();
events.startRecordingToSink(sink);
events.newRecorder({ component: 'consumer' }).event(pod, 'Normal', 'Started', 'it runs');
await events.shutdown();

const seriesSink: EventsV1Sink = {
  create: event => {
    console.log('record/events', event.action, event.note);
    return Promise.resolve(event);
  },
  patch: event => Promise.resolve(event),
};
const series = new EventsV1Broadcaster();
series.startRecordingToSink(seriesSink);
const reporter = { reportingController: 'example.com/consumer', reportingInstance: 'consumer-1' };
series.newRecorder(reporter).eventf(pod, null, 'Normal', 'Started', 'Starting', 'it runs');
await series.shutdown();
