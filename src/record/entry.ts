/**
 * Records core/v1 events as client-go's `tools/record` does, without its losses: recorder, broadcaster, correlator and sinks. Nothing in this
 * project imports it from here.
 *
 * @example The log as a structured one, and what became of the events
 * ```ts
 * import { EventBroadcaster, type Logger } from 'bitcoin-controller/record';
 *
 * const log = (message: string, fields = {}) => console.log(message, JSON.stringify(fields));
 * const logger: Logger = { debug: log, info: log, warn: log, error: log };
 * const events = new EventBroadcaster({ maxQueuedEvents: 2 }); // no sink ever comes
 * events.startStructuredLogging(logger);
 * events.drops.subscribe(({ cause, event }) => console.log('lost:', cause, event.reason));
 * const recorder = events.newRecorder({ component: 'my-controller' });
 * recorder.event({ apiVersion: 'v1', kind: 'Node', name: 'node-1' }, 'Normal', 'Joined', 'it is new');
 * const { notDelivered } = await events.shutdown();
 * console.log(notDelivered, 'not delivered');
 * // prints Event occurred {"object":"node-1","fieldPath":"","kind":"Node","apiVersion":"v1","type":"Normal","reason":"Joined","message":"it is new"}
 * // prints lost: no_sink Joined
 * // prints 1 not delivered
 * ```
 *
 * @example client-go's line for each event
 * ```ts
 * import { EventBroadcaster } from 'bitcoin-controller/record';
 *
 * await using events = new EventBroadcaster();
 * const watcher = events.startLogging(line => console.log(line.replace(/^.*: type/, 'type')));
 * const recorder = events.newRecorder({ component: 'my-controller' });
 * recorder.event({ kind: 'Node', name: 'node-1' }, 'Normal', 'Joined', 'it is new'); // prints type: 'Normal' reason: 'Joined' it is new
 * await Promise.resolve();
 * watcher.stop();
 * recorder.event({ kind: 'Node', name: 'node-1' }, 'Normal', 'Left', 'it is gone');
 * ```
 *
 * @module record
 */
export type { Watcher, WatchEvent, WatchEventType, WatcherFeed, WatcherOptions } from '../broadcaster/watcher.ts';
export type { LogFields, Logger } from '../logging/logger.ts';
export type { ClientGoOption } from './client-go/compatibility.ts';
export type { CorrelatorOptions } from './core/correlator-options.ts';
export { EventType, type CoreV1Event, type EventPatch, type EventSource } from './core/core-event.ts';
export { EventBroadcaster, newBroadcaster, type EventBroadcasterOptions } from './core/event-broadcaster.ts';
export {
  EventAggregator,
  EventCorrelator,
  EventLogger,
  type AggregatorOptions,
  type EventCorrelateResult,
  type EventLoggerOptions,
} from './core/event-correlator.ts';
export type { DropCause, DropCounts, EventCounts, EventDrop } from './pipeline/event-counts.ts';
export {
  eventAggregatorByReasonFunc,
  eventAggregatorByReasonMessageFunc,
  type EventAggregatorKeyFunc,
  type EventAggregatorMessageFunc,
  type EventSpamKeyFunc,
  type KnownObject,
  type SpamKey,
} from './core/event-keys.ts';
export { generateEventName } from './pipeline/event-name.ts';
export { BaseEventRecorder, type EventRecorder } from './core/event-recorder.ts';
export type { Annotations, AnyEvent, EventMetadata, SinkOf } from './pipeline/event-policy.ts';
export { CoreV1EventSink, type EventSink } from './core/core-v1-sink.ts';
export type { ClientNodeEventsApi } from './pipeline/client-node-sink.ts';
export { FakeRecorder, newFakeRecorder, type FakeRecorderOptions, type RecordedEvent } from './core/fake-recorder.ts';
export { EventPipeline } from './pipeline/event-pipeline.ts';
export type { PipelineOptions, ShutdownOptions, ShutdownResult } from './pipeline/options.ts';
export type { RecordedCall, RecorderOptions } from './pipeline/recording.ts';
export { recordEvents, type EventRecording, type RecordEventsOptions } from './core/record-events.ts';
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
} from './pipeline/reference.ts';
export { RequestConstructionError } from './pipeline/event-writer.ts';
export { EventSourceObjectSpamFilter, type SpamFilterOptions } from './core/spam-filter.ts';
