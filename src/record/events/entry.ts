// `bitcoin-controller/record/events`: what other controllers import to record events.k8s.io/v1 events. Nothing in this project does.
export type { EventsV1Event, EventSeries, SeriesPatch } from './events-v1-event.ts';
export {
  EventBroadcasterAdapter,
  newEventBroadcasterAdapter,
  type EventApis,
  type EventBroadcasterAdapterOptions,
} from './event-broadcaster-adapter.ts';
export { EventRecorderAdapter, newEventRecorderAdapter } from './event-recorder-adapter.ts';
export { EventsV1Broadcaster, type EventsV1BroadcasterOptions } from './events-v1-broadcaster.ts';
export type { EventsV1Recorder, Reporter } from './events-v1-recorder.ts';
export { EventsV1ApiSink, type EventsV1Api, type EventsV1Sink } from './events-v1-sink.ts';
export { FakeRecorder, newFakeRecorder } from './fake-recorder.ts';
export { getFieldSelector } from './field-selector.ts';
export { LegacyRecorder, type LegacyRecorderOptions } from './legacy-recorder.ts';
export type { DropCause, DropCounts, EventCounts, EventDrop } from '../event-counts.ts';
export type { ShutdownOptions, ShutdownResult } from '../recorded-events.ts';
export { RequestConstructionError } from '../sink-error.ts';
