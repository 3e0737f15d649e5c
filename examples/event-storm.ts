// Twenty similar warnings about one pod, then thirty equal ones, and what of them reaches the API server: `npm run example -- event-storm`.
import { EventBroadcaster, type EventSink } from 'bitcoin-controller/record';

const sink: EventSink = {
  create: event => {
    console.log('create', event.count, event.message);
    return Promise.resolve(event);
  },
  patch: (event, patch) => {
    console.log('patch ', patch.count, patch.message);
    return Promise.resolve(event);
  },
};

await using events = new EventBroadcaster();
events.startRecordingToSink(sink);
const recorder = events.newRecorder({ component: 'storm' });
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0', uid: '1' } };
for (let probe = 1; probe <= 20; probe += 1) {
  recorder.eventf(pod, 'Warning', 'ProbeFailed', 'probe %d failed', probe);
  await events.flush(1_000);
}
for (let time = 1; time <= 30; time += 1) {
  recorder.event(pod, 'Warning', 'BackOff', 'restarting it');
  await events.flush(1_000);
}
const { recorded, written, aggregated, filtered } = events.counts;
console.log(`recorded ${recorded}, written ${written}, aggregated ${aggregated}, held back ${filtered}`);
await events.shutdown();
console.log(`after shutdown: delivered ${events.counts.delivered} in ${events.counts.written} writes`);
