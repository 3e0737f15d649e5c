/**
 * Records core/v1 events as client-go's `tools/record` does, without its losses: recorder, broadcaster, correlator and sinks. Nothing in this
 * project imports it from here.
 *
 * `recordEvents` is the usual case in one call; docs/recording-events.md is the guide.
 *
 * @module record
 */
export * from './pipeline/entry.ts';
export { EventType, type CoreV1Event, type EventPatch, type EventSource } from './core/core-event.ts';
export {
  EventBroadcaster,
  newBroadcaster,
  recordEvents,
  type EventBroadcasterOptions,
  type EventRecording,
  type RecordEventsOptions,
} from './core/event-broadcaster.ts';
export {
  EventAggregator,
  EventCorrelator,
  EventLogger,
  EventSourceObjectSpamFilter,
  type AggregatorOptions,
  type CorrelatorOptions,
  type EventCorrelateResult,
  type EventLoggerOptions,
  type SpamFilterOptions,
} from './core/event-correlator.ts';
export {
  eventAggregatorByReasonFunc,
  eventAggregatorByReasonMessageFunc,
  type EventAggregatorKeyFunc,
  type EventAggregatorMessageFunc,
  type EventSpamKeyFunc,
  type KnownObject,
  type SpamKey,
} from './core/correlation-rules.ts';
export { BaseEventRecorder, type EventRecorder, type FormatArguments } from './core/event-recorder.ts';
export { CoreV1EventSink, type EventSink } from './core/core-v1-sink.ts';
export { FakeRecorder, newFakeRecorder, type FakeRecorderOptions, type RecordedEvent } from './core/fake-recorder.ts';
export { generateEventName } from './pipeline/event-name.ts';
