// The events.k8s.io/v1 Event in memory and on the wire.
import type { LogFields } from '../../logging/logger.ts';
import { shortened } from '../../logging/short-text.ts';
import type { ObjectReference } from '../pipeline/reference.ts';
import type { EventMetadata, EventShape } from '../pipeline/event-policy.ts';

/** How often an event has happened, and when last. */
export interface EventSeries {
  readonly count: number;
  /** RFC 3339 in UTC with microseconds. */
  readonly lastObservedTime: string;
}

/** An events.k8s.io/v1 Event. Times are RFC 3339 in UTC with six digits after the second. */
export interface EventsV1Event {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: EventMetadata;
  readonly eventTime: string;
  readonly reportingController: string;
  readonly reportingInstance: string;
  /** What was done, or tried. */
  readonly action: string;
  readonly reason: string;
  readonly regarding: ObjectReference;
  readonly related?: ObjectReference;
  readonly note: string;
  readonly type: string;
  /** Absent until it has happened twice. */
  readonly series?: EventSeries;
}

/** The strategic merge patch that a series is written as. No other field of an event changes. */
export interface SeriesPatch {
  readonly series: EventSeries;
}

export const eventsV1Shape: EventShape<EventsV1Event, SeriesPatch> = {
  countOf: event => event.series?.count ?? 1,
  patchOf: ({ series, eventTime }) => ({ series: { count: 1, lastObservedTime: eventTime, ...series } }),
  isAnswer: (answer): answer is EventsV1Event => {
    const { metadata } = (answer ?? {}) as Partial<EventsV1Event>;
    return typeof (metadata as Partial<EventMetadata> | null | undefined)?.name === 'string';
  },
  objectOf: event => event.regarding,
};

/** What goes with the message `Event occurred` in a log. */
export function logFields({ regarding, type, reason, action, note }: EventsV1Event): LogFields {
  const { namespace = '', name = '', kind = '', apiVersion = '' } = regarding;
  return { object: namespace === '' ? name : `${namespace}/${name}`, kind, apiVersion, type, reason, action, note };
}

/** The server refuses notes of more than 1024 bytes. */
export function shortNote(note: string): string {
  return shortened(note, 1024);
}

/** What happens again is the same event if all of this is the same. The note and the annotations are no part of it. */
export function seriesKey(event: EventsV1Event, includesResourceVersion: boolean): string {
  const { type, action, reason, reportingController, reportingInstance, regarding, related } = event;
  const partsOf = (reference: ObjectReference = {}) => {
    const { kind, namespace, name, uid, apiVersion, resourceVersion, fieldPath } = reference;
    return [kind, namespace, name, uid, apiVersion, includesResourceVersion ? resourceVersion : undefined, fieldPath];
  };
  return JSON.stringify([
    type,
    action,
    reason,
    reportingController,
    reportingInstance,
    partsOf(regarding),
    related === undefined ? null : partsOf(related),
  ]);
}
