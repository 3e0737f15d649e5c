// EventsV1Recorder: says that a controller did something about an object. Before it: a controller's code. After it: events-v1-broadcaster.ts.
//   Port of client-go v0.37.2 tools/events/event_recorder.go.
import type { Logger } from '../../logging/logger.ts';
import type { EventType, ObjectReference } from '../core/core-event.ts';
import { givenName } from '../pipeline/event-name.ts';
import { formatMessage } from '../pipeline/format-message.ts';
import { guardedLogger } from '../../logging/guarded-logger.ts';
import { getReference, type KindLookup, type Referable } from '../pipeline/reference.ts';
import { microTime, shortNote, type EventsV1Event } from './event.ts';

type Annotations = Readonly<Record<string, string>> | undefined;
/** What an event can be about; without an object there is nothing to record, and it is logged. */
export type MaybeReferable = Referable | null | undefined;

/** Who reports: `example.com/my-controller`, and which instance of it, usually `<controller>-<host name>`. */
export interface Reporter {
  readonly reportingController: string;
  readonly reportingInstance: string;
}

/** Records events. No method ever throws or waits: what cannot be recorded is logged and counted. */
export interface EventsV1Recorder {
  /** `action` is what was done or tried, `reason` why; `related` is another object that had a part in it. */
  eventf(
    regarding: MaybeReferable,
    related: MaybeReferable,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    ...args: unknown[]
  ): void;
  /** As `eventf`, with annotations on the event. */
  annotatedEventf(
    regarding: MaybeReferable,
    related: MaybeReferable,
    annotations: Readonly<Record<string, string>> | undefined,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    ...args: unknown[]
  ): void;
  /** The same recorder, which logs to `logger`. */
  withLogger(logger: Logger): EventsV1Recorder;
}

export interface RecorderOptions {
  readonly reporter: Reporter;
  readonly logger: Logger;
  /** False if there are too many events already. Throws when stopped. */
  readonly send: (event: EventsV1Event) => boolean;
  /** Counts an event that the server would not have. */
  readonly reject: (event: EventsV1Event) => void;
  readonly nameAnnotation: string | undefined;
  readonly kindOf: KindLookup | undefined;
  readonly nameFor: (referencedName: string, nowMs: number) => string;
  readonly now: () => number;
  readonly ignoresServerLimits: boolean;
}

/** The server refuses longer ones, in UTF-8. */
const longestFieldBytes = 128;
/** A name, which a DNS subdomain and a slash may precede. */
const qualifiedName =
  /^(?:(?=[^/]{1,253}\/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** The recorder that an `EventsV1Broadcaster` makes. */
export class BroadcastingEventsV1Recorder implements EventsV1Recorder {
  readonly #options: RecorderOptions;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  eventf(
    regarding: MaybeReferable,
    related: MaybeReferable,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    ...args: unknown[]
  ): void {
    this.annotatedEventf(regarding, related, undefined, type, reason, action, note, ...args);
  }

  annotatedEventf(
    regarding: MaybeReferable,
    related: MaybeReferable,
    annotations: Annotations,
    type: EventType,
    reason: string,
    action: string,
    note: string,
    ...args: unknown[]
  ): void {
    const { logger, send, reject, ignoresServerLimits } = this.#options;
    try {
      const event = this.#newEvent(regarding, related, annotations, { type, reason, action }, { note, args });
      if (event === undefined) return;
      const fault = ignoresServerLimits ? undefined : faultOf(event);
      if (fault !== undefined) {
        logger.error('Unable to record event (will not retry!)', { fault, event });
        reject(event);
      } else if (!send(event)) logger.error('Unable to record event: too many queued events, dropped event', { event });
    } catch (error) {
      logger.error('Unable to record event (will not retry!)', { error });
    }
  }

  withLogger(logger: Logger): EventsV1Recorder {
    return new BroadcastingEventsV1Recorder({ ...this.#options, logger: guardedLogger(logger) });
  }

  #newEvent(
    regarding: MaybeReferable,
    related: MaybeReferable,
    annotations: Annotations,
    fields: Pick<EventsV1Event, 'type' | 'reason' | 'action'>,
    { note, args }: { readonly note: string; readonly args: readonly unknown[] },
  ): EventsV1Event | undefined {
    const { logger, now, nameFor, nameAnnotation, reporter, ignoresServerLimits } = this.#options;
    const text = args.length === 0 ? note : formatMessage(note, args);
    const reference = this.#referenceTo(regarding, { ...fields, note: text });
    if (reference === undefined) return undefined;
    const other = this.#relatedReference(related);
    if (fields.type !== 'Normal' && fields.type !== 'Warning') {
      logger.error('Unsupported event type', { eventType: fields.type });
      return undefined;
    }
    const nowMs = now();
    const namespace = reference.namespace === undefined || reference.namespace === '' ? 'default' : reference.namespace;
    const name = givenName(annotations, nameAnnotation) ?? nameFor(reference.name ?? '', nowMs);
    return {
      metadata: annotations === undefined ? { name, namespace } : { name, namespace, annotations: { ...annotations } },
      eventTime: microTime(nowMs),
      ...reporter,
      ...fields,
      note: ignoresServerLimits ? text : shortNote(text),
      regarding: { ...reference },
      ...(other === undefined ? {} : { related: { ...other } }),
    };
  }

  #referenceTo(regarding: MaybeReferable, fields: object): ObjectReference | undefined {
    try {
      return getReference(regarding, this.#options.kindOf);
    } catch (error) {
      const what = { error, object: regarding, ...fields };
      this.#options.logger.error('Could not construct reference, will not report event', what);
      return undefined;
    }
  }

  /** An event is worth telling without it. */
  #relatedReference(related: MaybeReferable): ObjectReference | undefined {
    if (related === null || related === undefined) return undefined;
    try {
      return getReference(related, this.#options.kindOf);
    } catch (error) {
      this.#options.logger.debug('Could not construct reference to the related object', { error, object: related });
      return undefined;
    }
  }
}

const encoder = new TextEncoder();

/** What the API server would refuse the event for. */
function faultOf({ reason, action, reportingInstance, reportingController }: EventsV1Event): string | undefined {
  for (const [field, value] of Object.entries({ reason, action, reportingInstance })) {
    if (value === '' || (value.length * 3 > longestFieldBytes && encoder.encode(value).length > longestFieldBytes))
      return `${field} must have 1 to ${longestFieldBytes} bytes`;
  }
  return qualifiedName.test(reportingController) ? undefined : 'reportingController must be a qualified name';
}
