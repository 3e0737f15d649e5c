// EventSink: where core/v1 events are written.
//   Port of client-go v0.37.2 tools/record (EventSink) and kubernetes/typed/core/v1 (EventSinkImpl).
import { ClientNodeSink } from '../pipeline/client-node-sink.ts';
import type { CoreV1Event, EventPatch } from './core-event.ts';
import { wireEvent } from './core-event.ts';
import type { SinkOf } from '../pipeline/event-policy.ts';

/** Writes events. Calls for different events may run at once; for one event one call follows another. */
export interface EventSink extends SinkOf<CoreV1Event, EventPatch> {
  /** Never called; for those who write a sink by client-go's interface. */
  update?(event: CoreV1Event, signal?: AbortSignal): Promise<CoreV1Event>;
}

/**
 * Writes to the API server with client-node's `CoreV1Api`: a new event with a POST, a repetition as a strategic merge patch. The service
 * account needs the verbs `create` and `patch` on `events` of the group `''`.
 * @throws what client-node throws; an Error, without a request, for an event without a namespace
 */
export class CoreV1EventSink extends ClientNodeSink<CoreV1Event, EventPatch> implements EventSink {
  /** @internal */
  protected bodyOf(event: CoreV1Event): object {
    const { firstTimestamp, lastTimestamp, ...rest } = wireEvent(event);
    return { ...rest, firstTimestamp: new Date(firstTimestamp), lastTimestamp: new Date(lastTimestamp) };
  }

  /** @internal */
  protected fieldsOf(answer: unknown): Partial<CoreV1Event> {
    const { count, firstTimestamp } = answer as { count?: number; firstTimestamp?: Date | string };
    const time = firstTimestamp instanceof Date ? firstTimestamp.toISOString() : firstTimestamp;
    return { ...(count === undefined ? {} : { count }), ...(time === undefined ? {} : { firstTimestamp: time }) };
  }
}
