// Twenty similar warnings about one pod, and what reaches the API server of them: `node examples/event-storm.ts`.
import { EventBroadcaster } from '../src/record/event-broadcaster.ts';
import type { EventSink } from '../src/record/event-sink.ts';

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
for (let attempt = 1; attempt <= 20; attempt += 1) {
  recorder.event(pod, 'Warning', 'ProbeFailed', `probe ${String(attempt)} failed`);
  await events.flush(1_000);
}
