// Compatibility: what `clientGoCompatible` changes. The only place that reads the option.
//   Port of client-go v0.37.2 tools/record/events_cache.go (getEventKey, getSpamKey, EventAggregate, updateState).
import { defaultRules, type CorrelationRules, type EventKeyFuncs } from '../core/correlation-rules.ts';
import type { CoreV1Event } from '../core/core-event.ts';
import { generateEventName, unixNanoOf, type EventNames } from '../pipeline/event-name.ts';

/** Undoes what this package changes on purpose. */
export interface ClientGoOption {
  /** Behaves as client-go in everything that docs/porting.md lists as changed. For comparisons with it. Default: false. */
  readonly clientGoCompatible?: boolean | undefined;
}

export const isClientGoCompatible = ({ clientGoCompatible }: ClientGoOption): boolean => clientGoCompatible === true;

export function correlationRules(options: ClientGoOption): CorrelationRules {
  return isClientGoCompatible(options) ? clientGoRules : defaultRules;
}

/** How recorders name events. In client-go two events of one object at the same instant share a name. */
export function nameFunction(options: ClientGoOption, names: EventNames): (referencedName: string, nowMs: number) => string {
  return isClientGoCompatible(options)
    ? (referencedName, nowMs) => generateEventName(referencedName, unixNanoOf(nowMs))
    : (referencedName, nowMs) => names.next(referencedName, nowMs);
}

function spamKey({ source, involvedObject: o, type }: CoreV1Event): string {
  return [source.component, source.host, o.kind, o.namespace, o.name, o.uid, o.apiVersion, type].join('');
}

/** Keys joined without separators: component `ab` of host `c` is `a` of `bc`. */
const clientGoKeyFuncs: EventKeyFuncs = {
  spamKey,
  eventKey({ source, involvedObject: o, type, reason, message }) {
    const object = [o.kind, o.namespace, o.name, o.fieldPath, o.uid, o.apiVersion];
    return [source.component, source.host, ...object, type, reason, message].join('');
  },
  aggregate(event) {
    const { reason, reportingComponent, reportingInstance, message } = event;
    return { aggregateKey: [spamKey(event), reason, reportingComponent, reportingInstance].join(''), localKey: message };
  },
};

const clientGoRules: CorrelationRules = {
  newKeyFuncs: () => clientGoKeyFuncs,
  newAggregate(event, message, nowMs, now) {
    const { involvedObject, metadata } = event;
    const name = `${involvedObject.name ?? ''}.${unixNanoOf(nowMs).toString(16)}`;
    return {
      ...defaultRules.newAggregate(event, message, nowMs, now),
      metadata: { name, namespace: metadata.namespace },
      reportingComponent: '',
      reportingInstance: '',
    };
  },
  aggregateKeyOf: groupKey => groupKey,
  skips: () => true,
  answeredCount: answered => answered,
  maxAgeMs: () => Infinity,
  nameAnnotation: () => undefined,
};
