// Which events are the same, similar, or of one source: the three keys of event-correlator.ts.
//   Port of client-go v0.37.2 tools/record/events_cache.go (getEventKey, getSpamKey, EventAggregatorByReasonFunc).
import type { CoreV1Event } from './core-event.ts';

/** Groups similar events: all of one `aggregateKey`; in a group, different `localKey`s are different events. */
export type EventAggregatorKeyFunc = (event: CoreV1Event) => { readonly aggregateKey: string; readonly localKey: string };
export type EventAggregatorMessageFunc = (event: CoreV1Event) => string;
export type EventSpamKeyFunc = (event: CoreV1Event) => string;

/** The same event happened again if this is the same. */
export function getEventKey(event: CoreV1Event): string {
  return `${objectKey(event)}${part(event.involvedObject.fieldPath)}${part(event.reason)}${event.message}`;
}

/** Whose burst an event counts against: one source, one object, one type. */
export function getSpamKey(event: CoreV1Event): string {
  return objectKey(event);
}

/** Similar are events which differ only by message and fieldPath. */
export function eventAggregatorByReasonFunc(event: CoreV1Event): { aggregateKey: string; localKey: string } {
  const { reason, reportingComponent, reportingInstance, message } = event;
  return {
    aggregateKey: `${objectKey(event)}${part(reason)}${part(reportingComponent)}${part(reportingInstance)}`,
    localKey: message,
  };
}

export function eventAggregatorByReasonMessageFunc(event: CoreV1Event): string {
  return `(combined from similar events): ${event.message}`;
}

function objectKey({ source, involvedObject, type }: CoreV1Event): string {
  const { kind, namespace, name, uid, apiVersion } = involvedObject;
  return `${part(source.component)}${part(source.host)}${part(kind)}${part(namespace)}${part(name)}${part(uid)}${part(apiVersion)}${part(type)}`;
}

/** Differs from client-go: its keys are joined without separators, so that component `ab` of host `c` is `a` of `bc`. */
function part(field: string | undefined): string {
  return field === undefined ? '0:' : `${field.length}:${field}`;
}

/** client-go's own keys, collisions and all. */
export const clientGoKeys = {
  getEventKey(this: void, { source, involvedObject: o, type, reason, message }: CoreV1Event): string {
    return [
      source.component,
      source.host,
      o.kind,
      o.namespace,
      o.name,
      o.fieldPath,
      o.uid,
      o.apiVersion,
      type,
      reason,
      message,
    ].join('');
  },
  getSpamKey(this: void, { source, involvedObject: o, type }: CoreV1Event): string {
    return [source.component, source.host, o.kind, o.namespace, o.name, o.uid, o.apiVersion, type].join('');
  },
  eventAggregatorByReasonFunc(this: void, event: CoreV1Event): { aggregateKey: string; localKey: string } {
    const { reason, reportingComponent, reportingInstance, message } = event;
    return {
      aggregateKey: [clientGoKeys.getSpamKey(event), reason, reportingComponent, reportingInstance].join(''),
      localKey: message,
    };
  },
} as const;
