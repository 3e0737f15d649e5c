// EventsV1Recorder: records that a controller did something about an object.
//   Port of client-go v0.37.2 tools/events/event_recorder.go.
import { guardedLogger } from '../../logging/guarded-logger.ts';
import type { Logger } from '../../logging/logger.ts';
import { fitsInto } from '../../logging/short-text.ts';
import type { EventType } from '../core/core-event.ts';
import type { Annotations } from '../pipeline/event-policy.ts';
import {
  eventFields,
  newMetadata,
  record,
  type EventParts,
  type RecordedCall,
  type RecordingOptions,
} from '../pipeline/recording.ts';
import { getReference, type NotEmpty, type ObjectReference, type Referable } from '../pipeline/reference.ts';
import { shortNote, type EventsV1Event } from './event.ts';
import { microTime } from '../../time/rfc3339.ts';

/** What an event can be about. An event without an object is logged and counted as invalid. */
export type MaybeReferable = Referable | null | undefined;

/** The controller that reports, such as `example.com/my-controller`, and its instance, usually `<controller>-<host name>`. */
export interface Reporter {
  readonly reportingController: string;
  readonly reportingInstance: string;
}

/** A call of a recorder of events.k8s.io/v1. */
export interface RecordedAction extends RecordedCall {
  readonly related: MaybeReferable;
  readonly action: string;
}

/** What a recorded event has besides its objects. `note` is a format for `args`, see `EventRecorder`; without arguments it is taken as it is. */
export type ActionArguments = [type: EventType, reason: string, action: string, note: string, ...args: unknown[]];

/** Records events. No method throws or waits: an event that cannot be recorded is logged and counted. */
export interface EventsV1Recorder {
  /**
   * Records an event about `regarding`. `action` is what the controller did or tried, `reason` is why; `related` is another object that took
   * part.
   */
  eventf<T extends MaybeReferable>(regarding: NotEmpty<T>, related: MaybeReferable, ...action: ActionArguments): void;
  /** As `eventf`, with annotations on the event. */
  annotatedEventf<T extends MaybeReferable>(
    regarding: NotEmpty<T>,
    related: MaybeReferable,
    annotations: Annotations | undefined,
    ...action: ActionArguments
  ): void;
  /** The same recorder with another logger. */
  withLogger(logger: Logger): EventsV1Recorder;
}

export interface EventsV1RecordingOptions extends RecordingOptions<EventsV1Event> {
  readonly ignoresServerLimits: boolean;
}

/** The longest reason, action and instance that the API server accepts, in UTF-8. */
const longestFieldBytes = 128;
/** A name, which a DNS subdomain and a slash may precede. */
const qualifiedName =
  /^(?:(?=[^/]{1,253}\/)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** The methods of an `EventsV1Recorder`, over one. For recorders of your own. */
export abstract class BaseEventsV1Recorder implements EventsV1Recorder {
  eventf(regarding: MaybeReferable, related: MaybeReferable, ...action: ActionArguments): void {
    this.annotatedEventf(regarding, related, undefined, ...action);
  }

  annotatedEventf(
    object: MaybeReferable,
    related: MaybeReferable,
    annotations: Annotations | undefined,
    ...[type, reason, action, format, ...args]: ActionArguments
  ): void {
    this.record({ object, related, annotations, type, reason, action, format, args });
  }

  abstract withLogger(logger: Logger): EventsV1Recorder;

  /** Records the event of either method. */
  protected abstract record(call: RecordedAction): void;
}

/** The recorder of an `EventsV1Broadcaster`. */
export class BroadcastingEventsV1Recorder extends BaseEventsV1Recorder {
  readonly #reporter: Reporter;
  readonly #options: EventsV1RecordingOptions;

  constructor(reporter: Reporter, options: EventsV1RecordingOptions) {
    super();
    this.#reporter = { ...reporter };
    this.#options = options;
  }

  withLogger(logger: Logger): EventsV1Recorder {
    return new BroadcastingEventsV1Recorder(this.#reporter, { ...this.#options, logger: guardedLogger(logger) });
  }

  protected record(call: RecordedAction): void {
    const { logger, send, drop, ignoresServerLimits } = this.#options;
    const sendOrReject = (event: EventsV1Event): boolean => {
      const fault = ignoresServerLimits ? undefined : serverFaultOf(event);
      if (fault === undefined) return send(event);
      logger.error('Unable to record event (will not retry!)', { fault, ...eventFields(event.regarding, event) });
      drop('rejected', event);
      return true;
    };
    record({ ...this.#options, send: sendOrReject }, call, parts => this.#newEvent(call, parts));
  }

  #newEvent({ action, related }: RecordedAction, parts: EventParts): EventsV1Event {
    const { reference, nowMs, message, type, reason } = parts;
    const other = this.#relatedReference(related);
    return {
      metadata: newMetadata(parts),
      eventTime: microTime(nowMs),
      ...this.#reporter,
      type,
      reason,
      action,
      note: this.#options.ignoresServerLimits ? message : shortNote(message),
      regarding: { ...reference },
      ...(other === undefined ? {} : { related: { ...other } }),
    };
  }

  /** An event without it is better than none. */
  #relatedReference(related: MaybeReferable): ObjectReference | undefined {
    if (related === null || related === undefined) return undefined;
    try {
      return getReference(related, this.#options.kindOf);
    } catch (error) {
      this.#options.logger.debug('Could not construct reference to the related object', { error });
      return undefined;
    }
  }
}

/** Why the API server would refuse the event. */
function serverFaultOf({ reason, action, reportingInstance, reportingController }: EventsV1Event): string | undefined {
  for (const [field, value] of Object.entries({ reason, action, reportingInstance })) {
    if (value === '' || !fitsInto(value, longestFieldBytes)) return `${field} must have 1 to ${longestFieldBytes} bytes`;
  }
  return qualifiedName.test(reportingController) ? undefined : 'reportingController must be a qualified name';
}
