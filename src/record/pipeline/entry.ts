// What `record` and `record/events` both export. Nothing in this project imports it from here.
export type { Watcher, WatchEvent, WatchEventType, WatcherFeed, WatcherOptions } from '../../broadcaster/watcher.ts';
export type { LogFields, Logger } from '../../logging/logger.ts';
export type { ClientGoOption } from '../client-go/compatibility.ts';
export type { ClientNodeEventsApi } from './client-node-sink.ts';
export type { DropCause, DropCounts, EventCounts, EventDrop } from './event-counts.ts';
export { EventPipeline } from './event-pipeline.ts';
export type { Annotations, AnyEvent, EventMetadata, SinkOf } from './event-policy.ts';
export { RequestConstructionError } from './event-writer.ts';
export type { PipelineOptions, ShutdownOptions, ShutdownResult } from './options.ts';
export type { RecordedCall, RecorderOptions } from './recording.ts';
export {
  getPartialReference,
  getReference,
  NilObjectError,
  type KindLookup,
  type KubernetesObject,
  type NamedReference,
  type NotEmpty,
  type ObjectReference,
  type Referable,
} from './reference.ts';
