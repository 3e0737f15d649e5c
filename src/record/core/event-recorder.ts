// EventRecorder: says that something happened to an object. Before it: a controller's code. After it: event-broadcaster.ts.
//   Port of client-go v0.37.2 tools/record/event.go (recorderImpl).
import type { Logger } from '../../logging/logger.ts';
import type { CoreV1Event, EventSource, EventType } from './core-event.ts';
import { newEvent } from './core-event.ts';
import { givenName } from '../pipeline/event-name.ts';
import { formatMessage } from '../pipeline/format-message.ts';
import { guardedLogger } from '../../logging/guarded-logger.ts';
import { getReference, type KindLookup, type Referable } from '../pipeline/reference.ts';

/**
 * Records events: `type` is `Normal` or `Warning`, `reason` a short UpperCamelCase word that machines go by, and the message is for people.
 * No method ever throws or waits: what cannot be recorded is logged and counted. Port of `record.EventRecorder`.
 *
 * @example
 * ```ts
 * import { EventBroadcaster } from 'bitcoin-controller/record';
 *
 * await using events = new EventBroadcaster();
 * events.startEventWatcher(({ reason, message }) => console.log(reason, message));
 * const recorder = events.newRecorder({ component: 'my-controller' });
 * const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'default', name: 'web-0', uid: '1' } };
 * recorder.event(pod, 'Normal', 'Started', 'it runs at 100%'); // prints Started it runs at 100%
 * recorder.eventf(pod, 'Warning', 'Unhealthy', '%d of %d probes failed', 2, 3); // prints Unhealthy 2 of 3 probes failed
 * recorder.annotatedEvent(pod, { cause: 'quota' }, 'Warning', 'Evicted', 'too big'); // prints Evicted too big
 * await events.shutdown();
 * ```
 */
export interface EventRecorder {
  /** `message` is taken as it is. */
  event(object: Referable, type: EventType, reason: string, message: string): void;
  /** As `event`, with annotations on the event. */
  annotatedEvent(
    object: Referable,
    annotations: Readonly<Record<string, string>>,
    type: EventType,
    reason: string,
    message: string,
  ): void;
  /** As `event`, with a message of a format and its arguments. The placeholders are those of Node's `util.format`. */
  eventf(object: Referable, type: EventType, reason: string, format: string, ...args: unknown[]): void;
  /** As `eventf`, with annotations on the event. */
  annotatedEventf(
    object: Referable,
    annotations: Readonly<Record<string, string>>,
    type: EventType,
    reason: string,
    format: string,
    ...args: unknown[]
  ): void;
  /** The same recorder, which logs to `logger`. */
  withLogger(logger: Logger): EventRecorder;
}

export interface BroadcastingRecorderOptions {
  readonly source: EventSource;
  readonly logger: Logger;
  /** False if there are too many events already. Throws when stopped. */
  readonly send: (event: CoreV1Event) => boolean;
  readonly nameFor: (referencedName: string, nowMs: number) => string;
  readonly nameAnnotation: string | undefined;
  readonly now: () => number;
  readonly kindOf: KindLookup | undefined;
}

type Annotations = Readonly<Record<string, string>> | undefined;

/** The recorder that an `EventBroadcaster` makes. */
export class BroadcastingRecorder implements EventRecorder {
  readonly #options: BroadcastingRecorderOptions;

  constructor(options: BroadcastingRecorderOptions) {
    this.#options = options;
  }

  event(object: Referable, type: EventType, reason: string, message: string): void {
    this.#record(object, undefined, type, reason, () => message);
  }

  annotatedEvent(object: Referable, annotations: Annotations, type: EventType, reason: string, message: string): void {
    this.#record(object, annotations, type, reason, () => message);
  }

  eventf(object: Referable, type: EventType, reason: string, format: string, ...args: unknown[]): void {
    this.#record(object, undefined, type, reason, () => formatMessage(format, args));
  }

  annotatedEventf(
    object: Referable,
    annotations: Annotations,
    type: EventType,
    reason: string,
    format: string,
    ...args: unknown[]
  ): void {
    this.#record(object, annotations, type, reason, () => formatMessage(format, args));
  }

  withLogger(logger: Logger): EventRecorder {
    return new BroadcastingRecorder({ ...this.#options, logger: guardedLogger(logger) });
  }

  #record(object: Referable, annotations: Annotations, type: string, reason: string, messageOf: () => string): void {
    const { logger, send } = this.#options;
    try {
      const event = this.#newEvent(object, annotations, type, reason, messageOf);
      if (event === undefined) return;
      if (!send(event)) logger.error('Unable to record event: too many queued events, dropped event', { event });
    } catch (error) {
      logger.error('Unable to record event (will not retry!)', { error });
    }
  }

  #newEvent(
    object: Referable,
    annotations: Annotations,
    type: string,
    reason: string,
    messageOf: () => string,
  ): CoreV1Event | undefined {
    const { logger, source, now, nameFor, nameAnnotation, kindOf } = this.#options;
    let reference;
    try {
      reference = getReference(object, kindOf);
    } catch (error) {
      logger.error('Could not construct reference, will not report event', {
        error,
        object,
        eventType: type,
        reason,
        message: messageOf(),
      });
      return undefined;
    }
    if (type !== 'Normal' && type !== 'Warning') {
      logger.error('Unsupported event type', { eventType: type });
      return undefined;
    }
    const nowMs = now();
    const name = givenName(annotations, nameAnnotation) ?? nameFor(reference.name ?? '', nowMs);
    return newEvent({ reference, name, annotations, type, reason, message: messageOf(), source, nowMs });
  }
}
