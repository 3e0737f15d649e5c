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
} from './core/event-keys.ts';
export { BaseEventRecorder, type EventRecorder, type FormatArguments } from './core/event-recorder.ts';
export { CoreV1EventSink, type EventSink } from './core/core-v1-sink.ts';
export { FakeRecorder, newFakeRecorder, type FakeRecorderOptions, type RecordedEvent } from './core/fake-recorder.ts';
export { generateEventName } from './pipeline/event-name.ts';
