// startEventRecording: events to the API server, in the API that the configuration names, and to the log. Before it: main.ts. After it:
//   record/event-broadcaster.ts, or record/events/events-v1-broadcaster.ts.
import { filter, map, type Observable } from 'rxjs';
import { actionOf } from '../controller/events/reasons.ts';
import { eventNameAnnotation } from '../bitcoin/api/names.ts';
import type { KubeClient } from '../kube/client.ts';
import { GuardedRecorder } from './guarded-recorder.ts';
import { KubeClientEventsV1Sink, KubeClientEventSink } from './event-sinks.ts';
import type { Logger } from '../logging/logger.ts';
import type { EventTotals } from '../metrics/prometheus.ts';
import { EventBroadcaster } from '../record/core/event-broadcaster.ts';
import type { ObjectReference } from '../record/pipeline/reference.ts';
import type { DropCause } from '../record/pipeline/event-counts.ts';
import type { EventRecorder } from '../record/core/event-recorder.ts';
import { EventsV1Broadcaster } from '../record/events/broadcaster.ts';
import { LegacyRecorder } from '../record/events/adapters.ts';

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
  /** Of each event that was given up although it may be told later, the object that it is about. */
  readonly givenUp: Observable<ObjectReference>;
}

/** The API server takes no longer name of an instance. */
const longestInstance = 128;

/**
 * More than a thousand networks have to tell when all come up, or are met by a new leader, at once: the API server takes a few hundred
 * writes a second of us, and no event may be dropped for having to wait.
 */
const maxQueuedEvents = 10_000;

/** Events written at the same time. Few, because what is told can wait and what is being done for the networks cannot. */
const concurrency = 2;

export function startEventRecording({ api, client, logger, component, identity }: EventRecordingOptions): EventRecording {
  const nameAnnotation = eventNameAnnotation;
  const options = { logger, maxQueuedEvents, concurrency, nameAnnotation };
  if (api === 'core') {
    const broadcaster = new EventBroadcaster(options);
    broadcaster.startRecordingToSink(new KubeClientEventSink(client));
    broadcaster.startStructuredLogging(logger);
    const givenUp = broadcaster.drops.pipe(
      filter(({ cause }) => isForNow(cause)),
      map(({ event }) => event.involvedObject),
    );
    const recorder = new GuardedRecorder(broadcaster.newRecorder({ component }), { nameAnnotation, limitsMessages: false });
    return { recorder, broadcaster, givenUp };
  }
  // Each note starts a series of its own: they name nodes and numbers, and a series shows its first note. The recorder limits their number.
  const broadcaster = new EventsV1Broadcaster({ ...options, distinguishesNotes: true });
  broadcaster.startRecordingToSink(new KubeClientEventsV1Sink(client));
  broadcaster.startStructuredLogging(logger);
  const reporter = { reportingController: component, reportingInstance: identity.slice(0, longestInstance) };
  const givenUp = broadcaster.drops.pipe(
    filter(({ cause }) => isForNow(cause)),
    map(({ event }) => event.regarding),
  );
  const legacy = new LegacyRecorder(broadcaster.newRecorder(reporter), { actionOf });
  return { recorder: new GuardedRecorder(legacy, { nameAnnotation, limitsMessages: true }), broadcaster, givenUp };
}

/** The API server could not take it, or there were too many; what it refuses is refused again. */
const isForNow = (cause: DropCause): boolean => cause === 'retry_limit' || cause === 'queue_full';
