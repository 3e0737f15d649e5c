/**
 * Records events.k8s.io/v1 events as client-go's `tools/events` does, without its losses: with an action, a related object, and series of what
 * happens again. Nothing in this project imports it from here.
 *
 * @module record/events
 */
export * from '../pipeline/entry.ts';
export type { EventType } from '../core/core-event.ts';
export type { RecordedEvent } from '../core/fake-recorder.ts';
export { getFieldSelector, type EventsV1Event, type EventSeries, type SeriesPatch } from './event.ts';
export {
  EventBroadcasterAdapter,
  EventRecorderAdapter,
  LegacyRecorder,
  newEventBroadcasterAdapter,
  newEventRecorderAdapter,
  type EventApis,
  type EventBroadcasterAdapterOptions,
  type EventSinks,
  type LegacyRecorderOptions,
} from './adapters.ts';
export { EventsV1Broadcaster, type EventsV1BroadcasterOptions } from './broadcaster.ts';
export {
  BaseEventsV1Recorder,
  type ActionArguments,
  type EventsV1Recorder,
  type MaybeReferable,
  type RecordedAction,
  type Reporter,
} from './recorder.ts';
export { EventsV1ApiSink, type EventsV1Sink } from './sink.ts';
export { FakeRecorder, newFakeRecorder, type FakeRecorderOptions, type RecordedEventsV1Event } from './fake-recorder.ts';
