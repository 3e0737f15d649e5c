// record: what the recorders of both APIs do with a call: refer to the object, check the fields, count an event that is invalid.
import type { LogFields, Logger } from '../../logging/logger.ts';
import type { DropCause } from './event-counts.ts';
import type { Annotations, EventMetadata } from './event-policy.ts';
import { givenName } from './event-name.ts';
import { formatMessage } from '../../logging/format-message.ts';
import { getReference, type KindLookup, type ObjectReference, type Referable } from './reference.ts';

/** The options of one recorder. */
export interface RecorderOptions {
  /** Looks up the kind of objects that have none. Default: the broadcaster's. */
  readonly kindOf?: KindLookup | undefined;
}

export interface RecordingOptions<E> extends RecorderOptions {
  readonly logger: Logger;
  readonly now: () => number;
  readonly nameFor: (referencedName: string, nowMs: number) => string;
  readonly nameAnnotation: string | undefined;
  /** Accepts references without kind or name, as client-go does. */
  readonly isLenient: boolean;
  /** Refuses an empty reason. */
  readonly checksReason: boolean;
  /** False if too many events are queued. Throws once the broadcaster is stopped. */
  readonly send: (event: E) => boolean;
  /** Counts an event that is not sent. */
  readonly drop: (cause: DropCause, event: E) => void;
}

/** A call of a recorder. */
export interface RecordedCall {
  readonly object: Referable | null | undefined;
  readonly annotations: Annotations | undefined;
  readonly type: string;
  readonly reason: string;
  readonly format: string;
  readonly args: readonly unknown[];
}

/** What an event of either API is made of. */
export interface EventParts extends Pick<RecordedCall, 'annotations' | 'type' | 'reason'> {
  readonly reference: ObjectReference;
  readonly name: string;
  readonly nowMs: number;
  readonly message: string;
}

/** The metadata of an event: its namespace is that of its object, or `default` if that has none. */
export function newMetadata({ reference, name, annotations }: EventParts): EventMetadata {
  const namespace = isEmpty(reference.namespace) ? 'default' : reference.namespace;
  return annotations === undefined ? { name, namespace } : { name, namespace, annotations: { ...annotations } };
}

/** The reference to the object of an event, and why it cannot be recorded, as a log line, if it cannot. */
export function checkedReference(
  { object, type, reason }: Pick<RecordedCall, 'object' | 'type' | 'reason'>,
  { kindOf, isLenient, checksReason }: Pick<RecordingOptions<unknown>, 'kindOf' | 'isLenient' | 'checksReason'>,
): { readonly reference: ObjectReference; readonly fault?: { readonly message: string; readonly fields: LogFields } } {
  let reference: ObjectReference = {};
  let message = 'Could not construct reference, will not report event';
  try {
    reference = getReference(object, kindOf);
    if (type !== 'Normal' && type !== 'Warning') {
      message = 'Unsupported event type';
      throw new RangeError('use Normal or Warning');
    }
    if (!isLenient && (isEmpty(reference.kind) || isEmpty(reference.name))) throw new Error('the object has no kind or no name');
    if (!isLenient && checksReason && isEmpty(reason)) {
      message = 'Event has no reason';
      throw new RangeError('reason is empty');
    }
    return { reference };
  } catch (error) {
    return { reference, fault: { message, fields: { object: objectText(reference, object), eventType: type, reason, error } } };
  }
}

/** Never throws. */
export function record<E>(options: RecordingOptions<E>, call: RecordedCall, newEvent: (parts: EventParts) => E): void {
  const { logger, now, nameFor, nameAnnotation, send, drop } = options;
  try {
    const { reference, fault } = checkedReference(call, options);
    const nowMs = now();
    const { annotations, type, reason } = call;
    const name = givenName(annotations, nameAnnotation) ?? nameFor(reference.name ?? '', nowMs);
    const event = newEvent({ reference, name, nowMs, message: messageOf(call), annotations, type, reason });
    if (fault !== undefined) {
      logger.error(fault.message, fault.fields);
      drop('invalid', event);
    } else if (!send(event)) {
      logger.error('Unable to record event: too many queued events, dropped event', eventFields(reference, call));
    }
  } catch (error) {
    logger.error('Unable to record event (will not retry!)', { error, eventType: call.type, reason: call.reason });
  }
}

/** How an event is described in a log. */
export function eventFields(
  reference: ObjectReference,
  { type, reason }: { readonly type: string; readonly reason: string },
): LogFields {
  return { object: objectText(reference, reference), eventType: type, reason };
}

/** `kind namespace/name` of the reference, or of the object if that could not be referred to. */
function objectText(reference: ObjectReference, object: unknown): string {
  try {
    const { kind = '', metadata, ...other } = (object ?? {}) as { kind?: string; metadata?: ObjectReference } & ObjectReference;
    const { namespace = '', name = '' } = { ...other, ...metadata, ...reference };
    return `${reference.kind ?? kind} ${namespace === '' ? '' : `${namespace}/`}${name}`.trim();
  } catch {
    return '';
  }
}

/** Arguments that cannot be formatted cost no event. */
function messageOf({ format, args }: RecordedCall): string {
  try {
    return formatMessage(format, args);
  } catch {
    return format;
  }
}

function isEmpty(value: string | undefined): value is undefined | '' {
  return value === undefined || value === '';
}
