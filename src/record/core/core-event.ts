// The core/v1 Event in memory, on the wire and in a log.
import type { LogFields } from '../../logging/logger.ts';
import { timestamp, wholeSeconds } from '../../time/rfc3339.ts';
import type { EventMetadata, EventShape } from '../pipeline/event-policy.ts';
import { newMetadata, type EventParts } from '../pipeline/recording.ts';
import type { ObjectReference } from '../pipeline/reference.ts';

/** `Normal` for expected events, `Warning` for problems. Nothing else is accepted. */
export type EventType = 'Normal' | 'Warning';
/** The two by name. */
export const EventType = { Normal: 'Normal', Warning: 'Warning' } as const;

/** The component that reports an event. */
export interface EventSource {
  readonly component?: string | undefined;
  readonly host?: string | undefined;
}

/** A core/v1 Event. Times are RFC 3339 in UTC: with milliseconds until the event has been on the API server, in whole seconds after. */
export interface CoreV1Event {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: EventMetadata;
  readonly involvedObject: ObjectReference;
  readonly reason: string;
  readonly message: string;
  readonly source: EventSource;
  readonly firstTimestamp: string;
  readonly lastTimestamp: string;
  /** The number of occurrences. */
  readonly count: number;
  readonly type: string;
  readonly eventTime: string | null;
  readonly reportingComponent: string;
  readonly reportingInstance: string;
}

/** The strategic merge patch of a repetition. No other field of an event changes. */
export interface EventPatch {
  readonly count: number;
  readonly lastTimestamp: string;
  /** Absent if the event's message is empty. */
  readonly message?: string;
}

export interface EventFields extends EventParts {
  readonly source: EventSource;
}

/** An event with a count of 1. */
export function newEvent(fields: EventFields): CoreV1Event {
  const { reference, type, reason, message, source, nowMs } = fields;
  const now = timestamp(nowMs);
  return {
    metadata: newMetadata(fields),
    involvedObject: { ...reference },
    reason,
    message,
    source,
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    type,
    eventTime: null,
    reportingComponent: source.component ?? '',
    reportingInstance: source.host ?? '',
  };
}

export const coreV1Shape: EventShape<CoreV1Event, EventPatch> = {
  countOf: event => event.count,
  patchOf,
  isAnswer: (answer): answer is CoreV1Event => {
    const { metadata, count, firstTimestamp } = (answer ?? {}) as Partial<Record<keyof CoreV1Event, unknown>>;
    const { name } = (metadata ?? {}) as Partial<Record<string, unknown>>;
    return typeof name === 'string' && typeof firstTimestamp === 'string' && Number.isSafeInteger(count);
  },
  objectOf: event => event.involvedObject,
};

export function patchOf(event: CoreV1Event): EventPatch {
  const { count, message } = event;
  const lastTimestamp = wholeSeconds(event.lastTimestamp);
  return message === '' ? { count, lastTimestamp } : { count, lastTimestamp, message };
}

/** The JSON to create `event` with: as client-go writes it, times in whole seconds. */
export function wireEvent(event: CoreV1Event): CoreV1Event {
  const { firstTimestamp, lastTimestamp } = event;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    ...event,
    firstTimestamp: wholeSeconds(firstTimestamp),
    lastTimestamp: wholeSeconds(lastTimestamp),
  };
}

/** client-go's one line, its reference in Go's syntax. */
export function logLine({ involvedObject, type, reason, message }: CoreV1Event): string {
  return `Event(${goSyntax(involvedObject)}): type: '${type}' reason: '${reason}' ${message}`;
}

/** What goes with the message `Event occurred`. */
export function logFields({ involvedObject, type, reason, message }: CoreV1Event): LogFields {
  const { namespace = '', name = '', fieldPath = '', kind = '', apiVersion = '' } = involvedObject;
  const object = namespace === '' ? name : `${namespace}/${name}`;
  return { object, fieldPath, kind, apiVersion, type, reason, message };
}

function goSyntax(reference: ObjectReference): string {
  const { kind = '', namespace = '', name = '', uid = '', apiVersion = '', resourceVersion = '', fieldPath = '' } = reference;
  const values = { Kind: kind, Namespace: namespace, Name: name, UID: uid, APIVersion: apiVersion };
  const fields = Object.entries({ ...values, ResourceVersion: resourceVersion, FieldPath: fieldPath });
  return `v1.ObjectReference{${fields.map(([field, value]) => `${field}:${JSON.stringify(value)}`).join(', ')}}`;
}
