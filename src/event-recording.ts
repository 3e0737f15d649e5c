// startEventRecording: events to the API server, in the API that the configuration names, and to the log. Before it: main.ts. After it:
//   record/event-broadcaster.ts, or record/events/events-v1-broadcaster.ts.
import { actionOf } from './controller/reasons.ts';
import { eventNameAnnotation } from './controller/story.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeClientEventsV1Sink, KubeClientEventSink } from './kube-event-sink.ts';
import type { Logger } from './logger.ts';
import type { EventTotals } from './metrics.ts';
import { EventBroadcaster } from './record/event-broadcaster.ts';
import type { EventRecorder } from './record/event-recorder.ts';
import { EventsV1Broadcaster } from './record/events/events-v1-broadcaster.ts';
import { LegacyRecorder } from './record/events/legacy-recorder.ts';

export interface EventRecordingOptions {
  readonly api: 'core' | 'events';
  readonly client: Pick<KubeClient, 'create' | 'patch'>;
  readonly logger: Logger;
  /** Who reports. */
  readonly component: string;
  /** Which of its instances. */
  readonly identity: string;
}

/** What the rest of the process needs of either broadcaster. */
export interface EventRecording {
  readonly recorder: EventRecorder;
  readonly broadcaster: { readonly counts: EventTotals } & Pick<EventBroadcaster, 'flush' | 'shutdown'>;
}

/** The API server takes no longer name of an instance. */
const longestInstance = 128;

export function startEventRecording({ api, client, logger, component, identity }: EventRecordingOptions): EventRecording {
  if (api === 'core') {
    const broadcaster = new EventBroadcaster({ logger, nameAnnotation: eventNameAnnotation });
    broadcaster.startRecordingToSink(new KubeClientEventSink(client));
    broadcaster.startStructuredLogging(logger);
    return { recorder: broadcaster.newRecorder({ component }), broadcaster };
  }
  // Each note is an event of its own: they name nodes and numbers, and a series would show the first note for all.
  const broadcaster = new EventsV1Broadcaster({ logger, nameAnnotation: eventNameAnnotation, distinguishesNotes: true });
  broadcaster.startRecordingToSink(new KubeClientEventsV1Sink(client));
  broadcaster.startStructuredLogging(logger);
  const reporter = { reportingController: component, reportingInstance: identity.slice(0, longestInstance) };
  return { recorder: new LegacyRecorder(broadcaster.newRecorder(reporter), { actionOf }), broadcaster };
}
