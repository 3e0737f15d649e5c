/**
 * Records events.k8s.io/v1 events as client-go's `tools/events` does, without its losses: with an action, a related object, and series of what
 * happens again. Nothing in this project imports it from here.
 *
 * @module record/events
 */
export type { EventsV1Event, EventSeries, SeriesPatch } from './events-v1-event.ts';
export {
  EventBroadcasterAdapter,
  newEventBroadcasterAdapter,
  type DiscoveredApi,
  type EventApis,
  type EventBroadcasterAdapterOptions,
  type EventSinks,
} from './event-broadcaster-adapter.ts';
export { EventRecorderAdapter, newEventRecorderAdapter } from './event-recorder-adapter.ts';
export { EventsV1Broadcaster, type EventsV1BroadcasterOptions } from './events-v1-broadcaster.ts';
export type { EventsV1Recorder, MaybeReferable, Reporter } from './events-v1-recorder.ts';
export { EventsV1ApiSink, type EventsV1Api, type EventsV1Sink } from './events-v1-sink.ts';
export { FakeRecorder, newFakeRecorder } from './fake-recorder.ts';
export { getFieldSelector } from './field-selector.ts';
export { LegacyRecorder, type LegacyRecorderOptions } from './legacy-recorder.ts';
export type { DropCause, DropCounts, EventCounts, EventDrop } from '../event-counts.ts';
export type { ShutdownOptions, ShutdownResult } from '../recorded-events.ts';
export type { AnyEvent, SinkOf } from '../event-shape.ts';
export { RequestConstructionError } from '../sink-error.ts';
