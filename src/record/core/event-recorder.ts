// EventRecorder: records that something happened to an object. Port of client-go v0.37.2 tools/record/event.go (recorderImpl).
import { guardedLogger } from '../../logging/guarded-logger.ts';
import type { Logger } from '../../logging/logger.ts';
import type { Annotations } from '../pipeline/event-policy.ts';
import { record, type RecordedCall, type RecordingOptions } from '../pipeline/recording.ts';
import type { NotEmpty, Referable } from '../pipeline/reference.ts';
import { newEvent, type CoreV1Event, type EventSource, type EventType } from './core-event.ts';

/** What a recorded event has besides its object, with a format for the message. */
export type FormatArguments = [type: EventType, reason: string, format: string, ...args: unknown[]];

/**
 * Records events: `type` is `Normal` or `Warning`, `reason` a short UpperCamelCase word for machines, and the message is for people. No method
 * throws or waits: an event that cannot be recorded is logged and counted. Port of `record.EventRecorder`.
 *
 * @example
 * ```ts
 * import { EventBroadcaster } from 'bitcoin-controller/record';
 *
 * await using events = new EventBroadcaster();
 * events.startEventWatcher(({ reason, message }) => console.log(reason, message));
 * const recorder = events.newRecorder({ component: 'my-controller' });
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0', uid: '1' } };
 * recorder.event(pod, 'Normal', 'Started', 'The load is 100%'); // prints Started The load is 100%
 * recorder.eventf(pod, 'Warning', 'Unhealthy', '%d of %d probes failed', 2, 3); // prints Unhealthy 2 of 3 probes failed
 * recorder.annotatedEvent(pod, { cause: 'quota' }, 'Warning', 'Evicted', 'Quota exceeded'); // prints Evicted Quota exceeded
 * await events.shutdown();
 * ```
 */
export interface EventRecorder {
  /** Records an event. `message` is taken as it is. */
  event<T extends Referable>(object: NotEmpty<T>, type: EventType, reason: string, message: string): void;
  /** As `event`, with annotations on the event. */
  annotatedEvent<T extends Referable>(
    object: NotEmpty<T>,
    annotations: Annotations,
    type: EventType,
    reason: string,
    message: string,
  ): void;
  /** As `event`, with a format and its arguments. The placeholders are those of Node's `util.format`: `%s`, `%d`, `%i`, `%f`, `%j`, `%o`. */
  eventf<T extends Referable>(object: NotEmpty<T>, ...event: FormatArguments): void;
  /** As `eventf`, with annotations on the event. */
  annotatedEventf<T extends Referable>(object: NotEmpty<T>, annotations: Annotations, ...event: FormatArguments): void;
  /** The same recorder with another logger. */
  withLogger(logger: Logger): EventRecorder;
}

/** The methods of an `EventRecorder`, over one. For recorders of your own. */
export abstract class BaseEventRecorder implements EventRecorder {
  event(object: Referable, type: EventType, reason: string, message: string): void {
    this.record({ object, annotations: undefined, type, reason, format: message, args: [] });
  }

  annotatedEvent(object: Referable, annotations: Annotations, type: EventType, reason: string, message: string): void {
    this.record({ object, annotations, type, reason, format: message, args: [] });
  }

  eventf(object: Referable, type: EventType, reason: string, format: string, ...args: unknown[]): void {
    this.record({ object, annotations: undefined, type, reason, format, args });
  }

  annotatedEventf(object: Referable, annotations: Annotations, ...event: FormatArguments): void {
    const [type, reason, format, ...args] = event;
    this.record({ object, annotations, type, reason, format, args });
  }

  abstract withLogger(logger: Logger): EventRecorder;

  /** Records the event of any of the methods. */
  protected abstract record(call: RecordedCall): void;
}

/** The recorder of an `EventBroadcaster`. */
export class BroadcastingRecorder extends BaseEventRecorder {
  readonly #source: EventSource;
  readonly #options: RecordingOptions<CoreV1Event>;

  constructor(source: EventSource, options: RecordingOptions<CoreV1Event>) {
    super();
    this.#source = { ...source };
    this.#options = options;
  }

  withLogger(logger: Logger): EventRecorder {
    return new BroadcastingRecorder(this.#source, { ...this.#options, logger: guardedLogger(logger) });
  }

  protected record(call: RecordedCall): void {
    record(this.#options, call, parts => newEvent({ ...parts, source: this.#source }));
  }
}
