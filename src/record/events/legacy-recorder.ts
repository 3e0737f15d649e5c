// LegacyRecorder: records with the words of core/v1 into events.k8s.io/v1. Before it: a controller's code. After it: events-v1-recorder.ts.
//   client-go has no such thing: its legacy recorder writes core/v1. The other way: event-recorder-adapter.ts.
import type { Logger } from '../../logging/logger.ts';
import type { EventType } from '../core/core-event.ts';
import type { EventRecorder } from '../core/event-recorder.ts';
import { formatMessage } from '../pipeline/format-message.ts';
import type { Referable } from '../pipeline/reference.ts';
import type { EventsV1Recorder } from './recorder.ts';

/** How core/v1 words are said in events.k8s.io/v1. */
export interface LegacyRecorderOptions {
  /** What was done, or tried, when an event has this reason: the API server wants to know. The reason itself unless told. */
  readonly actionOf?: ((reason: string) => string) | undefined;
}

/**
 * For code that is written for `EventRecorder` and is to record in events.k8s.io/v1.
 *
 * @example
 * ```ts
 * import { FakeRecorder, LegacyRecorder } from 'bitcoin-controller/record/events';
 *
 * const events = new FakeRecorder({ verbose: true });
 * const recorder = new LegacyRecorder(events, { actionOf: reason => (reason === 'Scaled' ? 'Scaling' : reason) });
 * recorder.event({ apiVersion: 'v1', kind: 'Pod', name: 'web-0' }, 'Normal', 'Scaled', 'from 1 to 2');
 * console.log(events.events[0]); // prints Normal Scaled Scaling from 1 to 2 {kind=Pod,apiVersion=v1}
 * ```
 */
export class LegacyRecorder implements EventRecorder {
  readonly #recorder: EventsV1Recorder;
  readonly #actionOf: (reason: string) => string;

  constructor(recorder: EventsV1Recorder, { actionOf = reason => reason }: LegacyRecorderOptions = {}) {
    this.#recorder = recorder;
    this.#actionOf = actionOf;
  }

  event(object: Referable, type: EventType, reason: string, message: string): void {
    this.#recorder.eventf(object, undefined, type, reason, this.#actionOf(reason), message);
  }

  annotatedEvent(
    object: Referable,
    annotations: Readonly<Record<string, string>>,
    type: EventType,
    reason: string,
    message: string,
  ): void {
    this.#recorder.annotatedEventf(object, undefined, annotations, type, reason, this.#actionOf(reason), message);
  }

  eventf(object: Referable, type: EventType, reason: string, format: string, ...args: unknown[]): void {
    this.event(object, type, reason, formatMessage(format, args));
  }

  annotatedEventf(
    object: Referable,
    annotations: Readonly<Record<string, string>>,
    type: EventType,
    reason: string,
    format: string,
    ...args: unknown[]
  ): void {
    this.annotatedEvent(object, annotations, type, reason, formatMessage(format, args));
  }

  withLogger(logger: Logger): EventRecorder {
    return new LegacyRecorder(this.#recorder.withLogger(logger), { actionOf: this.#actionOf });
  }
}
