// `bitcoin-controller/record`: what other controllers import to record core/v1 events. Nothing in this project does.
export type { Logger } from '../logger.ts';
export { EventType, type CoreV1Event, type EventPatch, type EventSource, type ObjectReference } from './core-event.ts';
export { EventBroadcaster, newBroadcaster, type EventBroadcasterOptions } from './event-broadcaster.ts';
export {
  EventAggregator,
  EventCorrelator,
  EventLogger,
  type AggregatorOptions,
  type CorrelatorOptions,
  type EventCorrelateResult,
  type EventLoggerOptions,
} from './event-correlator.ts';
export type { DropCause, DropCounts, EventCounts, EventDrop } from './event-counts.ts';
export {
  eventAggregatorByReasonFunc,
  eventAggregatorByReasonMessageFunc,
  type EventAggregatorKeyFunc,
  type EventAggregatorMessageFunc,
  type EventSpamKeyFunc,
  type KnownObject,
  type SpamKey,
} from './event-keys.ts';
export { generateEventName } from './event-name.ts';
export type { EventRecorder } from './event-recorder.ts';
export { CoreV1EventSink, type CoreV1EventsApi, type EventSink } from './event-sink.ts';
export { FakeRecorder, newFakeRecorder } from './fake-recorder.ts';
export type { ShutdownOptions, ShutdownResult } from './recorded-events.ts';
export {
  getPartialReference,
  getReference,
  NilObjectError,
  type KindLookup,
  type KubernetesObject,
  type Referable,
} from './reference.ts';
export { RequestConstructionError } from './sink-error.ts';
export { EventSourceObjectSpamFilter, type SpamFilterOptions } from './spam-filter.ts';
