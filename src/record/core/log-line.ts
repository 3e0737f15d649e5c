// How an event is logged. Port of client-go v0.37.2 tools/record/event.go (StartLogging, StartStructuredLogging).
import type { LogFields } from '../../logging/logger.ts';
import type { ObjectReference } from '../pipeline/reference.ts';
import type { CoreV1Event } from './core-event.ts';

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
