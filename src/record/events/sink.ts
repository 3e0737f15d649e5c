// EventsV1Sink: where events.k8s.io/v1 events are written.
//   Port of client-go v0.37.2 tools/events (EventSink, EventSinkImpl).
import { ClientNodeSink } from '../pipeline/client-node-sink.ts';
import type { SinkOf } from '../pipeline/event-policy.ts';
import type { EventsV1Event, SeriesPatch } from './event.ts';

/** Writes events. Calls for different events may run at once; for one event one call follows another. */
export type EventsV1Sink = SinkOf<EventsV1Event, SeriesPatch>;

/**
 * Writes to the API server with client-node's `EventsV1Api`. The service account needs the verbs `create` and `patch` on `events` of the
 * group `events.k8s.io`.
 * @throws what client-node throws; an Error, without a request, for an event without a namespace
 */
export class EventsV1ApiSink extends ClientNodeSink<EventsV1Event, SeriesPatch> implements EventsV1Sink {
  /** @internal */
  protected bodyOf(event: EventsV1Event): object {
    const { series, eventTime } = event;
    const body = { apiVersion: 'events.k8s.io/v1', kind: 'Event', ...event, eventTime: new MicroDate(eventTime) };
    if (series === undefined) return body;
    return { ...body, series: { ...series, lastObservedTime: new MicroDate(series.lastObservedTime) } };
  }

  /** @internal */
  protected fieldsOf(): Partial<EventsV1Event> {
    return {};
  }
}

/** client-node writes the result of `toISOString`. */
class MicroDate extends Date {
  override toISOString(): string {
    return super.toISOString().replace('Z', '000Z');
  }
}
