// `bitcoin-controller/record/events`: what other controllers import to record events.k8s.io/v1 events. Nothing in this project does.
export type { EventsV1Event, EventSeries, SeriesPatch } from './events-v1-event.ts';
export { EventsV1Broadcaster, type EventsV1BroadcasterOptions } from './events-v1-broadcaster.ts';
export { getFieldSelector } from './field-selector.ts';
export type { EventsV1Recorder, Reporter } from './events-v1-recorder.ts';
export { EventsV1ApiSink, type EventsV1Api, type EventsV1Sink } from './events-v1-sink.ts';
