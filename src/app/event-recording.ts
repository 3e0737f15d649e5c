// startEventRecording: writes events to the API server, in the API that the configuration names, and to the log.
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
  /** The name of the controller that reports. */
  readonly component: string;
  /** The name of its instance. */
  readonly identity: string;
}

/** The part of either broadcaster that the rest of the process uses. */
export interface EventRecording {
  readonly recorder: EventRecorder;
  readonly broadcaster: { readonly counts: EventTotals } & Pick<EventBroadcaster, 'flush' | 'shutdown'>;
  /** The object of each event that was dropped, and that the API server may accept later. */
  readonly givenUp: Observable<ObjectReference>;
}

/** The API server accepts no longer name of an instance. */
const longestInstance = 128;

/**
 * When thousands of networks come up, or a new leader starts, each has several events, and the API server accepts a few hundred writes a
 * second from this client: no event may be dropped because it has to wait.
 */
const maxQueuedEvents = 10_000;

/** Concurrent writes of events. One, because events can wait and the writes for the networks cannot: it takes a hundred and more a second. */
const concurrency = 1;

export function startEventRecording({ api, client, logger, component, identity }: EventRecordingOptions): EventRecording {
  const nameAnnotation = eventNameAnnotation;
  const options = { logger, maxQueuedEvents, concurrency, nameAnnotation };
  if (api === 'core') {
    const broadcaster = new EventBroadcaster(options);
    broadcaster.startRecordingToSink(new KubeClientEventSink(client));
    broadcaster.startStructuredLogging(logger);
    const givenUp = broadcaster.drops.pipe(
      filter(({ cause }) => mayBeAcceptedLater(cause)),
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
    filter(({ cause }) => mayBeAcceptedLater(cause)),
    map(({ event }) => event.regarding),
  );
  const legacy = new LegacyRecorder(broadcaster.newRecorder(reporter), { actionOf });
  return { recorder: new GuardedRecorder(legacy, { nameAnnotation, limitsMessages: true }), broadcaster, givenUp };
}

/** The API server was not reachable, or too many events were queued. An event that it refuses would be refused again. */
const mayBeAcceptedLater = (cause: DropCause): boolean => cause === 'retry_limit' || cause === 'queue_full';
