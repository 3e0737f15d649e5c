// The events.k8s.io/v1 Event in memory and on the wire, and how to select events. getFieldSelector ports client-go v0.37.2 tools/events/helper.go.
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
export const shortNote = (note: string): string => shortened(note, 1024);

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

/** By which name each API calls the object that an event is about. */
const prefixes: ReadonlyMap<string, string> = new Map([
  ['events.k8s.io/v1', 'regarding'],
  ['events.k8s.io/v1beta1', 'regarding'],
  ['v1', 'involvedObject'],
]);

/**
 * The field selector of the events about `regarding`: for `fieldSelector` of a list or a watch. What is empty or absent selects nothing.
 * @param eventsApiVersion the API that is asked: `events.k8s.io/v1`, `events.k8s.io/v1beta1` or `v1`
 * @throws RangeError for any other version
 *
 * @example
 * ```ts
 * import { getFieldSelector } from 'bitcoin-controller/record/events';
 *
 * const pod = { apiVersion: 'v1', kind: 'Pod', name: 'web-0' };
 * console.log(getFieldSelector('events.k8s.io/v1', pod)); // prints regarding.apiVersion=v1,regarding.kind=Pod,regarding.name=web-0
 * ```
 */
export function getFieldSelector(
  eventsApiVersion: string,
  regarding: Pick<ObjectReference, 'apiVersion' | 'kind' | 'name' | 'uid'>,
): string {
  const prefix = prefixes.get(eventsApiVersion);
  if (prefix === undefined) throw new RangeError(`unknown version ${eventsApiVersion}`);
  return (['apiVersion', 'kind', 'name', 'uid'] as const)
    .map(field => [field, regarding[field] ?? ''] as const)
    .filter(([, value]) => value !== '')
    .map(([field, value]) => `${prefix}.${field}=${escaped(value)}`)
    .join(',');
}

/** As the API server reads a selector: a backslash makes the next character a part of the value. */
function escaped(value: string): string {
  return value.replace(/[\\,=]/g, '\\$&');
}
