/**
 * Records events.k8s.io/v1 events as client-go's `tools/events` does, without its losses: with an action, a related object, and series of what
 * happens again. Nothing in this project imports it from here.
 *
 * @module record/events
 */
export type { ClientGoOption } from '../client-go/compatibility.ts';
export type { EventsV1Event, EventSeries, SeriesPatch } from './event.ts';
export {
  EventBroadcasterAdapter,
  newEventBroadcasterAdapter,
  type EventApis,
  type EventBroadcasterAdapterOptions,
  type EventSinks,
  EventRecorderAdapter,
  LegacyRecorder,
  newEventRecorderAdapter,
  type LegacyRecorderOptions,
} from './adapters.ts';
export { EventsV1Broadcaster, type EventsV1BroadcasterOptions } from './broadcaster.ts';
export {
  BaseEventsV1Recorder,
  type EventsV1Recorder,
  type MaybeReferable,
  type RecordedAction,
  type Reporter,
} from './recorder.ts';
export { EventsV1ApiSink, type EventsV1Sink } from './sink.ts';
export type { ClientNodeEventsApi } from '../pipeline/client-node-sink.ts';
export { FakeRecorder, newFakeRecorder, type FakeRecorderOptions, type RecordedEventsV1Event } from './fake-recorder.ts';
export { getFieldSelector } from './field-selector.ts';
export type { DropCause, DropCounts, EventCounts, EventDrop } from '../pipeline/event-counts.ts';
export { EventPipeline } from '../pipeline/event-pipeline.ts';
export type { PipelineOptions, ShutdownOptions, ShutdownResult } from '../pipeline/options.ts';
export type { RecordedCall, RecorderOptions } from '../pipeline/recording.ts';
export type {
  KindLookup,
  KubernetesObject,
  NamedReference,
  NotEmpty,
  ObjectReference,
  Referable,
} from '../pipeline/reference.ts';
export type { EventType } from '../core/core-event.ts';
export type { RecordedEvent } from '../core/fake-recorder.ts';
export type { Watcher, WatchEvent, WatchEventType, WatcherFeed, WatcherOptions } from '../../broadcaster/watcher.ts';
export type { LogFields, Logger } from '../../logging/logger.ts';
export type { Annotations, AnyEvent, EventMetadata, SinkOf } from '../pipeline/event-policy.ts';
export { RequestConstructionError } from '../pipeline/event-writer.ts';
